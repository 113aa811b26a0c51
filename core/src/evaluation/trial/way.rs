//! The six ways of restoring that a trial compares.

use std::ops::Index;

use serde::{Deserialize, Serialize};

/// A way of restoring a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The picture stays as it is.
    Untouched,
    /// One candidate for all pictures: the best on the training pictures of the fold.
    BestFixed,
    /// The first system's kind of model: it predicts the three parameters.
    Classic,
    /// A gains model whose candidates use the three parameters only: white balance, sigma and strength.
    ThreeParameters,
    /// The gains model that the trial is about.
    Model,
    /// The best candidate for the picture itself, chosen with the reference known. No model can know this candidate.
    #[serde(rename = "best_in_hand")]
    Oracle,
}

impl Way {
    /// All ways, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Untouched, Self::BestFixed, Self::Classic, Self::ThreeParameters, Self::Model, Self::Oracle];

    /// Returns the name in JSON, CSV and pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::BestFixed => "best_fixed",
            Self::Classic => "classic",
            Self::ThreeParameters => "three_parameters",
            Self::Model => "model",
            Self::Oracle => "best_in_hand",
        }
    }
}

/// One value per way. In JSON it is a list in the order of [`Way::ALL`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByWay<T>([T; 6]);

impl<T> ByWay<T> {
    /// Calls `value` for each way, in order.
    pub fn from_fn(value: impl FnMut(Way) -> T) -> Self {
        Self(Way::ALL.map(value))
    }

    /// Calls `value` for each way, in order, and stops at the first error.
    ///
    /// # Errors
    /// The first error of `value`.
    pub fn try_from_fn<E>(mut value: impl FnMut(Way) -> Result<T, E>) -> Result<Self, E> {
        use Way::{BestFixed, Classic, Model, Oracle, ThreeParameters, Untouched};
        Ok(Self([
            value(Untouched)?,
            value(BestFixed)?,
            value(Classic)?,
            value(ThreeParameters)?,
            value(Model)?,
            value(Oracle)?,
        ]))
    }

    /// Iterates over the values, in the order of [`Way::ALL`].
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl<T> Index<Way> for ByWay<T> {
    type Output = T;

    fn index(&self, way: Way) -> &T {
        // The variants are numbered in the order of `Way::ALL`.
        &self.0[way as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_finds_its_own_value() {
        let names = ByWay::from_fn(Way::name);
        assert!(Way::ALL.into_iter().all(|way| names[way] == way.name()));
        assert!(ByWay::try_from_fn(Ok::<_, ()>).unwrap().values().eq(&Way::ALL));
        let wire = ["untouched", "best_fixed", "classic", "three_parameters", "model", "best_in_hand"];
        assert_eq!(serde_json::to_value(&names).unwrap(), serde_json::json!(wire));
        assert_eq!(serde_json::to_value(Way::ALL).unwrap(), serde_json::json!(wire));
    }
}
