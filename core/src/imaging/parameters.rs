//! What a restoration is told to do: its parameters, their units, bounds and neutral values.

use std::ops::RangeInclusive;

use thiserror::Error;

use super::{ColorCorrection, ColorMethod};

/// Allowed deviations of the Gaussian, in pixels.
pub const SIGMA_RANGE_PX: RangeInclusive<f64> = 0.1..=20.0;
/// Allowed unsharp strengths; negative ones smooth, 0 is neutral.
pub const STRENGTH_RANGE: RangeInclusive<f64> = -1.0..=5.0;
/// Allowed strengths of the denoising, thresholds in units of the noise's deviation; 0 is neutral.
pub const DENOISE_RANGE: RangeInclusive<f64> = 0.0..=5.0;

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
    #[error("color_method {got:?} is unknown: {names} exist", names = ColorMethod::names())]
    ColorMethod {
        /// The name given.
        got: String,
    },
    /// The blend is out of range for the method, or not a number.
    #[error("color_blend {got} is not allowed for color_method {method}: it is {}", if method.blends() {
        "above 0 (leave alone) and at most 1 (correct fully)"
    } else {
        "always 1"
    })]
    ColorBlend {
        /// The method.
        method: ColorMethod,
        /// The value given.
        got: f64,
    },
    /// Denoising is out of range or not a number.
    #[error("denoise {got} is not allowed: it goes from 0 (leave alone) to 5 deviations of the noise")]
    Denoise {
        /// The value given.
        got: f64,
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

/// `denoise` if it is allowed.
///
/// # Errors
/// [`ParameterError::Denoise`] for NaN, infinities and values outside [`DENOISE_RANGE`].
pub fn checked_denoise(denoise: f64) -> Result<f64, ParameterError> {
    if DENOISE_RANGE.contains(&denoise) { Ok(denoise) } else { Err(ParameterError::Denoise { got: denoise }) }
}

/// The parameters of one restoration, checked at construction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestorationParameters {
    color: ColorCorrection,
    denoise: f64,
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
    pub const IDENTITY: Self = Self { color: ColorCorrection::NONE, denoise: 0.0, sharpening: None };

    /// Colour method (applied fully), Gaussian deviation in pixels and strength. Strength 0 is neutral whatever the sigma.
    ///
    /// # Errors
    /// For values out of range, NaN and infinities.
    pub fn new(color_method: ColorMethod, sigma: f64, strength: f64) -> Result<Self, ParameterError> {
        let (sigma, strength) = (checked_sigma(sigma)?, checked_strength(strength)?);
        let sharpening = (strength != 0.0).then_some(Sharpening { sigma, strength });
        Ok(Self { color: color_method.into(), sharpening, ..Self::IDENTITY })
    }

    /// These parameters with another colour correction.
    #[must_use]
    pub fn with_color(self, color: ColorCorrection) -> Self {
        Self { color, ..self }
    }

    /// These parameters with another strength of the denoising.
    ///
    /// # Errors
    /// For values out of range, NaN and infinities.
    pub fn with_denoise(self, denoise: f64) -> Result<Self, ParameterError> {
        // −0 is 0.
        Ok(Self { denoise: checked_denoise(denoise)? + 0.0, ..self })
    }

    /// Everything before the unsharp mask.
    #[must_use]
    pub fn without_sharpening(self) -> Self {
        Self { sharpening: None, ..self }
    }

    /// The unsharp mask and nothing before it.
    #[must_use]
    pub fn sharpening_alone(self) -> Self {
        Self { sharpening: self.sharpening, ..Self::IDENTITY }
    }

    /// How colours are corrected, and how far.
    pub fn color(&self) -> ColorCorrection {
        self.color
    }

    /// How colours are corrected.
    pub fn color_method(&self) -> ColorMethod {
        self.color.method()
    }

    /// How far, 1 when colours are left alone.
    pub fn color_blend(&self) -> f64 {
        self.color.blend()
    }

    /// Strength of the denoising, thresholds in deviations of the noise; 0 without.
    pub fn denoise(&self) -> f64 {
        self.denoise
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
    fn denoising_has_bounds_and_is_neutral_at_zero() {
        let with = |denoise| RestorationParameters::IDENTITY.with_denoise(denoise);
        assert!(with(0.0).unwrap().is_identity() && with(-0.0).unwrap().is_identity());
        assert!(!with(5.0).unwrap().is_identity());
        for denoise in [-0.1, 5.1, f64::NAN, f64::INFINITY] {
            let error = with(denoise).unwrap_err().to_string();
            assert!(error.contains("denoise") && error.contains("0 (leave alone) to 5"), "{error}");
        }
    }
}
