//! Measures a training picture: its features, the transforms that fit it, and the gains of the candidates.

use super::{
    candidate::LearnedCorrection,
    choices::Choices,
    code::{AFFINE_LENGTH, TransformCode},
    model::Gain,
    sample::{Sample, SampleOrigin},
};
use crate::{
    features::{FeatureError, rich},
    imaging::{
        Image, Thumbnail,
        operators::color_transform::{self, ColorTransform},
    },
    metrics::Quality,
    search::{self, SearchError, SearchSpace},
};

/// The gain assumed for a transform whose coefficients are out of bounds: no restoration is worse.
const WORST_GAIN: Gain = Gain { score: -1.0, psnr_db: -50.0 };

/// A training picture as measured.
pub struct MeasuredPicture {
    /// The sample. It holds no gains of predicted transforms.
    pub sample: Sample,
    /// Quality of the damaged picture.
    pub untouched: Quality,
    /// Gains of the candidates that the three classic parameters reach, for comparison.
    pub classic: Vec<Gain>,
}

/// A training picture cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The picture is too small for features.
    #[error("the damaged picture: {0}")]
    Features(#[from] FeatureError),
    /// The pictures cannot be compared.
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Measures one training picture: its features, the transforms that fit it, and the gain of every candidate that needs
/// no prediction. `features_of` is the picture for the features: `damaged`, reduced if it is large.
///
/// # Errors
/// When a picture is smaller than 7 px.
pub fn measure(
    reference: &Image,
    damaged: &Image,
    features_of: &Image,
    origin: SampleOrigin,
    choices: &Choices,
) -> Result<MeasuredPicture, MeasureError> {
    let features = rich::extract(features_of)?;
    let found = search::search(reference, damaged, choices.space())?;
    let untouched = found[choices.identity];
    let gains = |which: &[usize]| -> Vec<Gain> { which.iter().map(|&i| gain(found[i], untouched)).collect() };
    let sample = Sample {
        origin,
        features: features.map(|v| v as f32).to_vec(),
        code: fitted_code(reference, damaged),
        color: gains(&choices.color),
        detail: Some(gains(&choices.detail)),
    };
    Ok(MeasuredPicture { sample, untouched, classic: gains(&choices.classic) })
}

/// Fits an affine and a quadratic transform to a pair and returns their coefficients, less those of the identity.
fn fitted_code(reference: &Image, damaged: &Image) -> Vec<f32> {
    let (reference, damaged) = (Thumbnail::of(reference), Thumbnail::of(damaged));
    let deviation = |fitted: ColorTransform, n: usize| -> Vec<f32> {
        let identity = ColorTransform::IDENTITY.coefficients();
        fitted.coefficients().iter().zip(identity).take(n).map(|(c, i)| (c - i) as f32).collect()
    };
    let affine = deviation(ColorTransform::fit_affine(&damaged, &reference), AFFINE_LENGTH);
    let quadratic = deviation(ColorTransform::fit(&damaged, &reference), color_transform::N_COEFFICIENTS);
    [affine, quadratic].concat()
}

/// Measures what each of [`LearnedCorrection::ALL`] gains on a pair, for each code. Returns gains by code, then by
/// correction.
///
/// # Errors
/// When the reference is smaller than 7 px.
pub fn learned_gains(
    reference: &Image,
    damaged: &Image,
    untouched: Quality,
    codes: &[&TransformCode],
) -> Result<Vec<Vec<Gain>>, SearchError> {
    let identity = SearchSpace::identity();
    let of = |code: &&TransformCode| -> Result<Vec<Gain>, SearchError> {
        let one = |correction: LearnedCorrection| {
            let Some(transform) = correction.transform(code) else { return Ok(WORST_GAIN) };
            let restored = color_transform::apply(damaged.clone(), &transform);
            Ok(gain(search::search(reference, &restored, &identity)?[0], untouched))
        };
        LearnedCorrection::ALL.into_iter().map(one).collect()
    };
    codes.iter().map(of).collect()
}

/// Returns the gain of a candidate over the untouched picture.
pub fn gain(candidate: Quality, untouched: Quality) -> Gain {
    Gain {
        score: (candidate.capped_score() - untouched.capped_score()) as f32,
        psnr_db: (candidate.capped_psnr() - untouched.capped_psnr()) as f32,
    }
}
