//! A colour method, how far it is applied, and whether the picture keeps its lightness.

use std::{fmt, str::FromStr};

use super::{color_method::ColorMethod, parameter_error::ParameterError, tone::Tone};

/// Bounds of a blend: above the first number, at most the second. A blend of exactly 0 would be a second name for
/// [`ColorMethod::None`].
pub const COLOR_BLEND_RANGE: (f64, f64) = (0.0, 1.0);

impl FromStr for ColorMethod {
    type Err = ParameterError;

    fn from_str(name: &str) -> Result<Self, ParameterError> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == name)
            .ok_or_else(|| ParameterError::ColorMethod { got: name.to_owned() })
    }
}

/// A colour method, its blend and its tone, checked at construction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorCorrection {
    method: ColorMethod,
    blend: f64,
    tone: Tone,
}

impl ColorCorrection {
    /// The correction that changes nothing.
    pub const NONE: Self = Self { method: ColorMethod::None, blend: 1.0, tone: Tone::Auto };

    /// A correction by `method` with `blend`, above 0 and at most 1. [`ColorMethod::None`] and
    /// [`ColorMethod::WhiteBalance`] have blend 1 only.
    ///
    /// # Errors
    /// [`ParameterError::ColorBlend`] for other blends, NaN and infinities.
    pub fn new(method: ColorMethod, blend: f64) -> Result<Self, ParameterError> {
        let (above, at_most) = COLOR_BLEND_RANGE;
        let allowed = if method.blends() { blend > above && blend <= at_most } else { blend == 1.0 };
        if allowed {
            Ok(Self { method, blend, tone: Tone::Auto })
        } else {
            Err(ParameterError::ColorBlend { method, got: blend })
        }
    }

    /// This correction with another tone. [`ColorCorrection::NONE`] stays as it is: without a correction there is no
    /// lightness to keep.
    #[must_use]
    pub fn with_tone(self, tone: Tone) -> Self {
        let tone = if self.method.is_on() { tone } else { Tone::Auto };
        Self { tone, ..self }
    }

    /// The colour method.
    pub fn method(self) -> ColorMethod {
        self.method
    }

    /// The blend: how far the method is applied. 1 is fully.
    pub fn blend(self) -> f64 {
        self.blend
    }

    /// The tone: whether the picture keeps its lightness. [`Tone::Auto`] with [`ColorMethod::None`].
    pub fn tone(self) -> Tone {
        self.tone
    }

    /// Whether channels are mixed, so that no table per channel can correct them: the coefficients are a colour transform.
    pub fn mixes_channels(self) -> bool {
        self.method == ColorMethod::Learned || self.tone == Tone::Keep
    }
}

impl From<ColorMethod> for ColorCorrection {
    /// Applies the method fully.
    fn from(method: ColorMethod) -> Self {
        Self { method, blend: 1.0, tone: Tone::Auto }
    }
}

impl fmt::Display for ColorCorrection {
    /// `METHOD`, or `METHOD@BLEND` when it is not applied fully; with a tone other than auto ` tone=TONE` follows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blend {
            1.0 => self.method.fmt(f)?,
            blend => write!(f, "{}@{blend}", self.method)?,
        }
        if self.tone.is_auto() { Ok(()) } else { write!(f, " tone={}", self.tone) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for method in ColorMethod::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("{:?}", method.name()));
        }
        let error = "grey".parse::<ColorMethod>().unwrap_err().to_string();
        assert!(error.contains("none, white_balance, grey_world,") && error.contains("learned"), "{error}");
    }

    #[test]
    fn blends_are_above_zero_and_at_most_one() {
        for blend in [0.01, 0.5, 1.0] {
            assert_eq!(ColorCorrection::new(ColorMethod::Levels, blend).unwrap().blend(), blend);
        }
        for blend in [0.0, -0.5, 1.001, f64::NAN, f64::INFINITY] {
            let error = ColorCorrection::new(ColorMethod::Learned, blend).unwrap_err().to_string();
            assert!(error.contains("above 0") && error.contains("at most 1"), "{error}");
        }
        for method in [ColorMethod::None, ColorMethod::WhiteBalance] {
            assert!(ColorCorrection::new(method, 1.0).is_ok());
            assert!(ColorCorrection::new(method, 0.5).unwrap_err().to_string().contains("always 1"));
        }
    }

    #[test]
    fn a_blend_of_one_is_not_written() {
        let written = |blend| ColorCorrection::new(ColorMethod::Stretch, blend).unwrap().to_string();
        assert_eq!([written(1.0), written(0.35)], ["stretch", "stretch@0.35"]);
    }

    #[test]
    fn only_a_correction_has_a_tone() {
        let kept = ColorCorrection::from(ColorMethod::Levels).with_tone(Tone::Keep);
        assert_eq!((kept.tone(), kept.mixes_channels()), (Tone::Keep, true));
        assert_eq!(kept.to_string(), "levels tone=keep");
        assert_eq!(kept.with_tone(Tone::Auto), ColorCorrection::from(ColorMethod::Levels));
        assert_eq!(ColorCorrection::NONE.with_tone(Tone::Keep), ColorCorrection::NONE);
    }
}
