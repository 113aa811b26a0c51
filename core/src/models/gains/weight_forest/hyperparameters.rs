//! Hyperparameters of a weight forest.

use serde::{Deserialize, Serialize};

use crate::models::hyperparameters::{HyperparametersError, require};

/// Hyperparameters before their check; [`WeightForestHyperparameters::check`] makes them usable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeightForestHyperparameters {
    /// Number of trees, 1–1000. Default 150.
    pub n_trees: usize,
    /// Most splits between root and leaf, from 1. Default none: trees end where leaves get too small.
    pub depth_max: Option<u16>,
    /// Fewest rows of a leaf, from 1. Default 3.
    pub leaf_samples_min: usize,
    /// Share of the features tried at a split, more than 0 up to 1, rounded down to at least one. Default 0.4.
    pub split_features: f64,
    /// Seed of every random choice of a fit. Default 42.
    pub seed: u64,
}

impl Default for WeightForestHyperparameters {
    fn default() -> Self {
        Self { n_trees: 150, depth_max: None, leaf_samples_min: 3, split_features: 0.4, seed: 42 }
    }
}

/// Hyperparameters within their ranges, as a fit needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedWeightForestHyperparameters(WeightForestHyperparameters);

impl Default for CheckedWeightForestHyperparameters {
    fn default() -> Self {
        WeightForestHyperparameters::default().check().expect("the defaults are within their ranges")
    }
}

impl std::ops::Deref for CheckedWeightForestHyperparameters {
    type Target = WeightForestHyperparameters;

    fn deref(&self) -> &WeightForestHyperparameters {
        &self.0
    }
}

/// Most trees: bounds the cost of a fit and of reading a forest.
pub(super) const TREES_MAX: usize = 1000;

impl WeightForestHyperparameters {
    /// Checks every range.
    ///
    /// # Errors
    /// Names the first hyperparameter out of its range.
    pub fn check(self) -> Result<CheckedWeightForestHyperparameters, HyperparametersError> {
        let depth_max = self.depth_max.unwrap_or(u16::MAX);
        require("weight_forest.n_trees", self.n_trees, "1–1000", |n| (1..=TREES_MAX).contains(&n))?;
        require("weight_forest.depth_max", depth_max, "1 or more", |n| n >= 1)?;
        require("weight_forest.leaf_samples_min", self.leaf_samples_min, "1 or more", |n| n >= 1)?;
        require("weight_forest.split_features", self.split_features, "in (0, 1]", |share| {
            share > 0.0 && share <= 1.0
        })?;
        Ok(CheckedWeightForestHyperparameters(self))
    }

    /// Returns how many of `n_features` are tried at a split.
    pub(super) fn n_split_features(&self, n_features: usize) -> usize {
        ((self.split_features * n_features as f64) as usize).clamp(1, n_features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hyperparameter_has_a_range() {
        let refused = |change: &dyn Fn(&mut WeightForestHyperparameters)| {
            let mut hyperparameters = WeightForestHyperparameters::default();
            change(&mut hyperparameters);
            hyperparameters.check().unwrap_err().name
        };
        assert_eq!(refused(&|h| h.n_trees = 0), "weight_forest.n_trees");
        assert_eq!(refused(&|h| h.n_trees = 1001), "weight_forest.n_trees");
        assert_eq!(refused(&|h| h.depth_max = Some(0)), "weight_forest.depth_max");
        assert_eq!(refused(&|h| h.leaf_samples_min = 0), "weight_forest.leaf_samples_min");
        for share in [0.0, -0.1, 1.01, f64::NAN] {
            assert_eq!(refused(&|h| h.split_features = share), "weight_forest.split_features");
        }
        assert!(serde_json::from_str::<WeightForestHyperparameters>(r#"{"trees": 7}"#).is_err());
    }

    #[test]
    fn the_share_of_features_is_rounded_down_to_at_least_one() {
        let tried = |split_features, n_features| {
            WeightForestHyperparameters { split_features, ..Default::default() }.n_split_features(n_features)
        };
        assert_eq!([tried(0.4, 100), tried(0.4, 8), tried(0.4, 2), tried(1.0, 7)], [40, 3, 1, 7]);
    }
}
