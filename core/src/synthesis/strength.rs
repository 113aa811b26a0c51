//! The strength of a damage, which a recipe states in a mixture's name: `dye_fading_mild`.

use std::fmt;

/// Class of a damage's strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Visible beside the undamaged picture.
    Mild,
    /// Visible alone.
    Medium,
    /// It hides colours or details.
    Strong,
}

impl Strength {
    /// All strengths, from mild to strong.
    pub const ALL: [Self; 3] = [Self::Mild, Self::Medium, Self::Strong];

    /// Name in mixtures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mild => "mild",
            Self::Medium => "medium",
            Self::Strong => "strong",
        }
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Splits a mixture's name, as `damages.tsv` has it, into kind and strength: `dye_fading_mild` into `dye_fading` and
/// [`Strength::Mild`]. A name that ends with no strength is all kind.
pub fn kind_and_strength(mixture: &str) -> (&str, Option<Strength>) {
    let split = |strength: Strength| {
        let kind = mixture.strip_suffix(strength.name())?.strip_suffix('_')?;
        (!kind.is_empty()).then_some((kind, Some(strength)))
    };
    Strength::ALL.into_iter().find_map(split).unwrap_or((mixture, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_name_is_the_strength() {
        for (name, expected) in [
            ("dye_fading_mild", ("dye_fading", Some(Strength::Mild))),
            ("dye_fading-filter_medium", ("dye_fading-filter", Some(Strength::Medium))),
            ("tone_strong", ("tone", Some(Strength::Strong))),
            ("tone", ("tone", None)),
            ("none", ("none", None)),
            ("strong", ("strong", None)),
            ("headstrong", ("headstrong", None)),
            ("_mild", ("_mild", None)),
        ] {
            assert_eq!(kind_and_strength(name), expected);
        }
    }
}
