//! A measured training picture as a fit sees it.

use std::collections::BTreeMap;

use super::model::Gain;

/// Number of pictures of a set whose pictures have weight 1.
const SET_SIZE: f32 = 40.0;
/// Largest weight of a picture; pictures of small sets reach it.
const WEIGHT_MAX: f32 = 3.0;
/// Weight of a synthesised picture: there are many, and they only resemble damaged ones.
const SYNTHETIC_WEIGHT: f32 = 0.25;
/// Weight of a damaged photograph: there are more of them than of all pairs.
const PHOTOGRAPH_WEIGHT: f32 = 0.3;
/// Weight of an ordinary photograph. What needs nothing must be left alone, so it counts more than a damaged one.
const ORDINARY_WEIGHT: f32 = 1.0;
/// Weight of an ordinary photograph with another look.
const LOOK_WEIGHT: f32 = 0.6;

/// The kind of a training picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleKind {
    /// The damaged picture of a pair.
    Damaged,
    /// The reference of a pair, which needs no restoration.
    Undamaged,
    /// A picture synthesised from a reference.
    Synthetic,
    /// A clean photograph, damaged by the recipe for photographs.
    Photograph,
    /// A clean photograph as it is.
    Ordinary,
    /// A clean photograph with another look, which needs no restoration either.
    Look,
    /// A clean photograph, damaged by the recipe for tests. Nothing is fitted on it.
    TestPhotograph,
}

impl SampleKind {
    /// Whether nothing is wrong with pictures of this kind.
    pub fn is_undamaged(self) -> bool {
        matches!(self, SampleKind::Undamaged | SampleKind::Ordinary | SampleKind::Look)
    }

    /// Whether models are fitted on pictures of this kind.
    pub fn is_fitted(self) -> bool {
        self != SampleKind::TestPhotograph
    }

    /// Whether pictures of this kind come from pairs.
    pub fn is_of_pair(self) -> bool {
        matches!(self, SampleKind::Damaged | SampleKind::Undamaged)
    }

    /// Whether pictures of this kind are restored by models that were fitted without their fold.
    pub fn is_held_out(self) -> bool {
        self.is_of_pair() || matches!(self, SampleKind::Ordinary | SampleKind::TestPhotograph)
    }
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
    /// Coefficients of the transforms that fit best in each kind of coordinates, less those of the identity.
    pub code: Vec<f32>,
    /// Gains of the searched colour corrections.
    pub color: Vec<Gain>,
    /// Gains of the candidates that sharpen, smooth or denoise; `None` where resampling has falsified them.
    pub detail: Option<Vec<Gain>>,
}

/// Returns the weight of each sample. A set of n pictures has the weight `√(40·n)` in all, other kinds
/// one weight for each picture.
pub(super) fn sample_weights(samples: &[&Sample]) -> Vec<f32> {
    let mut sizes: BTreeMap<(SampleKind, &str), f32> = BTreeMap::new();
    for sample in samples {
        *sizes.entry((sample.origin.kind, &sample.origin.set)).or_default() += 1.0;
    }
    let weight = |sample: &&Sample| match sample.origin.kind {
        SampleKind::Synthetic => SYNTHETIC_WEIGHT,
        SampleKind::Photograph => PHOTOGRAPH_WEIGHT,
        SampleKind::Ordinary => ORDINARY_WEIGHT,
        SampleKind::Look => LOOK_WEIGHT,
        SampleKind::TestPhotograph => 0.0,
        kind => (SET_SIZE / sizes[&(kind, sample.origin.set.as_str())]).sqrt().min(WEIGHT_MAX),
    };
    samples.iter().map(weight).collect()
}
