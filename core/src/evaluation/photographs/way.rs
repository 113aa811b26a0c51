//! The ways of restoring photographs that are compared.

use serde::{Deserialize, Serialize};

/// A way of restoring a photograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotographWay {
    /// The picture stays as it is.
    Untouched,
    /// Every channel is stretched to its full range, see [`auto_level`](super::auto_level()).
    AutoLevel,
    /// The model with `assume=auto`, alone.
    Auto,
    /// The model with `assume=damaged`, alone.
    Damaged,
    /// The model with `assume=faded`, alone.
    Faded,
    /// The model with `assume=fine`, alone.
    Fine,
    /// The model with `assume=auto` and `tone=keep`, alone.
    KeepTone,
    /// The model with `assume=auto`, as one roll.
    Together,
    /// The model with `assume=damaged`, as one roll.
    TogetherDamaged,
}

impl PhotographWay {
    /// The ways of pictures alone, in the order of reports.
    pub const OF_PHOTOGRAPHS: [Self; 7] = [
        Self::Untouched,
        Self::AutoLevel,
        Self::Auto,
        Self::Damaged,
        Self::Faded,
        Self::Fine,
        Self::KeepTone,
    ];
    /// The ways of pictures of a roll, in the order of reports.
    pub const OF_ROLLS: [Self; 4] = [Self::Untouched, Self::Auto, Self::Together, Self::TogetherDamaged];

    /// Returns the name in JSON, CSV and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::AutoLevel => "auto_level",
            Self::Auto => "auto",
            Self::Damaged => "damaged",
            Self::Faded => "faded",
            Self::Fine => "fine",
            Self::KeepTone => "keep_tone",
            Self::Together => "together",
            Self::TogetherDamaged => "together_damaged",
        }
    }
}
