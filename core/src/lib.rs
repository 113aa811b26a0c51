//! Pentimento's core: restores damaged pictures by parameters that a trained model predicts.
//!
//! Everything here takes values and returns values.

pub mod digest;
pub mod evaluation;
pub mod features;
mod html;
pub mod imaging;
pub mod inspection;
pub mod learning;
pub mod metrics;
pub mod models;
pub mod numeric;
pub mod registration;
pub mod restoration;
pub mod search;
pub mod synthesis;
pub mod training;
