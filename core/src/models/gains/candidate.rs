//! One candidate that a model of gains chooses from. Model files and answers hold its name.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::LazyLock};

use serde::{Serialize, Serializer};
use thiserror::Error;

use super::{
    code::{CodePredictor, TransformCode},
    coordinates::Coordinates,
};
use crate::{
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters,
        operators::color_transform::{ColorTransform, N_COEFFICIENTS},
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

/// The coordinates of a learned correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LearnedIn {
    /// One kind of coordinates.
    One(Coordinates),
    /// The mean of the transforms of all coordinates.
    All,
}

impl LearnedIn {
    const fn name(self) -> &'static str {
        match self {
            LearnedIn::One(coordinates) => coordinates.name(),
            LearnedIn::All => "all",
        }
    }
}

/// A predicted colour transform, or only the levels that it starts from, applied fully or in part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnedCorrection {
    predictor: CodePredictor,
    learned_in: LearnedIn,
    /// Above 0 and at most 1; 1 applies the transform fully.
    blend: f64,
}

impl LearnedCorrection {
    /// All learned corrections, in the order of their gains.
    pub const ALL: [Self; 26] = {
        use CodePredictor::{Forest, Half, Levels, Mean, Ridge};
        use Coordinates::{Channels, Plain, Together};
        const fn one(predictor: CodePredictor, coordinates: Coordinates, blend: f64) -> LearnedCorrection {
            LearnedCorrection { predictor, learned_in: LearnedIn::One(coordinates), blend }
        }
        const fn all(blend: f64) -> LearnedCorrection {
            LearnedCorrection { predictor: Mean, learned_in: LearnedIn::All, blend }
        }
        [
            one(Ridge, Plain, 1.0),
            one(Ridge, Channels, 0.7),
            one(Ridge, Channels, 1.0),
            one(Ridge, Together, 0.7),
            one(Ridge, Together, 1.0),
            one(Forest, Plain, 1.0),
            one(Forest, Channels, 1.0),
            one(Forest, Together, 1.0),
            one(Mean, Plain, 0.7),
            one(Mean, Plain, 1.0),
            one(Mean, Channels, 0.4),
            one(Mean, Channels, 0.7),
            one(Mean, Channels, 1.0),
            one(Mean, Together, 0.4),
            one(Mean, Together, 0.7),
            one(Mean, Together, 1.0),
            all(0.4),
            all(0.7),
            all(1.0),
            one(Half, Channels, 0.7),
            one(Half, Channels, 1.0),
            one(Half, Together, 1.0),
            one(Levels, Channels, 0.5),
            one(Levels, Channels, 1.0),
            one(Levels, Together, 0.5),
            one(Levels, Together, 1.0),
        ]
    };

    /// Returns the parameters. They name the method and the blend; the transform differs from picture to picture.
    pub fn parameters(self) -> RestorationParameters {
        let color = ColorCorrection::new(ColorMethod::Learned, self.blend);
        RestorationParameters::IDENTITY.with_color(color.expect("the blends of ALL are in range"))
    }

    /// Returns the blended transform of a picture's code; `None` when a coefficient is out of bounds.
    pub fn transform(self, code: &TransformCode) -> Option<ColorTransform> {
        let whole = match self.learned_in {
            LearnedIn::One(coordinates) => code.transform(self.predictor, coordinates)?,
            LearnedIn::All => {
                let mut sums = [0.0; N_COEFFICIENTS];
                for coordinates in Coordinates::ALL {
                    let transform = code.transform(self.predictor, coordinates)?;
                    sums.iter_mut().zip(transform.coefficients()).for_each(|(sum, c)| *sum += c);
                }
                ColorTransform::new(&sums.map(|sum| sum / Coordinates::ALL.len() as f64)).ok()?
            }
        };
        Some(whole.blended(self.blend))
    }
}

impl fmt::Display for LearnedCorrection {
    /// Writes `learned_PREDICTOR_COORDINATES`, and `@BLEND` when the transform is applied in part.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { predictor, learned_in, blend } = self;
        write!(f, "learned_{}_{}", predictor.name(), learned_in.name())?;
        if *blend == 1.0 { Ok(()) } else { write!(f, "@{blend}") }
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
    use crate::{imaging::operators::color_transform::Levels, models::gains::code::CODE_LENGTH};

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
            [&*names[1], &names[7], &names[18]],
            ["learned_ridge_channels@0.7", "learned_forest_together", "learned_mean_all"]
        );
        for learned in LearnedCorrection::ALL {
            assert_eq!(learned.to_string().parse(), Ok(GainCandidate::Learned(learned)));
        }
        assert_eq!("identity".parse(), Ok(GainCandidate::IDENTITY));
        let error = "sepia".parse::<GainCandidate>().unwrap_err();
        assert_eq!(error.to_string(), "\"sepia\" is no candidate of this release");
    }

    #[test]
    fn a_transform_is_that_of_its_predictor_and_coordinates_in_part() {
        let levels = [Levels::PLAIN; 3];
        let mut code =
            TransformCode { forest: vec![0.0; CODE_LENGTH], ridge: vec![0.0; CODE_LENGTH], levels };
        code.ridge[N_COEFFICIENTS] = 0.6;
        let first = |name: &str| {
            let found = LearnedCorrection::ALL.into_iter().find(|c| c.to_string() == name).unwrap();
            found.transform(&code).unwrap().coefficients()[0]
        };
        for (name, expected) in [
            ("learned_ridge_channels", 0.6),
            ("learned_mean_channels@0.4", 0.12),
            ("learned_ridge_plain", 0.0),
            ("learned_forest_channels", 0.0),
            ("learned_mean_all", 0.1),
        ] {
            assert!((first(name) - expected).abs() < 1e-6, "{name}: {}", first(name));
        }
        assert_eq!(GainCandidate::IDENTITY.transform(&code), None);
        code.ridge[N_COEFFICIENTS] = 130.0;
        assert_eq!(LearnedCorrection::ALL[18].transform(&code), None);
    }
}
