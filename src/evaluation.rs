//! How good restorations are: one pair measured, many pairs summed up, the first system's promises held against it.
//!
//! Gains are differences of scores with PSNR capped at 50 dB; harm is losing more than 0.05 dB of capped PSNR.

mod report;

pub use report::{Block, FixedChoice, PictureLine, Promise, Report, Section, Summary, report};

use thiserror::Error;

use crate::{
    features::{self, FeatureError, FeatureVector},
    imaging::{Image, RestorationParameters, pipeline},
    learning::{PredictError, RawPrediction},
    metrics::{self, MetricError, Quality},
    predictor::{Predictor, RequestedParameters},
    search::{self, SearchError, SearchSpace},
};

/// The version of what [`find_optimum`] gives, beside the features' own: to be raised when a release may give other bits,
/// so that stored results of an earlier one are not taken for its own. A test holds a digest against it.
pub const ALGORITHM: &str = "optimum/1";

/// What the search found on one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PairOptimum {
    /// The damaged picture's features.
    pub features: FeatureVector,
    /// The damaged picture as it came, against the reference.
    pub untouched: Quality,
    /// Every candidate of the space, in its order.
    pub candidates: Vec<Quality>,
    /// Index of the winner.
    pub best: usize,
}

/// What one model did on one pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelOutcome {
    /// Its numbers.
    pub raw: RawPrediction,
    /// What was applied.
    pub parameters: RestorationParameters,
    /// The restored picture against the reference.
    pub quality: Quality,
}

/// One pair, measured in full.
#[derive(Clone, Debug, PartialEq)]
pub struct PairEvaluation {
    /// `SET/NAME` or `NAME`.
    pub name: String,
    /// What the search found.
    pub optimum: PairOptimum,
    /// One outcome per model evaluated.
    pub models: Vec<ModelOutcome>,
}

impl PairEvaluation {
    /// The set of a `SET/NAME`, empty without one.
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
    /// The pictures cannot be compared.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The pictures cannot be compared.
    #[error("the undamaged picture: {0}")]
    Metric(#[from] MetricError),
    /// A model cannot predict.
    #[error(transparent)]
    Predict(#[from] PredictError),
}

/// Searches the best parameters of a pair: one row of the table and of all combinations.
///
/// # Errors
/// When a picture is smaller than 7 px.
pub fn find_optimum(
    reference: &Image,
    damaged: &Image,
    space: &SearchSpace,
) -> Result<PairOptimum, PairError> {
    let features = features::extract(damaged)?;
    let mut candidates = search::search(reference, damaged, space)?;
    let untouched = metrics::compare(reference, damaged)?;
    // Doing nothing is measured once: the fused search rounds otherwise, and would let it gain or lose a little.
    for (quality, candidate) in candidates.iter_mut().zip(space.candidates()) {
        if candidate.parameters.is_identity() {
            *quality = untouched;
        }
    }
    let best = search::best(&candidates);
    Ok(PairOptimum { features, untouched, candidates, best })
}

/// Searches a pair and restores its damaged side by each model.
///
/// # Errors
/// As [`find_optimum`].
pub fn evaluate_pair(
    name: &str,
    reference: &Image,
    damaged: &Image,
    space: &SearchSpace,
    models: &[&Predictor],
) -> Result<PairEvaluation, PairError> {
    let optimum = find_optimum(reference, damaged, space)?;
    let outcome = |model: &&Predictor| {
        let prediction = model.predict(&optimum.features, &RequestedParameters::default())?;
        let parameters = prediction.parameters;
        let coefficients = pipeline::measure(damaged, &parameters);
        let restored = pipeline::apply(damaged.clone(), &parameters, &coefficients);
        let quality = metrics::compare(reference, &restored)?;
        Ok(ModelOutcome { raw: prediction.raw, parameters, quality })
    };
    let models = models.iter().map(outcome).collect::<Result<_, PairError>>()?;
    Ok(PairEvaluation { name: name.to_owned(), optimum, models })
}
