//! The families of models, whose names stand in ids, cards and answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A family of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Random forest; of the classic kind.
    RandomForest,
    /// Gradient boosted trees; of the classic kind.
    GradientBoosting,
    /// A model that expects the gain of every candidate; the only family of its kind.
    Gains,
}

impl Family {
    /// All families of the classic kind, in the order in which training tries them.
    pub const ALL: [Family; 2] = [Family::RandomForest, Family::GradientBoosting];

    /// Returns the id of a model file: its family and the first 12 digits of its SHA-256, given in hexadecimal.
    pub(super) fn model_id(self, sha256: &str) -> String {
        format!("{self}-{}", &sha256[..12])
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Family::RandomForest => "random_forest",
            Family::GradientBoosting => "gradient_boosting",
            Family::Gains => "gains",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_the_same_everywhere() {
        for family in Family::ALL {
            assert_eq!(serde_json::to_string(&family).unwrap(), format!("\"{family}\""));
        }
        assert_eq!(Family::RandomForest.to_string(), "random_forest");
    }
}
