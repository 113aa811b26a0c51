//! Hyperparameters of a model of gains.

use serde::{Deserialize, Serialize};

use super::weight_forest::{CheckedWeightForestHyperparameters, WeightForestHyperparameters};
use crate::{models::hyperparameters::HyperparametersError, numeric::random::derived_seed};

/// Hyperparameters of the forests of a model of gains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainHyperparameters {
    /// Trees of the forest of colour corrections. The expected shares of harm of this forest decide most.
    pub n_trees: usize,
    /// Trees of the forest of transforms.
    pub n_code_trees: usize,
    /// Trees of the forest of candidates that sharpen, smooth or denoise.
    pub n_detail_trees: usize,
    /// Fewest rows of a leaf.
    pub leaf_samples_min: usize,
    /// Share of the features tried at a split.
    pub split_features: f64,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Default for GainHyperparameters {
    fn default() -> Self {
        Self {
            n_trees: 120,
            n_code_trees: 70,
            n_detail_trees: 70,
            leaf_samples_min: 3,
            split_features: 0.4,
            seed: 42,
        }
    }
}

impl GainHyperparameters {
    /// Returns the hyperparameters of one forest, with a seed derived from the forest's name.
    ///
    /// # Errors
    /// Names the first hyperparameter out of its range.
    pub(super) fn forest(
        &self,
        name: &str,
        n_trees: usize,
    ) -> Result<CheckedWeightForestHyperparameters, HyperparametersError> {
        let Self { leaf_samples_min, split_features, seed, .. } = *self;
        let seed = derived_seed(seed, name);
        WeightForestHyperparameters { n_trees, leaf_samples_min, split_features, depth_max: None, seed }
            .check()
    }
}
