//! Results of one pair: what the search found and what each model did.

use thiserror::Error;

use crate::{
    features::{FeatureError, FeatureVector},
    imaging::RestorationParameters,
    metrics::{MetricError, Quality},
    models::{PredictError, classic::RawPrediction},
    search::SearchError,
};

/// Result of the search on one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PairOptimum {
    /// Features of the damaged picture.
    pub features: FeatureVector,
    /// Quality of the damaged picture against the reference.
    pub untouched: Quality,
    /// Quality of every candidate, in the order of the space.
    pub candidates: Vec<Quality>,
    /// Index of the best candidate.
    pub best: usize,
}

/// Result of one model on one pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelOutcome {
    /// Numbers that the model predicted, before rounding and clamping.
    pub raw: RawPrediction,
    /// Parameters that were applied.
    pub parameters: RestorationParameters,
    /// Quality of the restored picture against the reference.
    pub quality: Quality,
}

/// All results of one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PairEvaluation {
    /// `SET/NAME` or `NAME`.
    pub name: String,
    /// Result of the search.
    pub optimum: PairOptimum,
    /// Results of the models, in the order given.
    pub models: Vec<ModelOutcome>,
}

impl PairEvaluation {
    /// Returns the set of a `SET/NAME`, or an empty string for a `NAME`.
    pub fn set(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(set, _)| set)
    }
}

/// A pair cannot be measured.
#[derive(Debug, Error)]
pub enum PairError {
    /// The damaged picture has no features.
    #[error("the damaged picture: {0}")]
    Features(#[from] FeatureError),
    /// The pair cannot be searched.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The restored picture cannot be compared with the reference.
    #[error("the undamaged picture: {0}")]
    Metric(#[from] MetricError),
    /// A model cannot predict.
    #[error(transparent)]
    Predict(#[from] PredictError),
}
