//! Errors of a trial.

use thiserror::Error;

use crate::{
    evaluation::PairError,
    features::FeatureError,
    imaging::codec::EncodeError,
    models::{
        PredictError,
        classic::training::TrainingError,
        gains::{fit::GainFitError, weight_forest::WeightsError},
        predictor::PredictorError,
    },
    search::SearchError,
    training::GainTrainingError,
};

/// A trial cannot be done.
#[derive(Debug, Error)]
pub enum TrialError {
    /// The folds are not honest: a model would be measured on a source that it was fitted on.
    #[error("the groups file has pictures of the source {0} in several folds")]
    SourceInSeveralFolds(String),
    /// A fold's gains model cannot be fitted.
    #[error(transparent)]
    Training(#[from] GainTrainingError),
    /// A fold's model of the three parameters cannot be fitted.
    #[error(transparent)]
    ThreeParameters(#[from] GainFitError),
    /// A fold's classic model cannot be fitted.
    #[error(transparent)]
    Classic(#[from] TrainingError),
    /// A fold's classic model cannot be used.
    #[error(transparent)]
    Predictor(#[from] PredictorError),
    /// The classic model cannot predict.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A gains model cannot use the features of a picture.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A picture has no features.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A pair has no optimum.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// A restored picture cannot be compared with its reference.
    #[error(transparent)]
    Compare(#[from] SearchError),
    /// A picture cannot be encoded for the page.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
