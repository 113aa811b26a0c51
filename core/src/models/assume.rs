//! What the caller says about a picture: how sure it is that the picture is damaged.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How sure the caller is that the picture is damaged. It moves the bounds that a candidate must meet to be chosen over
/// the untouched picture. Parameters that the caller fixed are not affected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assume {
    /// Nothing is known. The model stays careful.
    #[default]
    Auto,
    /// The picture is damaged in some way. The best candidate with an expected gain is chosen, by far laxer bounds.
    Damaged,
    /// The colours are faded or tinted. The bounds of colour corrections are far laxer; nothing is sharpened, smoothed or
    /// denoised.
    Faded,
    /// The picture is probably fine. It is changed only by a candidate that meets far stricter bounds.
    Fine,
}

/// A name that is no assumption.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("assume {got:?} is unknown: {names} exist", names = Assume::names())]
pub struct UnknownAssumption {
    /// The name given.
    pub got: String,
}

impl Assume {
    /// All assumptions, in the order of the documentation.
    pub const ALL: [Self; 4] = [Assume::Auto, Assume::Damaged, Assume::Faded, Assume::Fine];

    /// The name in receipts and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Assume::Auto => "auto",
            Assume::Damaged => "damaged",
            Assume::Faded => "faded",
            Assume::Fine => "fine",
        }
    }

    /// Returns all names, separated by commas.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Whether this is the default.
    pub fn is_auto(&self) -> bool {
        *self == Assume::Auto
    }
}

impl fmt::Display for Assume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Assume {
    type Err = UnknownAssumption;

    fn from_str(name: &str) -> Result<Self, UnknownAssumption> {
        let found = Self::ALL.into_iter().find(|assume| assume.name() == name);
        found.ok_or_else(|| UnknownAssumption { got: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for assume in Assume::ALL {
            assert_eq!(assume.name().parse(), Ok(assume));
            assert_eq!(serde_json::to_string(&assume).unwrap(), format!("{:?}", assume.name()));
        }
        let error = "broken".parse::<Assume>().unwrap_err().to_string();
        assert!(error.contains("\"broken\"") && error.contains("auto, damaged, faded, fine"), "{error}");
        assert_eq!(Assume::default(), Assume::Auto);
    }
}
