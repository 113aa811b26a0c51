//! The colour methods and their names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way of correcting colours. All act on stored values.
///
/// `color=on` means [`ColorMethod::WhiteBalance`]; this never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorMethod {
    /// No change of colours.
    None,
    /// The mean of each channel becomes 128, see `operators::white_balance`.
    WhiteBalance,
    /// The means of the channels become equal, see `operators::linear_levels`.
    GreyWorld,
    /// The Minkowski means of order 6 of the channels become equal.
    ShadesOfGrey,
    /// The first and the 99th percentile of each channel become black and white.
    Stretch,
    /// The first and the 99th percentile of all channels together become black and white.
    Levels,
    /// The darkest and the brightest parts of each channel become black and white, see `operators::end_points`.
    AutoLevel,
    /// The darkest and the brightest parts of all channels together become black and white.
    AutoContrast,
    /// A transform that a model predicts, see `operators::color_transform`.
    Learned,
}

impl ColorMethod {
    /// All methods, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        ColorMethod::None,
        ColorMethod::WhiteBalance,
        ColorMethod::GreyWorld,
        ColorMethod::ShadesOfGrey,
        ColorMethod::Stretch,
        ColorMethod::Levels,
        ColorMethod::AutoLevel,
        ColorMethod::AutoContrast,
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
            ColorMethod::AutoLevel => "auto_level",
            ColorMethod::AutoContrast => "auto_contrast",
            ColorMethod::Learned => "learned",
        }
    }

    /// Returns all names, separated by commas.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Whether the method changes colours: the column `apply_color_correction` of tables.
    pub const fn is_on(self) -> bool {
        !matches!(self, ColorMethod::None)
    }

    /// Whether the method can be applied in part.
    pub const fn blends(self) -> bool {
        !matches!(self, ColorMethod::None | ColorMethod::WhiteBalance)
    }

    /// Returns the method that `color=on` or `color=off` selects.
    pub const fn from_switch(on: bool) -> Self {
        if on { ColorMethod::WhiteBalance } else { ColorMethod::None }
    }
}

impl fmt::Display for ColorMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
