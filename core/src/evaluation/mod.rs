//! Measures how good restorations are.
//!
//! - [`align`] registers a pair before it is scored.
//! - [`find_optimum`] searches the best parameters of one pair.
//! - [`evaluate_pair`] also restores the pair by models and measures the results.
//! - [`report`](fn@report) sums up many pairs, and compares the means with what the first system promised.
//! - [`trial`] compares six ways of restoring by cross-validation.
//! - [`photographs`] is the part of a trial that is about photographs, ordinary pictures and rolls.
//!
//! A gain is a difference of scores with PSNR capped at 50 dB. Harm is a loss of more than 0.05 dB of capped PSNR.

mod alignment;
mod held_out;
mod pair;
pub mod photographs;
mod report;
mod svg;
pub mod trial;

pub use alignment::{Align, Alignment, AlignmentKind, NotAPair, align};
pub use held_out::held_out_scores;
pub use pair::{ModelOutcome, PairError, PairEvaluation, PairOptimum};
pub use report::{Block, FixedChoice, PictureLine, Promise, QualityMeans, Report, Section, report};

use crate::{
    features::{self, Features, Schema, rich},
    imaging::{Image, pipeline},
    metrics,
    models::predictor::{Predictor, RequestedParameters},
    search::{self, SearchSpace},
};

/// Version of the results of [`find_optimum`], apart from the version of the features. It is raised when a release may
/// return other bits, so that stored results of an earlier release are not reused. A test compares it with a digest of
/// results.
pub const ALGORITHM: &str = "optimum/2";

/// Measures every candidate of a space on one pair and returns the best.
///
/// # Errors
/// When a picture is smaller than 7 px.
pub fn find_optimum(
    reference: &Image,
    damaged: &Image,
    space: &SearchSpace,
) -> Result<PairOptimum, PairError> {
    let features = features::extract(damaged)?;
    // The search also measures the identity. The plain metric rounds otherwise, so the untouched picture would seem to
    // gain or lose a little; it also costs four times as much.
    let (measured, identity) = space.with_identity();
    let mut candidates = search::search(reference, damaged, &measured)?;
    let untouched = candidates[identity];
    candidates.truncate(space.candidates().len());
    let best = search::best(&candidates);
    Ok(PairOptimum { features, untouched, candidates, best })
}

/// Searches a pair, then restores its damaged picture by each model and measures the result.
///
/// # Errors
/// Same errors as [`find_optimum`], and when a model cannot predict.
pub fn evaluate_pair(
    name: &str,
    reference: &Image,
    damaged: &Image,
    space: &SearchSpace,
    models: &[&Predictor],
) -> Result<PairEvaluation, PairError> {
    let optimum = find_optimum(reference, damaged, space)?;
    let outcome = |model: &&Predictor| restore_by(model, reference, damaged, &optimum);
    let models = models.iter().map(outcome).collect::<Result<_, PairError>>()?;
    Ok(PairEvaluation { name: name.to_owned(), optimum, models })
}

/// Restores the damaged picture by one model and measures the result.
fn restore_by(
    model: &Predictor,
    reference: &Image,
    damaged: &Image,
    optimum: &PairOptimum,
) -> Result<ModelOutcome, PairError> {
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
