//! The declaration of a damage: its kind, its parameters with their bounds, and the function that applies it.
//!
//! [`super::all`] lists the kinds of damage. This file names none of them.

use std::fmt;

use super::{SynthesisError, canvas::Canvas};

/// Distribution by which a parameter's value is drawn from its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Uniformly.
    Linear,
    /// Uniformly in its logarithm; for factors.
    Logarithmic,
    /// A whole number; all are equally likely.
    Whole,
    /// One of these names; all are equally likely. The value is the name's index.
    Names(&'static [&'static str]),
}

/// A parameter of a damage: its name, its allowed values and its default.
#[derive(Clone, Copy, Debug)]
pub(super) struct DamageParameter {
    /// Name in recipes and in `damages.tsv`.
    pub name: &'static str,
    /// Smallest and largest value allowed.
    pub bounds: (f64, f64),
    /// The value where a recipe gives none; `None` where a recipe must give one.
    pub otherwise: Option<f64>,
    /// Distribution by which a value is drawn.
    pub scale: Scale,
}

impl DamageParameter {
    /// A parameter that is drawn uniformly.
    pub const fn linear(name: &'static str, bounds: (f64, f64), otherwise: f64) -> Self {
        Self { name, bounds, otherwise: Some(otherwise), scale: Scale::Linear }
    }

    /// A factor: it is drawn uniformly in its logarithm, and is 1 where a recipe gives none.
    pub const fn factor(name: &'static str, bounds: (f64, f64)) -> Self {
        Self { name, bounds, otherwise: Some(1.0), scale: Scale::Logarithmic }
    }
}

/// A function that damages a picture. Takes one value per parameter, in the parameters' order, and the key of the
/// noise.
type Apply = fn(&mut Canvas, &[f64], u64) -> Result<(), SynthesisError>;

/// A kind of damage. Each damage file has one, named `MODEL`.
pub(super) struct DamageModel {
    /// Name in recipes and in `damages.tsv`.
    pub kind: &'static str,
    /// The parameters, in the order of the values that [`DamageModel::apply`] takes.
    pub parameters: &'static [DamageParameter],
    /// Applies the damage.
    pub apply: Apply,
}

impl fmt::Debug for DamageModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)
    }
}

/// The values of a damage as an array, so that `apply` can name each.
pub(super) fn named<const N: usize>(values: &[f64]) -> [f64; N] {
    values.try_into().expect("a damage is drawn with one value per parameter")
}
