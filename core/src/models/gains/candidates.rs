//! What a model of gains chooses from, by name: what a name does to a picture, and what it gains on a pair.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    features::{FeatureError, rich},
    imaging::{
        ColorCorrection, ColorMethod, Image, RestorationParameters, Thumbnail,
        operators::color_transform::{self, ColorTransform},
    },
    metrics::Quality,
    models::gains::{
        fit::{CandidateNames, Sample, SampleKind},
        model::{AFFINE_LENGTH, Code, Gain},
    },
    search::{self, SearchError, SearchSpace},
};

/// The learned corrections: name, whether quadratic, blend.
pub const LEARNED: [(&str, bool, f64); 4] = [
    ("learned_affine@0.5", false, 0.5),
    ("learned_affine", false, 1.0),
    ("learned_quadratic@0.5", true, 0.5),
    ("learned_quadratic", true, 1.0),
];

/// Which candidates of a space a model chooses from, and where they stand in it.
pub struct Choices {
    space: SearchSpace,
    identity: usize,
    /// Colour corrections alone.
    color: Vec<usize>,
    /// Sharpening, smoothing and denoising alone.
    detail: Vec<usize>,
    /// White balance or none with sharpening or none: what the three classic parameters reach.
    classic: Vec<usize>,
}

impl Choices {
    /// Of [`SearchSpace::full`].
    pub fn full() -> Self {
        let (space, identity) = SearchSpace::full().with_identity();
        let of = |wanted: &dyn Fn(&RestorationParameters) -> bool| -> Vec<usize> {
            let candidates = space.candidates().iter().enumerate();
            candidates
                .filter(|(_, c)| wanted(&c.parameters) && !c.parameters.is_identity())
                .map(|(i, _)| i)
                .collect()
        };
        let alone = |p: &RestorationParameters| p.sharpening().is_none() && p.denoise() == 0.0;
        let color = of(&|p| alone(p) && p.color_method().is_on());
        let detail = of(&|p| !p.color_method().is_on());
        let classic = of(&|p| {
            p.denoise() == 0.0 && matches!(p.color_method(), ColorMethod::None | ColorMethod::WhiteBalance)
        });
        Self { identity, color, detail, classic, space }
    }

    /// What is searched, doing nothing among it.
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// Names in the order of gains.
    pub fn names(&self) -> CandidateNames {
        let learned = LEARNED.iter().map(|(name, ..)| (*name).to_owned());
        CandidateNames {
            color: learned.chain(self.named(&self.color)).collect(),
            detail: self.named(&self.detail).collect(),
        }
    }

    /// Names of what the three classic parameters reach.
    pub fn classic_names(&self) -> Vec<String> {
        self.named(&self.classic).collect()
    }

    fn named(&self, which: &[usize]) -> impl Iterator<Item = String> {
        which.iter().map(|&i| self.space.candidates()[i].name.clone())
    }
}

/// What a candidate of a model does, by its name; learned corrections have their transform apart.
pub fn parameters(name: &str) -> Option<RestorationParameters> {
    if let Some((_, _, blend)) = LEARNED.iter().find(|(learned, ..)| *learned == name) {
        let color = ColorCorrection::new(ColorMethod::Learned, *blend).ok()?;
        return Some(RestorationParameters::IDENTITY.with_color(color));
    }
    /// Asked for every candidate of every picture.
    static FULL: LazyLock<BTreeMap<String, RestorationParameters>> = LazyLock::new(|| {
        let full = SearchSpace::full();
        full.candidates().iter().map(|candidate| (candidate.name.clone(), candidate.parameters)).collect()
    });
    FULL.get(name).copied()
}

/// The transform that a learned correction takes from a code, blended.
pub fn transform(name: &str, code: &Code) -> Option<ColorTransform> {
    let (_, quadratic, blend) = LEARNED.iter().find(|(learned, ..)| *learned == name)?;
    let mut coefficients = ColorTransform::IDENTITY.coefficients();
    let deviations = if *quadratic { &code.values[AFFINE_LENGTH..] } else { &code.values[..AFFINE_LENGTH] };
    for (coefficient, &deviation) in coefficients.iter_mut().zip(deviations) {
        *coefficient += f64::from(deviation);
    }
    Some(ColorTransform::new(&coefficients).ok()?.blended(*blend))
}

/// A pair as measured for training, and for comparison what the classic candidates gain.
pub struct Measured {
    /// The sample, without gains of predicted transforms.
    pub sample: Sample,
    /// The damaged picture as it came.
    pub untouched: Quality,
    /// Gains of what the three classic parameters reach.
    pub classic: Vec<Gain>,
}

/// A training pair cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// Too small for features.
    #[error("the damaged picture: {0}")]
    Features(#[from] FeatureError),
    /// Too small to compare.
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Measures one training picture: its features, the transforms that fit it, and the gain of every candidate that needs no
/// prediction. `features_of` is the picture that features are taken of (a large one is reduced first).
///
/// # Errors
/// When a picture is smaller than 7 px.
pub fn measure(
    reference: &Image,
    damaged: &Image,
    features_of: &Image,
    (set, source, kind): (&str, &str, SampleKind),
    choices: &Choices,
) -> Result<Measured, MeasureError> {
    let features = rich::extract(features_of)?;
    let found = search::search(reference, damaged, &choices.space)?;
    let untouched = found[choices.identity];
    let gains = |which: &[usize]| -> Vec<Gain> { which.iter().map(|&i| gain(found[i], untouched)).collect() };
    let (reference, damaged) = (Thumbnail::of(reference), Thumbnail::of(damaged));
    let deviation = |fitted: ColorTransform, n: usize| -> Vec<f32> {
        let identity = ColorTransform::IDENTITY.coefficients();
        fitted.coefficients().iter().zip(identity).take(n).map(|(c, i)| (c - i) as f32).collect()
    };
    let affine = deviation(ColorTransform::fit_affine(&damaged, &reference), AFFINE_LENGTH);
    let quadratic = deviation(ColorTransform::fit(&damaged, &reference), color_transform::N_COEFFICIENTS);
    let sample = Sample {
        set: set.to_owned(),
        source: source.to_owned(),
        kind,
        features: features.map(|v| v as f32).to_vec(),
        code: [affine, quadratic].concat(),
        color: gains(&choices.color),
        detail: Some(gains(&choices.detail)),
    };
    Ok(Measured { sample, untouched, classic: gains(&choices.classic) })
}

/// What each learned correction of each code gains on a pair.
///
/// # Errors
/// When the reference is smaller than 7 px.
pub fn learned_gains(
    reference: &Image,
    damaged: &Image,
    untouched: Quality,
    codes: &[&Code],
) -> Result<Vec<Vec<Gain>>, SearchError> {
    let nothing = SearchSpace::identity();
    let of = |code: &&Code| -> Result<Vec<Gain>, SearchError> {
        let one = |(name, ..): &(&str, bool, f64)| {
            let Some(transform) = transform(name, code) else {
                // A code out of bounds makes no transform: the worst that can be.
                return Ok(Gain { score: -1.0, psnr_db: -50.0 });
            };
            let restored = color_transform::apply(damaged.clone(), &transform);
            Ok(gain(search::search(reference, &restored, &nothing)?[0], untouched))
        };
        LEARNED.iter().map(one).collect()
    };
    codes.iter().map(of).collect()
}

/// The gain of a candidate over the untouched picture.
pub fn gain(candidate: Quality, untouched: Quality) -> Gain {
    Gain {
        score: (candidate.capped_score() - untouched.capped_score()) as f32,
        psnr_db: (candidate.capped_psnr() - untouched.capped_psnr()) as f32,
    }
}
