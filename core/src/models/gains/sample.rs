//! A measured training picture as a fit sees it.

use std::collections::BTreeMap;

use super::model::Gain;

/// Number of pictures of a set whose pictures have weight 1.
const SET_SIZE: f32 = 40.0;
/// Largest weight of a picture; pictures of small sets reach it.
const WEIGHT_MAX: f32 = 3.0;
/// Weight of a synthesised picture: there are many, and they only resemble damaged ones.
const SYNTHETIC_WEIGHT: f32 = 0.25;

/// The kind of a training picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleKind {
    /// The damaged picture of a pair.
    Damaged,
    /// The reference of a pair, which needs no restoration.
    Undamaged,
    /// A picture synthesised from a reference.
    Synthetic,
}

/// The origin of a training picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleOrigin {
    /// `SET/NAME`.
    pub name: String,
    /// Set of the picture. Each picture of a large set has less weight.
    pub set: String,
    /// Source of the picture. Pictures of one source are never in different folds.
    pub source: String,
    /// Kind of the picture.
    pub kind: SampleKind,
}

/// A training picture as measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Origin of the picture.
    pub origin: SampleOrigin,
    /// Features, of one schema for all samples.
    pub features: Vec<f32>,
    /// Coefficients of the affine and the quadratic transform that fit best, less those of the identity.
    pub code: Vec<f32>,
    /// Gains of the searched colour corrections.
    pub color: Vec<Gain>,
    /// Gains of the candidates that sharpen, smooth or denoise; `None` where resampling has falsified them.
    pub detail: Option<Vec<Gain>>,
}

/// Returns the weight of each sample. A set of n pictures has the weight `√(40·n)` in all, a synthesised picture a
/// quarter.
pub(super) fn sample_weights(samples: &[&Sample]) -> Vec<f32> {
    let mut sizes: BTreeMap<(SampleKind, &str), f32> = BTreeMap::new();
    for sample in samples {
        *sizes.entry((sample.origin.kind, &sample.origin.set)).or_default() += 1.0;
    }
    let weight = |sample: &&Sample| match sample.origin.kind {
        SampleKind::Synthetic => SYNTHETIC_WEIGHT,
        kind => (SET_SIZE / sizes[&(kind, sample.origin.set.as_str())]).sqrt().min(WEIGHT_MAX),
    };
    samples.iter().map(weight).collect()
}
