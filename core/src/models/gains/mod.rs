//! The built-in kind of model: it expects the gain of every candidate and chooses the best that passes a gate.

pub mod artifact;
pub mod candidate;
pub mod card;
mod card_text;
pub mod choices;
pub mod code;
pub mod coordinates;
pub mod decide;
pub mod fit;
pub mod gate_choice;
pub mod hyperparameters;
pub mod kernel_ridge;
pub mod measure;
pub mod model;
pub mod roll;
pub mod sample;
pub mod weight_forest;

pub use artifact::GainArtifact;
pub use candidate::{GainCandidate, LearnedCorrection};
pub use card::GainCard;
pub use hyperparameters::GainHyperparameters;
pub use weight_forest::WeightForest;
