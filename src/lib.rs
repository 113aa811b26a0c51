//! Pentimento restores damaged pictures by parameters that a trained model predicts.
pub mod imaging;
pub mod learning;
