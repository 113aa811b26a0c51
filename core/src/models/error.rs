//! The error of a prediction, the same for both kinds of model.

use thiserror::Error;

use super::assume::Assume;

/// A prediction cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum PredictError {
    /// The features are of another schema than the model's.
    #[error("features {found} were measured, the model needs {needed}")]
    Schema {
        /// Schema of the measured features.
        found: &'static str,
        /// Schema of the model.
        needed: &'static str,
    },
    /// A feature is NaN or infinite.
    #[error("feature {feature} is {found}: a finite number is needed to predict")]
    Feature {
        /// Name of the feature.
        feature: &'static str,
        /// The number found.
        found: f64,
    },
    /// The caller fixed `color_method=learned`, but the model predicts no colour transforms.
    #[error("the model {model} predicts no colour transform, which color_method=learned needs")]
    NoColorTransform {
        /// Id of the model.
        model: String,
    },
    /// The caller assumes something, but the model predicts parameters without bounds that an assumption could move.
    #[error(
        "the model {model} is of the classic kind, which always applies what it predicts; assume={assume} needs a \
         model that weighs gains, such as the built-in one"
    )]
    NoAssumption {
        /// Id of the model.
        model: String,
        /// The assumption.
        assume: Assume,
    },
}
