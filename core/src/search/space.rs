//! Search spaces: ordered lists of candidates.

use serde::Deserialize;
use thiserror::Error;

use crate::imaging::{ColorCorrection, ColorMethod, ParameterError, RestorationParameters};

/// Largest number of candidates of a space.
pub const CANDIDATES_MAX: usize = 4096;

/// One choice of parameters in a search space.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Name in `all.csv`: `identity`, `METHOD/SIGMA/STRENGTH`, `denoise/T`, or `METHOD/SIGMA/STRENGTH/denoise/T`. A
    /// colour correction applied in part is `METHOD@BLEND`. The name holds the exact parameters.
    pub name: String,
    /// The parameters that it applies.
    pub parameters: RestorationParameters,
}

/// Ordered list of candidates. A later candidate wins only by a strictly greater score.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSpace {
    name: String,
    candidates: Vec<Candidate>,
}

/// Reason why a grid file describes no space.
#[derive(Debug, Error)]
pub enum SpaceError {
    /// The text is not TOML, or a key is unknown.
    #[error("the grid file is not valid: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value is out of range.
    #[error("the grid file: {0}")]
    Parameter(#[from] ParameterError),
    /// The grid names the method `learned`, which a model predicts for each picture.
    #[error("the grid cannot hold the color_method learned: it is predicted, not searched")]
    Learned,
    /// The grid has no candidates.
    #[error("the grid has no candidates")]
    Empty,
    /// The grid has more candidates than a space may hold.
    #[error("the grid has {got} candidates; at most {CANDIDATES_MAX} are allowed")]
    TooMany {
        /// Number of candidates.
        got: usize,
    },
}

/// A grid file. Its candidates are the product of its lists, in this order.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GridFile {
    #[serde(default)]
    identity: bool,
    color_methods: Vec<ColorMethod>,
    /// Blends of the methods that can be applied in part. Default: 1.
    #[serde(default)]
    color_blends: Vec<f64>,
    /// Strengths of the denoising. Default: 0.
    #[serde(default)]
    denoise: Vec<f64>,
    sigmas: Vec<f64>,
    strengths: Vec<f64>,
}

impl SearchSpace {
    /// Returns the first system's 40 candidates in its order: white balance on, off; sigma 0.5 … 2 px; strength 0.5 …
    /// 2.5.
    pub fn seed() -> Self {
        let grid = GridFile {
            identity: false,
            color_methods: vec![ColorMethod::WhiteBalance, ColorMethod::None],
            sigmas: vec![0.5, 1.0, 1.5, 2.0],
            strengths: vec![0.5, 1.0, 1.5, 2.0, 2.5],
            ..GridFile::default()
        };
        Self::product("seed", &grid).expect("the seed grid is in range")
    }

    /// Returns the 104 candidates that are measured for a model of gains.
    ///
    /// In this order: the identity; sharpening and smoothing without colour correction; white balance only; the seed's
    /// white balance with sharpening; the other colour corrections, in part and fully; denoising; the levels of
    /// `operators::end_points`, in part and fully.
    pub fn full() -> Self {
        let mut space = Self { name: "full".to_owned(), candidates: Vec::new() };
        let color_alone = |method: ColorMethod, blends: &[f64]| GridFile {
            color_methods: vec![method],
            color_blends: blends.to_vec(),
            sigmas: vec![1.0],
            strengths: vec![0.0],
            ..GridFile::default()
        };
        let grids = [
            GridFile {
                identity: true,
                color_methods: vec![ColorMethod::None],
                sigmas: vec![0.5, 0.7, 1.0, 1.5, 2.0, 3.0],
                strengths: vec![-1.0, -0.75, -0.5, -0.25, 0.15, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5],
                ..GridFile::default()
            },
            color_alone(ColorMethod::WhiteBalance, &[1.0]),
            GridFile {
                color_methods: vec![ColorMethod::WhiteBalance],
                sigmas: vec![0.5, 1.0, 1.5, 2.0],
                strengths: vec![0.5, 1.0, 1.5, 2.0, 2.5],
                ..GridFile::default()
            },
            color_alone(ColorMethod::GreyWorld, &[0.5, 1.0]),
            color_alone(ColorMethod::ShadesOfGrey, &[0.5, 1.0]),
            color_alone(ColorMethod::Levels, &[0.5, 1.0]),
            color_alone(ColorMethod::Stretch, &[0.35, 0.7, 1.0]),
            GridFile {
                color_methods: vec![ColorMethod::None],
                denoise: vec![1.0, 2.0, 3.0],
                sigmas: vec![1.0],
                strengths: vec![0.0],
                ..GridFile::default()
            },
            // Last, so that the others keep their places of release 0.1.0.
            color_alone(ColorMethod::AutoLevel, &[0.5, 1.0]),
            color_alone(ColorMethod::AutoContrast, &[0.5, 1.0]),
        ];
        for grid in &grids {
            space.append(grid).expect("the full grid is in range");
        }
        space
    }

    /// Returns the space with the identity as its only candidate. With it, a search compares two pictures.
    pub fn identity() -> Self {
        let candidates = vec![Candidate::new(RestorationParameters::IDENTITY)];
        Self { name: "identity".to_owned(), candidates }
    }

    /// Returns the space that a TOML text describes.
    ///
    /// Keys: the lists `color_methods`, `sigmas` and `strengths`, and optionally the lists `color_blends` and
    /// `denoise`. Each method that can be applied in part takes all blends. `identity = true` puts the identity
    /// first.
    ///
    /// # Errors
    /// For unknown keys, values out of range, empty and oversized grids, and the method `learned`.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, SpaceError> {
        Self::product(name, &toml::from_str(text)?)
    }

    fn product(name: &str, grid: &GridFile) -> Result<Self, SpaceError> {
        let mut space = Self { name: name.to_owned(), candidates: Vec::new() };
        space.append(grid)?;
        if space.candidates.is_empty() { Err(SpaceError::Empty) } else { Ok(space) }
    }

    /// Appends the product of the lists of `grid`.
    fn append(&mut self, grid: &GridFile) -> Result<(), SpaceError> {
        let or = |values: &[f64], otherwise: f64| {
            if values.is_empty() { vec![otherwise] } else { values.to_vec() }
        };
        let (blends, denoise) = (or(&grid.color_blends, 1.0), or(&grid.denoise, 0.0));
        let lengths = [grid.color_methods.len(), blends.len(), denoise.len(), grid.sigmas.len()];
        let n = lengths.into_iter().fold(grid.strengths.len(), usize::saturating_mul);
        if n.saturating_add(usize::from(grid.identity)) > CANDIDATES_MAX {
            return Err(SpaceError::TooMany { got: n });
        }
        if grid.identity {
            self.candidates.push(Candidate::new(RestorationParameters::IDENTITY));
        }
        for color in colors(&grid.color_methods, &blends)? {
            for &denoise in &denoise {
                for &sigma in &grid.sigmas {
                    for &strength in &grid.strengths {
                        let parameters = RestorationParameters::new(ColorMethod::None, sigma, strength)?;
                        self.offer(parameters.with_color(color).with_denoise(denoise)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Appends a candidate unless an equal one is there.
    fn offer(&mut self, parameters: RestorationParameters) {
        // With strength 0 every sigma gives the same picture, so one candidate is enough. The identity needs
        // `identity = true`.
        let repeated = parameters.strength() == 0.0
            && (parameters.is_identity() || self.candidates.iter().any(|c| c.parameters == parameters));
        if !repeated {
            self.candidates.push(Candidate::new(parameters));
        }
    }

    /// Returns the space of the candidates with these indices, in the order of the indices.
    ///
    /// # Panics
    /// When an index is beyond the candidates.
    pub(crate) fn select(&self, which: &[usize]) -> Self {
        let candidates = which.iter().map(|&i| self.candidates[i].clone()).collect();
        Self { name: self.name.clone(), candidates }
    }

    /// Returns this space with the identity, appended unless the space has it, and the identity's index.
    pub fn with_identity(&self) -> (Self, usize) {
        let is_identity = |c: &Candidate| c.parameters.is_identity();
        let at = self.candidates.iter().position(is_identity);
        let mut space = self.clone();
        if at.is_none() {
            space.candidates.push(Candidate::new(RestorationParameters::IDENTITY));
        }
        (space, at.unwrap_or(self.candidates.len()))
    }

    /// Whether a candidate has a blend other than 1 or denoises, so that tables need further columns.
    pub fn blends_or_denoises(&self) -> bool {
        let more = |p: &RestorationParameters| p.color_blend() != 1.0 || p.denoise() != 0.0;
        self.candidates.iter().any(|c| more(&c.parameters))
    }

    /// Returns the name: `seed`, `full`, `identity`, or the one given to [`Self::from_toml`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the candidates in their order, at least one.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}

/// Returns every method with every blend that it takes.
fn colors(methods: &[ColorMethod], blends: &[f64]) -> Result<Vec<ColorCorrection>, SpaceError> {
    let mut colors = Vec::new();
    for &method in methods {
        match method {
            ColorMethod::Learned => return Err(SpaceError::Learned),
            _ if method.blends() => {
                for &blend in blends {
                    colors.push(ColorCorrection::new(method, blend)?);
                }
            }
            _ => colors.push(method.into()),
        }
    }
    Ok(colors)
}

impl Candidate {
    /// Returns the candidate of these parameters, with its name.
    pub fn new(parameters: RestorationParameters) -> Self {
        let denoised = RestorationParameters::IDENTITY.with_denoise(parameters.denoise());
        let sharpened = format!("{}/{}/{}", parameters.color(), parameters.sigma(), parameters.strength());
        let name = match parameters.denoise() {
            0.0 if parameters.is_identity() => "identity".to_owned(),
            0.0 => sharpened,
            denoise if denoised == Ok(parameters) => format!("denoise/{denoise}"),
            denoise => format!("{sharpened}/denoise/{denoise}"),
        };
        Self { name, parameters }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
    fn the_full_space_has_each_candidate_once() {
        let space = SearchSpace::full();
        let names: Vec<&str> = space.candidates().iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names.len(), 1 + 6 * 11 + 1 + 4 * 5 + 2 + 2 + 2 + 3 + 3 + 2 + 2);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let seed = SearchSpace::seed();
        let white_balanced = seed.candidates().iter().filter(|c| c.parameters.color_method().is_on());
        assert!(white_balanced.clone().all(|c| names.contains(&c.name.as_str())));
        assert_eq!(
            [names[0], names[1], names[66], names[67]],
            ["identity", "none/0.5/-1", "none/3/2.5", "white_balance/0/0"]
        );
        assert_eq!(
            names[88..],
            [
                "grey_world@0.5/0/0",
                "grey_world/0/0",
                "shades_of_grey@0.5/0/0",
                "shades_of_grey/0/0",
                "levels@0.5/0/0",
                "levels/0/0",
                "stretch@0.35/0/0",
                "stretch@0.7/0/0",
                "stretch/0/0",
                "denoise/1",
                "denoise/2",
                "denoise/3",
                "auto_level@0.5/0/0",
                "auto_level/0/0",
                "auto_contrast@0.5/0/0",
                "auto_contrast/0/0"
            ]
        );
        assert!(space.blends_or_denoises() && !seed.blends_or_denoises());
    }

    #[test]
    fn a_grid_file_multiplies_blends_and_denoising() {
        let text = "color_methods = [\"none\", \"levels\"]\ncolor_blends = [0.5, 1]\ndenoise = [0, 2]\n\
                    sigmas = [1, 2]\nstrengths = [0, 0.5]";
        let space = SearchSpace::from_toml("g", text).unwrap();
        let names: Vec<&str> = space.candidates().iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names[..6],
            [
                "none/1/0.5",
                "none/2/0.5",
                "denoise/2",
                "none/1/0.5/denoise/2",
                "none/2/0.5/denoise/2",
                "levels@0.5/0/0"
            ]
        );
        assert_eq!((names.len(), *names.last().unwrap()), (2 + 3 + 4 * 3, "levels/2/0.5/denoise/2"));
    }

    #[test]
    fn bad_grids_are_refused_by_name() {
        let bad = |text: &str| SearchSpace::from_toml("g", text).unwrap_err().to_string();
        assert!(
            bad("sigmas = [1]\nstrengths = [1]\ncolor_methods = [\"none\"]\nsigma = 3").contains("sigma")
        );
        assert!(bad("sigmas = [0]\nstrengths = [1]\ncolor_methods = [\"none\"]").contains("0.1 to 20"));
        assert!(bad("sigmas = []\nstrengths = [1]\ncolor_methods = [\"none\"]").contains("no candidates"));
        let with = |more: &str| bad(&format!("sigmas = [1]\nstrengths = [1]\n{more}"));
        assert!(with("color_methods = [\"learned\"]").contains("learned"));
        assert!(with("color_methods = [\"levels\"]\ncolor_blends = [0]").contains("above 0"));
        assert!(with("color_methods = [\"none\"]\ndenoise = [6]").contains("to 5"));
        assert!(bad("sigmas = [1]\nstrengths = [nan]\ncolor_methods = [\"none\"]").contains("NaN"));
    }
}
