//! A colour method and how far it is applied.

use std::{fmt, str::FromStr};

use super::{color_method::ColorMethod, parameter_error::ParameterError};

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

/// A colour method and its blend, checked at construction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorCorrection {
    method: ColorMethod,
    blend: f64,
}

impl ColorCorrection {
    /// The correction that changes nothing.
    pub const NONE: Self = Self { method: ColorMethod::None, blend: 1.0 };

    /// A correction by `method` with `blend`, above 0 and at most 1. [`ColorMethod::None`] and
    /// [`ColorMethod::WhiteBalance`] have blend 1 only.
    ///
    /// # Errors
    /// [`ParameterError::ColorBlend`] for other blends, NaN and infinities.
    pub fn new(method: ColorMethod, blend: f64) -> Result<Self, ParameterError> {
        let (above, at_most) = COLOR_BLEND_RANGE;
        let allowed = if method.blends() { blend > above && blend <= at_most } else { blend == 1.0 };
        if allowed {
            Ok(Self { method, blend })
        } else {
            Err(ParameterError::ColorBlend { method, got: blend })
        }
    }

    /// The colour method.
    pub fn method(self) -> ColorMethod {
        self.method
    }

    /// The blend: how far the method is applied. 1 is fully.
    pub fn blend(self) -> f64 {
        self.blend
    }
}

impl From<ColorMethod> for ColorCorrection {
    /// Applies the method fully.
    fn from(method: ColorMethod) -> Self {
        Self { method, blend: 1.0 }
    }
}

impl fmt::Display for ColorCorrection {
    /// `METHOD`, or `METHOD@BLEND` when it is not applied fully.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blend {
            1.0 => self.method.fmt(f),
            blend => write!(f, "{}@{blend}", self.method),
        }
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
}
