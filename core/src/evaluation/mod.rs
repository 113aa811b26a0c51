//! How good restorations are: one pair measured, many pairs summed up, the first system's promises held against it.
//!
//! Gains are differences of scores with PSNR capped at 50 dB; harm is losing more than 0.05 dB of capped PSNR.

mod alignment;
mod held_out;
mod html;
mod report;
mod svg;
pub mod trial;

pub use alignment::{Align, Alignment, AlignmentKind, NotAPair, align};
pub use held_out::held_out_scores;
pub use report::{Block, FixedChoice, PictureLine, Promise, Report, Section, Summary, report};

use thiserror::Error;

use crate::{
    features::{self, FeatureError, FeatureVector, Features, Schema, rich},
    imaging::{Image, RestorationParameters, pipeline},
    metrics::{self, MetricError, Quality},
    models::{
        PredictError,
        classic::RawPrediction,
        predictor::{Predictor, RequestedParameters},
    },
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
    // Doing nothing is measured beside the others: the plain metric, rounding otherwise, would let it gain or lose a
    // little, and costs four times as much.
    let (measured, identity) = space.with_identity();
    let mut candidates = search::search(reference, damaged, &measured)?;
    let untouched = candidates[identity];
    candidates.truncate(space.candidates().len());
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
        let features = match model.schema() {
            Schema::Seed => Features { schema: Schema::Seed, values: optimum.features.to_vec() },
            Schema::Rich => features::measure(&rich::reduced(damaged), Schema::Rich)?,
        };
        let size = (damaged.width(), damaged.height());
        let prediction = model.predict(&features, size, &RequestedParameters::default())?;
        let parameters = prediction.parameters();
        let quality = if parameters.is_identity() {
            optimum.untouched
        } else {
            let coefficients = pipeline::measure(damaged, &parameters, prediction.transform());
            metrics::compare(reference, &pipeline::apply(damaged.clone(), &parameters, &coefficients))?
        };
        Ok(ModelOutcome { raw: prediction.raw(), parameters, quality })
    };
    let models = models.iter().map(outcome).collect::<Result<_, PairError>>()?;
    Ok(PairEvaluation { name: name.to_owned(), optimum, models })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    fn grey(f: impl Fn(usize) -> u8) -> Image {
        Image::new(16, 16, Channels::Grey, (0..256).map(f).collect(), None).unwrap()
    }

    #[test]
    fn doing_nothing_is_measured_though_the_space_lacks_it() {
        let (reference, damaged) = (grey(|i| i as u8), grey(|i| (i * 7 / 8) as u8));
        let found = find_optimum(&reference, &damaged, &SearchSpace::seed()).unwrap();
        assert_eq!(found.candidates.len(), 40);
        let plain = metrics::compare(&reference, &damaged).unwrap();
        assert_eq!(found.untouched.psnr, plain.psnr);
        assert!((found.untouched.ssim - plain.ssim).abs() < 1e-6);
    }

    #[test]
    fn equal_flat_pictures_have_a_similarity_of_one() {
        for value in 0..=255 {
            let flat = grey(|_| value);
            let found = find_optimum(&flat, &flat, &SearchSpace::full()).unwrap();
            assert_eq!((found.untouched.psnr, found.untouched.ssim), (f64::INFINITY, 1.0));
            assert!(found.candidates.iter().all(|quality| quality.ssim <= 1.0));
        }
    }
}
