//! Pentimento restores damaged pictures by parameters that a trained model predicts.
pub mod features;
pub mod imaging;
pub mod learning;
pub mod metrics;
pub mod search;
