//! Whether a colour correction may change how light or dark a picture is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::parameter_error::ParameterError;

/// What a colour correction does to the lightness of the picture. Lightness is the part of a damage that a single
/// picture shows least: a dark picture may be faded, or a photograph of the evening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// The correction changes colours and lightness, as its method is defined.
    #[default]
    Auto,
    /// Every pixel keeps the luma that it had, see `ColorTransform::with_kept_luma`.
    Keep,
}

impl Tone {
    /// All tones, in the order of the documentation.
    pub const ALL: [Self; 2] = [Tone::Auto, Tone::Keep];

    /// The name in receipts and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Tone::Auto => "auto",
            Tone::Keep => "keep",
        }
    }

    /// Returns all names, separated by commas.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Whether this is the default.
    pub fn is_auto(&self) -> bool {
        *self == Tone::Auto
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tone {
    type Err = ParameterError;

    fn from_str(name: &str) -> Result<Self, ParameterError> {
        let found = Self::ALL.into_iter().find(|tone| tone.name() == name);
        found.ok_or_else(|| ParameterError::Tone { got: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for tone in Tone::ALL {
            assert_eq!(tone.name().parse(), Ok(tone));
            assert_eq!(serde_json::to_string(&tone).unwrap(), format!("{:?}", tone.name()));
        }
        let error = "kept".parse::<Tone>().unwrap_err().to_string();
        assert!(error.contains("\"kept\"") && error.contains("auto, keep"), "{error}");
        assert_eq!(Tone::default(), Tone::Auto);
    }
}
