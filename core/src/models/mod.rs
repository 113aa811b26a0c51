//! The two kinds of model, one module each, and the parts that both share.
//!
//! [`classic`] regresses three parameters from seed features. [`gains`] expects the gain of every candidate from rich
//! features and chooses one; it is the built-in kind. [`predictor::Predictor`] is a model of either kind.
//!
//! Both modules have the same parts. `fit` fits a model, and `model` is the fitted model. `artifact` is the content of
//! a model file, and `card` describes the model. `decide` turns predicted numbers into parameters.

mod assume;
pub mod classic;
mod embedded;
pub mod error;
pub mod family;
pub mod file;
pub mod gains;
pub mod hyperparameters;
pub mod prediction;
pub mod predictor;
pub mod provenance;
pub mod requested;
pub mod roll;

pub use assume::{Assume, UnknownAssumption};
pub use error::PredictError;
pub use family::Family;
pub use prediction::Prediction;
pub use provenance::DatasetUse;
pub use requested::RequestedParameters;
pub use roll::{RollPrediction, Surveyed};
