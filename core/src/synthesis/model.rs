//! What every damage has: a name, parameters with bounds, and what it does to a picture.

use std::fmt;

use super::{
    SynthesisError, canvas::Canvas, color_cast, defocus, fading, gaussian_blur, jpeg, motion_blur, noise,
    tone, underwater, uneven_light, varnish, white_balance,
};

/// How a parameter's value is drawn from its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Uniformly.
    Linear,
    /// Its logarithm uniformly, for factors.
    Logarithmic,
    /// Whole numbers, each equally likely.
    Whole,
    /// One of these names, each equally likely; the value is its index.
    Names(&'static [&'static str]),
}

/// A parameter of a damage.
#[derive(Debug)]
pub(super) struct Parameter {
    pub name: &'static str,
    /// Smallest and largest value allowed.
    pub bounds: (f64, f64),
    /// What it is when a recipe does not say: the value that does nothing, or `None` where the recipe has to.
    pub otherwise: Option<f64>,
    pub scale: Scale,
}

impl Parameter {
    pub const fn linear(name: &'static str, bounds: (f64, f64), otherwise: f64) -> Self {
        Self { name, bounds, otherwise: Some(otherwise), scale: Scale::Linear }
    }

    pub const fn factor(name: &'static str, bounds: (f64, f64)) -> Self {
        Self { name, bounds, otherwise: Some(1.0), scale: Scale::Logarithmic }
    }
}

/// Changes a picture by one value per parameter, in their order; the number is the key of its noise.
type Apply = fn(&mut Canvas, &[f64], u64) -> Result<(), SynthesisError>;

/// A kind of damage.
pub(super) struct Model {
    pub kind: &'static str,
    pub parameters: &'static [Parameter],
    pub apply: Apply,
}

/// Every kind, in the order of the documentation.
pub(super) const MODELS: [&Model; 12] = [
    &color_cast::MODEL,
    &white_balance::MODEL,
    &tone::MODEL,
    &fading::MODEL,
    &varnish::MODEL,
    &underwater::MODEL,
    &uneven_light::MODEL,
    &gaussian_blur::MODEL,
    &motion_blur::MODEL,
    &defocus::MODEL,
    &noise::MODEL,
    &jpeg::MODEL,
];

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)
    }
}

/// The values by name, for a model's `apply`.
pub(super) fn named<const N: usize>(values: &[f64]) -> [f64; N] {
    values.try_into().expect("a damage is drawn with one value per parameter")
}
