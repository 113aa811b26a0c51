//! Measures a training picture: its features, the transforms that fit it, and the gains of the candidates.

use super::{
    candidate::LearnedCorrection,
    choices::Choices,
    code::TransformCode,
    coordinates::Coordinates,
    model::Gain,
    sample::{Sample, SampleKind, SampleOrigin},
};
use crate::{
    features::{FeatureError, rich},
    imaging::{
        Image, Thumbnail,
        operators::{
            area_resize::area_resize,
            color_transform::{self, ColorTransform},
        },
    },
    metrics::Quality,
    search::{self, SearchError, SearchSpace},
};

/// The gain assumed for a transform whose coefficients are out of bounds: no restoration is worse.
const WORST_GAIN: Gain = Gain { score: -1.0, psnr_db: -50.0 };
/// Longest side of the small copies on which colour corrections are measured, in pixels. Colours need no detail, and there
/// are hundreds of corrections to measure per picture.
const SMALL_SIDE_MAX: usize = 128;

/// A training picture as measured.
pub struct MeasuredPicture {
    /// The sample. It holds no gains of predicted transforms.
    pub sample: Sample,
    /// Quality of the damaged picture.
    pub untouched: Quality,
    /// Gains of the candidates that the three classic parameters reach, for comparison. Empty where no detail is measured.
    pub classic: Vec<Gain>,
    /// Small copies of the pictures.
    pub small: SmallPair,
}

/// Small copies of reference and damaged picture, of one size.
pub struct SmallPair {
    reference: Image,
    damaged: Image,
    /// Quality of the small damaged picture.
    untouched: Quality,
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
    let features: Vec<f32> = rich::extract(features_of)?.map(|v| v as f32).to_vec();
    let gains = |found: &[Quality], which: &[usize]| -> Vec<Gain> {
        which.iter().map(|&i| gain(found[i], found[choices.identity])).collect()
    };
    let (untouched, detail, classic) = if measures_detail(origin.kind) {
        let found = search::search(reference, damaged, choices.space())?;
        let detail = gains(&found, &choices.detail);
        (found[choices.identity], Some(detail), gains(&found, &choices.classic))
    } else {
        (search::search(reference, damaged, &SearchSpace::identity())?[0], None, Vec::new())
    };
    let (small, color) = SmallPair::measured(reference, damaged, choices)?;
    let code = fitted_code(reference, damaged, &features);
    Ok(MeasuredPicture {
        sample: Sample { origin, features, code, color, detail },
        untouched,
        classic,
        small,
    })
}

/// Whether sharpening, smoothing and denoising are measured on pictures of this kind. Damaged photographs teach colours;
/// what they would teach about detail, the synthesised pictures do.
fn measures_detail(kind: SampleKind) -> bool {
    use SampleKind::{Damaged, Ordinary, Synthetic, Undamaged};
    matches!(kind, Damaged | Undamaged | Synthetic | Ordinary)
}

/// Fits a transform to a pair in each kind of coordinates, and returns the coefficients, less those of the identity.
fn fitted_code(reference: &Image, damaged: &Image, features: &[f32]) -> Vec<f32> {
    let (reference, damaged) = (Thumbnail::of(reference), Thumbnail::of(damaged));
    let fit = |coordinates: Coordinates| {
        ColorTransform::fit_levelled(&damaged, &reference, &coordinates.levels(features))
    };
    Coordinates::ALL.into_iter().flat_map(fit).map(|deviation| deviation as f32).collect()
}

impl SmallPair {
    /// Two black pixels.
    #[cfg(test)]
    pub(crate) fn black() -> Self {
        let black = || Image::new(1, 1, crate::imaging::Channels::Grey, vec![0], None).expect("one pixel");
        Self { reference: black(), damaged: black(), untouched: Quality { psnr: f64::INFINITY, ssim: 1.0 } }
    }

    /// Makes the copies and measures the searched colour corrections on them.
    fn measured(
        reference: &Image,
        damaged: &Image,
        choices: &Choices,
    ) -> Result<(Self, Vec<Gain>), SearchError> {
        let longest = damaged.width().max(damaged.height());
        // A side below 7 px cannot be compared.
        let side =
            |n: usize| if longest <= SMALL_SIDE_MAX { n } else { (n * SMALL_SIDE_MAX / longest).max(7) };
        let small = |image: &Image| area_resize(image, side(damaged.width()), side(damaged.height()));
        let (reference, damaged) = (small(reference), small(damaged));
        let mut found = search::search(&reference, &damaged, choices.color_space())?;
        let untouched = found.pop().expect("the space ends with the identity");
        let color = found.into_iter().map(|found| gain(found, untouched)).collect();
        Ok((Self { reference, damaged, untouched }, color))
    }

    /// Measures what each of [`LearnedCorrection::ALL`] gains on the pair with this code.
    ///
    /// # Errors
    /// When the reference is smaller than 7 px.
    pub fn learned_gains(&self, code: &TransformCode) -> Result<Vec<Gain>, SearchError> {
        let identity = SearchSpace::identity();
        let one = |correction: LearnedCorrection| {
            let Some(transform) = correction.transform(code) else { return Ok(WORST_GAIN) };
            let restored = color_transform::apply(self.damaged.clone(), &transform);
            Ok(gain(search::search(&self.reference, &restored, &identity)?[0], self.untouched))
        };
        LearnedCorrection::ALL.into_iter().map(one).collect()
    }
}

/// Returns the gain of a candidate over the untouched picture.
pub fn gain(candidate: Quality, untouched: Quality) -> Gain {
    Gain {
        score: (candidate.capped_score() - untouched.capped_score()) as f32,
        psnr_db: (candidate.capped_psnr() - untouched.capped_psnr()) as f32,
    }
}
