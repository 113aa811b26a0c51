//! The two kinds of model, one room each, and what both share.
//!
//! [`classic`] regresses three parameters from seed features. [`gains`] expects the gain of every candidate from rich
//! features and chooses one; it is the built-in kind. [`predictor::Predictor`] is a model of either kind.
//!
//! Both rooms have the same parts: `fit` fits, `model` is what was fitted, `artifact` is the content of a model file,
//! `card` describes the model, and `decide` turns expectations into parameters.

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

pub use error::PredictError;
pub use family::Family;
pub use prediction::Prediction;
pub use provenance::DatasetUse;
pub use requested::RequestedParameters;
