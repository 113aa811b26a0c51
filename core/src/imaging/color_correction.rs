//! How colours are corrected: the method, and how far towards its full effect.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ParameterError;

/// Blends go from above 0 to this; exactly 0 would be another name for leaving colours alone.
pub const COLOR_BLEND_RANGE: (f64, f64) = (0.0, 1.0);

/// How colours are corrected. `color=on` means [`ColorMethod::WhiteBalance`] for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorMethod {
    /// Colours are left alone (neutral).
    None,
    /// Grey-world to mid grey, see `operators::white_balance`.
    WhiteBalance,
    /// The channels' means become equal, see `operators::linear_levels`.
    GreyWorld,
    /// Their Minkowski means of order 6 become equal.
    ShadesOfGrey,
    /// Each channel's first and 99th percentile become black and white.
    Stretch,
    /// Those of all channels together do.
    Levels,
    /// A transform that a model predicts, see `operators::color_transform`.
    Learned,
}

impl ColorMethod {
    /// All of them in the order in which they are listed.
    pub const ALL: [Self; 7] = [
        ColorMethod::None,
        ColorMethod::WhiteBalance,
        ColorMethod::GreyWorld,
        ColorMethod::ShadesOfGrey,
        ColorMethod::Stretch,
        ColorMethod::Levels,
        ColorMethod::Learned,
    ];

    /// The name in tables, receipts and queries.
    pub const fn name(self) -> &'static str {
        match self {
            ColorMethod::None => "none",
            ColorMethod::WhiteBalance => "white_balance",
            ColorMethod::GreyWorld => "grey_world",
            ColorMethod::ShadesOfGrey => "shades_of_grey",
            ColorMethod::Stretch => "stretch",
            ColorMethod::Levels => "levels",
            ColorMethod::Learned => "learned",
        }
    }

    /// All names, separated by commas.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Whether colours are changed at all: the table's `apply_color_correction`.
    pub const fn is_on(self) -> bool {
        !matches!(self, ColorMethod::None)
    }

    /// Whether it can be applied in part.
    pub const fn blends(self) -> bool {
        !matches!(self, ColorMethod::None | ColorMethod::WhiteBalance)
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
        Self::ALL
            .into_iter()
            .find(|method| method.name() == name)
            .ok_or_else(|| ParameterError::ColorMethod { got: name.to_owned() })
    }
}

/// A method and how far it is applied, checked at construction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorCorrection {
    method: ColorMethod,
    blend: f64,
}

impl ColorCorrection {
    /// Colours are left alone.
    pub const NONE: Self = Self { method: ColorMethod::None, blend: 1.0 };

    /// `method` applied by `blend`, above 0 and at most 1; [`ColorMethod::None`] and [`ColorMethod::WhiteBalance`] have
    /// no other than 1.
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

    /// The method.
    pub fn method(self) -> ColorMethod {
        self.method
    }

    /// How far it is applied.
    pub fn blend(self) -> f64 {
        self.blend
    }
}

impl From<ColorMethod> for ColorCorrection {
    /// The method applied fully.
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
