//! Hyperparameters of the two classic learners, with the defaults of published models.
//!
//! Every hyperparameter of smartcore is set here, so a new default in smartcore changes no model.

use serde::{Deserialize, Serialize};

use crate::learning::table::N_FEATURES;
use crate::models::hyperparameters::{HyperparametersError, require};

/// Hyperparameters before their check; [`Hyperparameters::check`] makes them usable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hyperparameters {
    /// Hyperparameters of the random forest.
    pub random_forest: RandomForestHyperparameters,
    /// Hyperparameters of the gradient boosted trees.
    pub gradient_boosting: GradientBoostingHyperparameters,
    /// Seed of every random choice of a fit.
    pub seed: u64,
}

/// Hyperparameters of the random forest. Defaults follow scikit-learn's regressor where no other reason is stated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomForestHyperparameters {
    /// Number of trees, 1–1000. Default 100.
    pub n_trees: usize,
    /// Most splits between root and leaf, 1–24. Default 10.
    pub depth_max: u16,
    /// Fewest samples of a node that may be split, from 2. Default 5.
    pub split_samples_min: usize,
    /// Fewest samples of a leaf, from 1. Default 1.
    pub leaf_samples_min: usize,
    /// Features tried at a split, 1–14. Default 14, all; smartcore's own default is ⌊√14⌋ = 3.
    pub split_features: usize,
}

/// Hyperparameters of the gradient boosted trees. The first prediction is always the mean of the target; smartcore's own
/// default is 0.5 for every target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientBoostingHyperparameters {
    /// Boosting rounds, one tree each, 1–1000. Default 100.
    pub n_rounds: usize,
    /// Most splits between root and leaf, 1–24. Default 5.
    pub depth_max: u16,
    /// Share of each tree's output that is added, more than 0 up to 1. Default 0.1.
    pub learning_rate: f64,
    /// Fewest samples of a leaf (with squared error each weighs 1), from 1. Default 1.
    pub leaf_samples_min: usize,
    /// L2 penalty of leaf outputs, 0–1000. Default 1.
    pub lambda: f64,
    /// Gain that a split must exceed, in halved squared units of the target, from 0. Default 0.
    pub gamma: f64,
    /// Share of the samples drawn for each tree, more than 0 up to 1. Default 1.
    pub subsample: f64,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Self {
            random_forest: RandomForestHyperparameters::default(),
            gradient_boosting: GradientBoostingHyperparameters::default(),
            seed: 42,
        }
    }
}

impl Default for RandomForestHyperparameters {
    fn default() -> Self {
        Self {
            n_trees: 100,
            depth_max: 10,
            split_samples_min: 5,
            leaf_samples_min: 1,
            split_features: N_FEATURES,
        }
    }
}

impl Default for GradientBoostingHyperparameters {
    fn default() -> Self {
        Self {
            n_rounds: 100,
            depth_max: 5,
            learning_rate: 0.1,
            leaf_samples_min: 1,
            lambda: 1.0,
            gamma: 0.0,
            subsample: 1.0,
        }
    }
}

/// Hyperparameters within their ranges, as a fit needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedHyperparameters(Hyperparameters);

impl Default for CheckedHyperparameters {
    fn default() -> Self {
        Hyperparameters::default().check().expect("the defaults are within their ranges")
    }
}

impl std::ops::Deref for CheckedHyperparameters {
    type Target = Hyperparameters;

    fn deref(&self) -> &Hyperparameters {
        &self.0
    }
}

/// Most trees: bounds cost and file size.
const TREES_MAX: usize = 1000;
/// Most splits between root and leaf. A tree can double with each level, until leaves hold single samples.
const DEPTH_MAX: u16 = 24;

impl Hyperparameters {
    /// Checks every range.
    ///
    /// # Errors
    /// Names the first hyperparameter out of its range.
    pub fn check(self) -> Result<CheckedHyperparameters, HyperparametersError> {
        let (forest, boosting) = (&self.random_forest, &self.gradient_boosting);
        let trees = |n: usize| (1..=TREES_MAX).contains(&n);
        let depth = |n: u16| (1..=DEPTH_MAX).contains(&n);
        let share = |part: f64| part > 0.0 && part <= 1.0;
        require("random_forest.n_trees", forest.n_trees, "1–1000", trees)?;
        require("random_forest.depth_max", forest.depth_max, "1–24", depth)?;
        require("random_forest.split_samples_min", forest.split_samples_min, "2 or more", |n| n >= 2)?;
        require("random_forest.leaf_samples_min", forest.leaf_samples_min, "1 or more", |n| n >= 1)?;
        require("random_forest.split_features", forest.split_features, "1–14", |n| {
            (1..=N_FEATURES).contains(&n)
        })?;
        require("gradient_boosting.n_rounds", boosting.n_rounds, "1–1000", trees)?;
        require("gradient_boosting.depth_max", boosting.depth_max, "1–24", depth)?;
        require("gradient_boosting.learning_rate", boosting.learning_rate, "in (0, 1]", share)?;
        require("gradient_boosting.leaf_samples_min", boosting.leaf_samples_min, "1 or more", |n| n >= 1)?;
        require("gradient_boosting.lambda", boosting.lambda, "0–1000", |n| (0.0..=1000.0).contains(&n))?;
        require("gradient_boosting.gamma", boosting.gamma, "0 or more and finite", |n| {
            n >= 0.0 && n.is_finite()
        })?;
        require("gradient_boosting.subsample", boosting.subsample, "in (0, 1]", share)?;
        Ok(CheckedHyperparameters(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hyperparameter_has_a_range() {
        let refused = |change: &dyn Fn(&mut Hyperparameters)| {
            let mut hyperparameters = Hyperparameters::default();
            change(&mut hyperparameters);
            hyperparameters.check().unwrap_err().name
        };
        assert_eq!(refused(&|h| h.random_forest.n_trees = 0), "random_forest.n_trees");
        assert_eq!(refused(&|h| h.random_forest.n_trees = 1001), "random_forest.n_trees");
        assert_eq!(refused(&|h| h.random_forest.depth_max = 25), "random_forest.depth_max");
        assert_eq!(refused(&|h| h.random_forest.split_samples_min = 1), "random_forest.split_samples_min");
        assert_eq!(refused(&|h| h.random_forest.leaf_samples_min = 0), "random_forest.leaf_samples_min");
        assert_eq!(refused(&|h| h.random_forest.split_features = 15), "random_forest.split_features");
        assert_eq!(refused(&|h| h.gradient_boosting.n_rounds = 0), "gradient_boosting.n_rounds");
        assert_eq!(refused(&|h| h.gradient_boosting.depth_max = 0), "gradient_boosting.depth_max");
        assert_eq!(refused(&|h| h.gradient_boosting.learning_rate = 0.0), "gradient_boosting.learning_rate");
        assert_eq!(
            refused(&|h| h.gradient_boosting.leaf_samples_min = 0),
            "gradient_boosting.leaf_samples_min"
        );
        assert_eq!(refused(&|h| h.gradient_boosting.lambda = f64::NAN), "gradient_boosting.lambda");
        assert_eq!(refused(&|h| h.gradient_boosting.gamma = f64::INFINITY), "gradient_boosting.gamma");
        assert_eq!(refused(&|h| h.gradient_boosting.subsample = 1.5), "gradient_boosting.subsample");
    }

    #[test]
    fn missing_fields_take_their_default_and_unknown_ones_are_refused() {
        let read = serde_json::from_str::<Hyperparameters>;
        let expected = Hyperparameters { seed: 7, ..Hyperparameters::default() };
        assert_eq!(read(r#"{"seed": 7}"#).unwrap(), expected);
        assert!(read(r#"{"random_forest": {"trees": 7}}"#).unwrap_err().to_string().contains("`trees`"));
    }
}
