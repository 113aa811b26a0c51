//! What a restoration is told to do: three parameters, their units, bounds and neutral values.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Allowed deviations of the Gaussian, in pixels.
pub const SIGMA_RANGE_PX: RangeInclusive<f64> = 0.1..=20.0;
/// Allowed unsharp strengths; negative ones smooth, 0 is neutral.
pub const STRENGTH_RANGE: RangeInclusive<f64> = -1.0..=5.0;

/// How colours are corrected. `color=on` means [`ColorMethod::WhiteBalance`] for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorMethod {
    /// Colours are left alone (neutral).
    None,
    /// Grey-world to mid grey, see `operators::white_balance`.
    WhiteBalance,
}

impl ColorMethod {
    /// The name in tables, receipts and queries.
    pub const fn name(self) -> &'static str {
        match self {
            ColorMethod::None => "none",
            ColorMethod::WhiteBalance => "white_balance",
        }
    }

    /// Whether colours are changed at all: the table's `apply_color_correction`.
    pub const fn is_on(self) -> bool {
        !matches!(self, ColorMethod::None)
    }

    /// What `color=on` and `color=off` select.
    pub const fn from_switch(on: bool) -> Self {
        if on { ColorMethod::WhiteBalance } else { ColorMethod::None }
    }
}

impl fmt::Display for ColorMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ColorMethod {
    type Err = ParameterError;

    fn from_str(name: &str) -> Result<Self, ParameterError> {
        [ColorMethod::None, ColorMethod::WhiteBalance]
            .into_iter()
            .find(|method| method.name() == name)
            .ok_or_else(|| ParameterError::ColorMethod { got: name.to_owned() })
    }
}

/// A parameter's value is not allowed.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ParameterError {
    /// Sigma is out of range or not a number.
    #[error("sigma {got} is not allowed: it is a Gaussian's deviation from 0.1 to 20 px")]
    Sigma {
        /// The value given.
        got: f64,
    },
    /// Strength is out of range or not a number.
    #[error("strength {got} is not allowed: it goes from -1 (smooth) over 0 (leave alone) to 5")]
    Strength {
        /// The value given.
        got: f64,
    },
    /// No such colour method.
    #[error("color_method {got:?} is unknown: none and white_balance exist")]
    ColorMethod {
        /// The name given.
        got: String,
    },
    /// `color` and `color_method` contradict each other.
    #[error("color={color} disagrees with color_method={method}", color = if *.color { "on" } else { "off" })]
    Disagreement {
        /// The switch given.
        color: bool,
        /// The method given.
        method: ColorMethod,
    },
}

/// `sigma` if it is allowed.
///
/// # Errors
/// [`ParameterError::Sigma`] for NaN, infinities and values outside [`SIGMA_RANGE_PX`].
pub fn checked_sigma(sigma: f64) -> Result<f64, ParameterError> {
    if SIGMA_RANGE_PX.contains(&sigma) { Ok(sigma) } else { Err(ParameterError::Sigma { got: sigma }) }
}

/// `strength` if it is allowed.
///
/// # Errors
/// [`ParameterError::Strength`] for NaN, infinities and values outside [`STRENGTH_RANGE`].
pub fn checked_strength(strength: f64) -> Result<f64, ParameterError> {
    if STRENGTH_RANGE.contains(&strength) {
        Ok(strength)
    } else {
        Err(ParameterError::Strength { got: strength })
    }
}

/// The parameters of one restoration, checked at construction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestorationParameters {
    color_method: ColorMethod,
    sharpening: Option<Sharpening>,
}

/// A Gaussian's deviation in pixels and the strength of the unsharp mask (never 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpening {
    /// Deviation of the Gaussian in pixels.
    pub sigma: f64,
    /// How much of `x − blurred(x)` is added.
    pub strength: f64,
}

impl RestorationParameters {
    /// Leave the picture alone.
    pub const IDENTITY: Self = Self { color_method: ColorMethod::None, sharpening: None };

    /// Colour method, Gaussian deviation in pixels and strength. Strength 0 is neutral whatever the sigma.
    ///
    /// # Errors
    /// For values out of range, NaN and infinities.
    pub fn new(color_method: ColorMethod, sigma: f64, strength: f64) -> Result<Self, ParameterError> {
        let (sigma, strength) = (checked_sigma(sigma)?, checked_strength(strength)?);
        let sharpening = (strength != 0.0).then_some(Sharpening { sigma, strength });
        Ok(Self { color_method, sharpening })
    }

    /// How colours are corrected.
    pub fn color_method(&self) -> ColorMethod {
        self.color_method
    }

    /// The unsharp mask, unless its strength is 0.
    pub fn sharpening(&self) -> Option<Sharpening> {
        self.sharpening
    }

    /// Deviation in pixels; 0 without sharpening (as in the tables).
    pub fn sigma(&self) -> f64 {
        self.sharpening.map_or(0.0, |s| s.sigma)
    }

    /// Strength; 0 without sharpening.
    pub fn strength(&self) -> f64 {
        self.sharpening.map_or(0.0, |s| s.strength)
    }

    /// Whether nothing will change.
    pub fn is_identity(&self) -> bool {
        *self == Self::IDENTITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_zero_without_colour_is_identity_at_any_sigma() {
        assert!(RestorationParameters::new(ColorMethod::None, 3.0, 0.0).unwrap().is_identity());
        assert!(!RestorationParameters::new(ColorMethod::WhiteBalance, 3.0, 0.0).unwrap().is_identity());
    }

    #[test]
    fn values_out_of_range_name_the_range() {
        for sigma in [0.0, 0.099, 20.1, f64::NAN, f64::INFINITY, -1.0] {
            let error = RestorationParameters::new(ColorMethod::None, sigma, 1.0).unwrap_err();
            assert!(error.to_string().contains("0.1 to 20"), "{error}");
        }
        for strength in [-1.001, 5.01, f64::NAN, f64::NEG_INFINITY] {
            let error = RestorationParameters::new(ColorMethod::None, 1.0, strength).unwrap_err();
            assert!(error.to_string().contains("-1") && error.to_string().contains('5'), "{error}");
        }
    }

    #[test]
    fn names_go_both_ways() {
        for method in [ColorMethod::None, ColorMethod::WhiteBalance] {
            assert_eq!(method.name().parse(), Ok(method));
        }
        assert!("grey".parse::<ColorMethod>().is_err());
    }
}
