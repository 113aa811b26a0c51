//! What is tried: the list of candidates in its order.

use serde::Deserialize;
use thiserror::Error;

use crate::imaging::{ColorMethod, ParameterError, RestorationParameters};

/// Most candidates that a space may hold.
pub const CANDIDATES_MAX: usize = 4096;

/// One combination of the space.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its name in `all.csv`: `identity`, or `METHOD/SIGMA/STRENGTH`.
    pub name: String,
    /// What it does.
    pub parameters: RestorationParameters,
}

/// An ordered list of candidates. A later one wins only by a strictly greater score.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSpace {
    name: String,
    candidates: Vec<Candidate>,
}

/// A grid file makes no space.
#[derive(Debug, Error)]
pub enum SpaceError {
    /// Not TOML, or an unknown key.
    #[error("the grid file is not understood: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value is out of range.
    #[error("the grid file: {0}")]
    Parameter(#[from] ParameterError),
    /// Nothing to try.
    #[error("the grid has no candidates")]
    Empty,
    /// More candidates than a space may hold.
    #[error("the grid has {got} candidates; at most {CANDIDATES_MAX} are allowed")]
    TooMany {
        /// Their number.
        got: usize,
    },
}

/// A grid file: the product of its lists, in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GridFile {
    #[serde(default)]
    identity: bool,
    color_methods: Vec<ColorMethod>,
    sigmas: Vec<f64>,
    strengths: Vec<f64>,
}

impl SearchSpace {
    /// The first system's 40 combinations in its order: colour on, off; sigma 0.5 … 2; strength 0.5 … 2.5.
    pub fn seed() -> Self {
        let grid = GridFile {
            identity: false,
            color_methods: vec![ColorMethod::WhiteBalance, ColorMethod::None],
            sigmas: vec![0.5, 1.0, 1.5, 2.0],
            strengths: vec![0.5, 1.0, 1.5, 2.0, 2.5],
        };
        Self::product("seed", &grid).expect("the seed grid is in range")
    }

    /// Identity first, then the seed's grid widened by a sigma of 3, small and negative strengths, and colour alone.
    pub fn full() -> Self {
        let grid = GridFile {
            identity: true,
            color_methods: vec![ColorMethod::WhiteBalance, ColorMethod::None],
            sigmas: vec![0.5, 1.0, 1.5, 2.0, 3.0],
            strengths: vec![-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5],
        };
        Self::product("full", &grid).expect("the full grid is in range")
    }

    /// The space that a TOML text describes: `color_methods`, `sigmas`, `strengths`, and `identity = true` to offer
    /// doing nothing (first).
    ///
    /// # Errors
    /// For unknown keys, values out of range, empty and oversized grids.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, SpaceError> {
        Self::product(name, &toml::from_str(text)?)
    }

    fn product(name: &str, grid: &GridFile) -> Result<Self, SpaceError> {
        let n =
            grid.color_methods.len() * grid.sigmas.len() * grid.strengths.len() + usize::from(grid.identity);
        match n {
            0 => return Err(SpaceError::Empty),
            got if got > CANDIDATES_MAX => return Err(SpaceError::TooMany { got }),
            _ => {}
        }
        let mut candidates: Vec<Candidate> = Vec::with_capacity(n);
        if grid.identity {
            candidates.push(Candidate::new(RestorationParameters::IDENTITY));
        }
        for &color in &grid.color_methods {
            for &sigma in &grid.sigmas {
                for &strength in &grid.strengths {
                    let parameters = RestorationParameters::new(color, sigma, strength)?;
                    // Strength 0 is the same picture for every sigma: once is enough, and identity only by request.
                    let repeated = strength == 0.0
                        && (parameters.is_identity()
                            || candidates.iter().any(|c| c.parameters == parameters));
                    if !repeated {
                        candidates.push(Candidate::new(parameters));
                    }
                }
            }
        }
        if candidates.is_empty() {
            return Err(SpaceError::Empty);
        }
        Ok(Self { name: name.to_owned(), candidates })
    }

    /// This space with doing nothing in it, appended unless it is there already, and where it stands.
    pub fn with_identity(&self) -> (Self, usize) {
        let is_identity = |c: &Candidate| c.parameters.is_identity();
        let at = self.candidates.iter().position(is_identity);
        let mut space = self.clone();
        if at.is_none() {
            space.candidates.push(Candidate::new(RestorationParameters::IDENTITY));
        }
        (space, at.unwrap_or(self.candidates.len()))
    }

    /// `seed`, `full`, or the file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The candidates in their order, at least one.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}

impl Candidate {
    fn new(parameters: RestorationParameters) -> Self {
        let name = if parameters.is_identity() {
            "identity".to_owned()
        } else {
            format!("{}/{}/{}", parameters.color_method(), parameters.sigma(), parameters.strength())
        };
        Self { name, parameters }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_space_has_its_forty_in_order() {
        let space = SearchSpace::seed();
        let names: Vec<&str> = space.candidates().iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names.len(), 40);
        assert_eq!(names[..2], ["white_balance/0.5/0.5", "white_balance/0.5/1"]);
        assert_eq!([names[19], names[20], names[39]], ["white_balance/2/2.5", "none/0.5/0.5", "none/2/2.5"]);
    }

    #[test]
    fn the_full_space_offers_identity_once_and_colour_alone_once() {
        let space = SearchSpace::full();
        let neutral: Vec<&Candidate> =
            space.candidates().iter().filter(|c| c.parameters.strength() == 0.0).collect();
        assert_eq!(neutral.len(), 2);
        assert_eq!(space.candidates()[0].name, "identity");
        assert_eq!(space.candidates().len(), 1 + 2 * 5 * 10 + 1);
    }

    #[test]
    fn bad_grids_are_refused_by_name() {
        let bad = |text| SearchSpace::from_toml("g", text).unwrap_err().to_string();
        assert!(
            bad("sigmas = [1]\nstrengths = [1]\ncolor_methods = [\"none\"]\nsigma = 3").contains("sigma")
        );
        assert!(bad("sigmas = [0]\nstrengths = [1]\ncolor_methods = [\"none\"]").contains("0.1 to 20"));
        assert!(bad("sigmas = []\nstrengths = [1]\ncolor_methods = [\"none\"]").contains("no candidates"));
        assert!(bad("sigmas = [1]\nstrengths = [nan]\ncolor_methods = [\"none\"]").contains("NaN"));
    }
}
