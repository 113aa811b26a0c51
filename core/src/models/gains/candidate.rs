//! One candidate that a model of gains chooses from. Model files and answers hold its name.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::LazyLock};

use serde::{Serialize, Serializer};
use thiserror::Error;

use super::code::{AFFINE_LENGTH, TransformCode};
use crate::{
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters, operators::color_transform::ColorTransform,
    },
    search::{Candidate, SearchSpace},
};

/// A candidate of a model of gains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GainCandidate {
    /// A colour correction whose transform the model predicts for each picture.
    Learned(LearnedCorrection),
    /// Parameters that are the same for every picture: a candidate of [`SearchSpace::full`].
    Searched(RestorationParameters),
}

/// The shape of a predicted colour transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransformShape {
    Affine,
    Quadratic,
}

/// A predicted colour transform, applied fully or in part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnedCorrection {
    shape: TransformShape,
    /// Above 0 and at most 1; 1 applies the transform fully.
    blend: f64,
}

impl LearnedCorrection {
    /// All learned corrections, in the order of their gains.
    pub const ALL: [Self; 4] = [
        Self { shape: TransformShape::Affine, blend: 0.5 },
        Self { shape: TransformShape::Affine, blend: 1.0 },
        Self { shape: TransformShape::Quadratic, blend: 0.5 },
        Self { shape: TransformShape::Quadratic, blend: 1.0 },
    ];

    /// Returns the parameters. They name the method and the blend; the transform differs from picture to picture.
    pub fn parameters(self) -> RestorationParameters {
        let color = ColorCorrection::new(ColorMethod::Learned, self.blend);
        RestorationParameters::IDENTITY.with_color(color.expect("the blends of ALL are in range"))
    }

    /// Returns the blended transform of a picture's code; `None` when a coefficient is out of bounds.
    pub fn transform(self, code: &TransformCode) -> Option<ColorTransform> {
        let deviations = match self.shape {
            TransformShape::Affine => &code.values[..AFFINE_LENGTH],
            TransformShape::Quadratic => &code.values[AFFINE_LENGTH..],
        };
        let mut coefficients = ColorTransform::IDENTITY.coefficients();
        for (coefficient, &deviation) in coefficients.iter_mut().zip(deviations) {
            *coefficient += f64::from(deviation);
        }
        Some(ColorTransform::new(&coefficients).ok()?.blended(self.blend))
    }
}

impl fmt::Display for LearnedCorrection {
    /// Writes `learned_affine` or `learned_quadratic`, and `@BLEND` when the transform is applied in part.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let shape = match self.shape {
            TransformShape::Affine => "affine",
            TransformShape::Quadratic => "quadratic",
        };
        match self.blend {
            1.0 => write!(f, "learned_{shape}"),
            blend => write!(f, "learned_{shape}@{blend}"),
        }
    }
}

impl GainCandidate {
    /// The candidate that changes nothing.
    pub const IDENTITY: Self = Self::Searched(RestorationParameters::IDENTITY);

    /// Returns the parameters of the restoration.
    pub fn parameters(&self) -> RestorationParameters {
        match *self {
            GainCandidate::Learned(correction) => correction.parameters(),
            GainCandidate::Searched(parameters) => parameters,
        }
    }

    /// Returns the blended transform of a learned correction for a picture's code. Returns `None` for a searched
    /// candidate, and when a coefficient is out of bounds.
    pub fn transform(&self, code: &TransformCode) -> Option<ColorTransform> {
        match self {
            GainCandidate::Learned(correction) => correction.transform(code),
            GainCandidate::Searched(_) => None,
        }
    }

    /// Returns the name, as model files and answers state it.
    pub fn name(&self) -> String {
        match self {
            GainCandidate::Learned(correction) => correction.to_string(),
            GainCandidate::Searched(parameters) => Candidate::new(*parameters).name,
        }
    }
}

/// No candidate of a model of gains has this name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{name:?} is no candidate of this release")]
pub struct UnknownCandidate {
    /// The name.
    pub name: String,
}

impl FromStr for GainCandidate {
    type Err = UnknownCandidate;

    /// Finds a candidate by its name: one of [`LearnedCorrection::ALL`] or of [`SearchSpace::full`].
    fn from_str(name: &str) -> Result<Self, UnknownCandidate> {
        static ALL: LazyLock<BTreeMap<String, GainCandidate>> = LazyLock::new(|| {
            let learned = LearnedCorrection::ALL.map(GainCandidate::Learned);
            let full = SearchSpace::full();
            let searched = full.candidates().iter().map(|found| GainCandidate::Searched(found.parameters));
            learned.into_iter().chain(searched).map(|candidate| (candidate.name(), candidate)).collect()
        });
        ALL.get(name).copied().ok_or_else(|| UnknownCandidate { name: name.to_owned() })
    }
}

impl Serialize for GainCandidate {
    /// Writes the name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::gains::code::CODE_LENGTH;

    #[test]
    fn names_go_both_ways() {
        let full = SearchSpace::full();
        for found in full.candidates() {
            let candidate: GainCandidate = found.name.parse().unwrap();
            assert_eq!(candidate, GainCandidate::Searched(found.parameters));
            assert_eq!(candidate.name(), found.name);
        }
        let names = LearnedCorrection::ALL.map(|learned| learned.to_string());
        assert_eq!(
            names,
            ["learned_affine@0.5", "learned_affine", "learned_quadratic@0.5", "learned_quadratic"]
        );
        for learned in LearnedCorrection::ALL {
            assert_eq!(learned.to_string().parse(), Ok(GainCandidate::Learned(learned)));
        }
        assert_eq!("identity".parse(), Ok(GainCandidate::IDENTITY));
        let error = "sepia".parse::<GainCandidate>().unwrap_err();
        assert_eq!(error.to_string(), "\"sepia\" is no candidate of this release");
    }

    #[test]
    fn a_transform_is_the_identity_plus_its_part_of_the_code() {
        let mut code = TransformCode { values: vec![0.0; CODE_LENGTH], spread: 0.0 };
        code.values[0] = 0.25;
        let first = |at: usize| LearnedCorrection::ALL[at].transform(&code).unwrap().coefficients()[0];
        assert_eq!([first(0), first(1), first(2), first(3)], [0.125, 0.25, 0.0, 0.0]);
        assert_eq!(GainCandidate::IDENTITY.transform(&code), None);
        code.values[AFFINE_LENGTH] = 65.0;
        assert_eq!(LearnedCorrection::ALL[3].transform(&code), None);
    }
}
