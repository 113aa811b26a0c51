//! The built-in kind of model: it expects the gain of every candidate and takes the best that is worth it.

pub mod artifact;
pub mod candidates;
pub mod decide;
pub mod fit;
pub mod model;
pub mod weight_forest;

pub use artifact::{GainArtifact, GainCard};
pub use weight_forest::WeightForest;
