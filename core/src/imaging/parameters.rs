//! The parameters of a restoration: units, bounds and neutral values.

use std::ops::RangeInclusive;

use super::{
    color_correction::ColorCorrection, color_method::ColorMethod, parameter_error::ParameterError, tone::Tone,
};

/// Allowed standard deviations of the Gaussian, in pixels.
pub const SIGMA_RANGE_PX: RangeInclusive<f64> = 0.1..=20.0;
/// Allowed strengths of the unsharp mask. Negative strengths smooth, 0 changes nothing.
pub const STRENGTH_RANGE: RangeInclusive<f64> = -1.0..=5.0;
/// Allowed strengths of denoising: thresholds in standard deviations of the noise. 0 changes nothing.
pub const DENOISE_RANGE: RangeInclusive<f64> = 0.0..=5.0;

/// Returns `sigma` if it is allowed.
///
/// # Errors
/// [`ParameterError::Sigma`] for NaN, infinities and values outside [`SIGMA_RANGE_PX`].
pub fn checked_sigma(sigma: f64) -> Result<f64, ParameterError> {
    if SIGMA_RANGE_PX.contains(&sigma) { Ok(sigma) } else { Err(ParameterError::Sigma { got: sigma }) }
}

/// Returns `strength` if it is allowed.
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

/// Returns `denoise` if it is allowed.
///
/// # Errors
/// [`ParameterError::Denoise`] for NaN, infinities and values outside [`DENOISE_RANGE`].
pub fn checked_denoise(denoise: f64) -> Result<f64, ParameterError> {
    if DENOISE_RANGE.contains(&denoise) { Ok(denoise) } else { Err(ParameterError::Denoise { got: denoise }) }
}

/// The parameters of one restoration, checked at construction. `imaging::pipeline` says in which order they act.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestorationParameters {
    color: ColorCorrection,
    denoise: f64,
    sharpening: Option<Sharpening>,
}

/// The parameters of an unsharp mask that changes something: the strength is never 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpening {
    /// Standard deviation of the Gaussian in pixels.
    pub sigma: f64,
    /// Factor of the difference `x − blurred(x)`, which is added to `x`.
    pub strength: f64,
}

impl RestorationParameters {
    /// The parameters that change nothing.
    pub const IDENTITY: Self = Self { color: ColorCorrection::NONE, denoise: 0.0, sharpening: None };

    /// Parameters with a colour method, applied fully, and an unsharp mask with a Gaussian of `sigma` pixels and a
    /// `strength`. Strength 0 changes nothing, for any sigma.
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

    /// These parameters with another tone of the colour correction. Without a colour correction nothing changes.
    #[must_use]
    pub fn with_tone(self, tone: Tone) -> Self {
        Self { color: self.color.with_tone(tone), ..self }
    }

    /// These parameters with another strength of the denoising.
    ///
    /// # Errors
    /// For values out of range, NaN and infinities.
    pub fn with_denoise(self, denoise: f64) -> Result<Self, ParameterError> {
        // −0 is 0.
        Ok(Self { denoise: checked_denoise(denoise)? + 0.0, ..self })
    }

    /// These parameters without the unsharp mask.
    #[must_use]
    pub fn without_sharpening(self) -> Self {
        Self { sharpening: None, ..self }
    }

    /// These parameters with nothing but the unsharp mask.
    #[must_use]
    pub fn sharpening_alone(self) -> Self {
        Self { sharpening: self.sharpening, ..Self::IDENTITY }
    }

    /// The colour correction.
    pub fn color(&self) -> ColorCorrection {
        self.color
    }

    /// The colour method.
    pub fn color_method(&self) -> ColorMethod {
        self.color.method()
    }

    /// The blend: how far colours are corrected. 1 with [`ColorMethod::None`].
    pub fn color_blend(&self) -> f64 {
        self.color.blend()
    }

    /// The tone: whether the colour correction keeps the picture's lightness. [`Tone::Auto`] with [`ColorMethod::None`].
    pub fn tone(&self) -> Tone {
        self.color.tone()
    }

    /// Strength of denoising: thresholds in standard deviations of the noise. 0 without denoising.
    pub fn denoise(&self) -> f64 {
        self.denoise
    }

    /// The unsharp mask. `None` for strength 0.
    pub fn sharpening(&self) -> Option<Sharpening> {
        self.sharpening
    }

    /// Standard deviation of the Gaussian in pixels. 0 without sharpening, as in tables.
    pub fn sigma(&self) -> f64 {
        self.sharpening.map_or(0.0, |s| s.sigma)
    }

    /// Strength of the unsharp mask. 0 without sharpening.
    pub fn strength(&self) -> f64 {
        self.sharpening.map_or(0.0, |s| s.strength)
    }

    /// Whether these parameters change nothing.
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
    fn a_tone_without_colour_is_identity() {
        assert!(RestorationParameters::IDENTITY.with_tone(Tone::Keep).is_identity());
        let sharpened = RestorationParameters::new(ColorMethod::None, 1.0, 0.5).unwrap();
        assert_eq!(sharpened.with_tone(Tone::Keep), sharpened);
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
            assert!(error.contains("denoise") && error.contains("0 (changes nothing) to 5"), "{error}");
        }
    }
}
