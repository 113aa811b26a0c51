//! A forest for any number of targets that returns weights of training rows.
//!
//! The trees are extremely randomised (Geurts, Ernst and Wehenkel, 2006) and split for all targets at once. Leaves keep
//! rows instead of outputs. So the trees and a table of targets ([`NumberRows`]) give means, quantiles and spreads
//! ([`RowWeights`]). The targets may be others than those of the fit.

mod grow;
mod hyperparameters;
mod local_linear;
mod ranges;
mod rows;
mod stepped;
mod tree;
mod weights;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::grow::ForestFit;
use self::hyperparameters::TREES_MAX;
use self::tree::RowTree;
use crate::numeric::random::derived_seed;

pub use self::hyperparameters::{CheckedWeightForestHyperparameters, WeightForestHyperparameters};
pub use self::local_linear::LocalColumns;
pub use self::ranges::{FeatureRange, FeatureRanges, RangeCheck, RangesError};
pub use self::rows::{NumberRows, NumberRowsError};
pub use self::stepped::SteppedRows;
pub use self::weights::RowWeights;

/// Most features: 16 bits store the feature of a split, and one of their values means a leaf.
const FEATURES_MAX: usize = u16::MAX as usize;
/// Most rows. Row indices fit in 32 bits. With 100 features so many rows take 6.7 GB.
const ROWS_MAX: usize = 1 << 24;
/// Least sample weight other than 0. Between it and [`WEIGHT_MAX`], every sum and quotient of a fit is far from overflow.
const WEIGHT_MIN: f32 = 1e-6;
/// Largest sample weight.
const WEIGHT_MAX: f32 = 1e6;

/// A fitted forest of at least one tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ForestForm", into = "ForestForm")]
pub struct WeightForest {
    n_features: usize,
    /// Sample weight of every row of the fit. Rows of weight 0 are in no leaf.
    sample_weights: Vec<f32>,
    trees: Vec<RowTree>,
}

/// A forest cannot be fitted.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum WeightForestError {
    /// The numbers of features, targets and weights differ.
    #[error(
        "{n_features} rows of features, {n_targets} of targets and {n_weights} sample weights do not match"
    )]
    Lengths {
        /// Rows of features.
        n_features: usize,
        /// Rows of targets.
        n_targets: usize,
        /// Sample weights.
        n_weights: usize,
    },
    /// More rows or features than a forest can index.
    #[error("{n_rows} rows of {n_features} features exceed {ROWS_MAX} rows or {FEATURES_MAX} features")]
    TooLarge {
        /// Rows given.
        n_rows: usize,
        /// Features given.
        n_features: usize,
    },
    /// There is no row, or no row has a weight above 0.
    #[error("a fit needs at least one row with a sample weight above 0")]
    NoRows,
    /// A sample weight is neither 0 nor in 10⁻⁶–10⁶.
    #[error("the sample weight of row {row} is {found}: 0 or {WEIGHT_MIN}–{WEIGHT_MAX} is needed")]
    SampleWeight {
        /// Index of the row.
        row: usize,
        /// The weight found.
        found: f32,
    },
}

/// A forest cannot return weights for a vector of features.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum WeightsError {
    /// The forest was fitted on another number of features.
    #[error("{found} features do not match the {n_features} of the forest")]
    Length {
        /// Length of the vector.
        found: usize,
        /// Features of the forest.
        n_features: usize,
    },
    /// A feature is NaN or infinite.
    #[error("feature {feature} is {found}: a finite number is needed to predict")]
    Feature {
        /// Index of the feature.
        feature: usize,
        /// The number found.
        found: f32,
    },
}

impl WeightForest {
    /// Fits a forest to `features`, shape `(n_rows, n_features)`, and `targets`, shape `(n_rows, n_outputs)`. The errors
    /// of all targets are summed without scaling: targets that should count equally need equal scales.
    ///
    /// A row of sample weight 2 counts as two rows in errors and leaves, but as one row for the size of leaves. Without
    /// weights, each row has weight 1. A row of weight 0 counts as absent and keeps its index.
    ///
    /// Trees grow in parallel on the caller's rayon pool, each from its own seed. So the same rows in the same order,
    /// hyperparameters and seed give the same forest on every machine and with any number of threads. Thresholds are
    /// `f32` like the features: a drawn threshold is rounded to nearest. If the rounded threshold reaches the feature's
    /// largest number in the node, its least number there is taken.
    ///
    /// # Errors
    /// When lengths differ, a sample weight is out of range, or there is nothing or too much to fit.
    pub fn fit(
        features: &NumberRows,
        targets: &NumberRows,
        sample_weights: Option<&[f32]>,
        hyperparameters: &CheckedWeightForestHyperparameters,
    ) -> Result<Self, WeightForestError> {
        let n_rows = features.n_rows();
        let sample_weights = sample_weights.map_or_else(|| vec![1.0; n_rows], <[f32]>::to_vec);
        // The checks come first: they bound the casts to 32 and 16 bits while trees grow.
        check_samples(features, targets, &sample_weights)?;
        let fit = ForestFit::new(features, targets, &sample_weights, hyperparameters);
        let tree =
            // A seed per tree makes each tree independent of the threads that grow the others.
            |index| fit.grow(derived_seed(hyperparameters.seed, &format!("weight forest tree {index}")));
        let trees = (0..hyperparameters.n_trees).into_par_iter().map(tree).collect();
        Ok(Self { n_features: features.n_columns(), sample_weights, trees })
    }

    /// Number of rows of the fit, rows of weight 0 included. Tables of targets must have as many rows.
    pub fn n_rows(&self) -> usize {
        self.sample_weights.len()
    }

    /// Number of features that a vector must have.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Returns the weight of each training row for the vector `features`. In each tree, a row of the vector's leaf
    /// has a share: its sample weight divided by that of the leaf. The weight is the mean of the shares over all trees.
    /// Takes some 25 µs for 150 trees of 1500 rows.
    ///
    /// # Errors
    /// When the number of features is not that of the fit, or one is not finite.
    pub fn weights(&self, features: &[f32]) -> Result<RowWeights, WeightsError> {
        if features.len() != self.n_features {
            return Err(WeightsError::Length { found: features.len(), n_features: self.n_features });
        }
        // NaN would go right at every split without any sign.
        if let Some(feature) = features.iter().position(|feature| !feature.is_finite()) {
            return Err(WeightsError::Feature { feature, found: features[feature] });
        }
        // Sums run from the first tree to the last: another order would round differently.
        let mut weights = vec![0.0; self.n_rows()];
        for tree in &self.trees {
            let leaf = tree.leaf(features);
            let weight = |row: u32| f64::from(self.sample_weights[row as usize]);
            // A leaf holds at least one row, and all its rows have positive weight. So the total is not 0.
            let total: f64 = leaf.iter().map(|&row| weight(row)).sum();
            for &row in leaf {
                weights[row as usize] += weight(row) / total;
            }
        }
        // The shares of each tree sum to 1. So the mean over the trees sums to 1 too.
        let n_trees = self.trees.len() as f64;
        weights.iter_mut().for_each(|weight| *weight /= n_trees);
        Ok(RowWeights::dense(&weights))
    }
}

/// Checks the input of a fit.
fn check_samples(
    features: &NumberRows,
    targets: &NumberRows,
    sample_weights: &[f32],
) -> Result<(), WeightForestError> {
    let (n_rows, n_features) = (features.n_rows(), features.n_columns());
    if targets.n_rows() != n_rows || sample_weights.len() != n_rows {
        return Err(WeightForestError::Lengths {
            n_features: n_rows,
            n_targets: targets.n_rows(),
            n_weights: sample_weights.len(),
        });
    }
    if n_rows > ROWS_MAX || n_features > FEATURES_MAX {
        return Err(WeightForestError::TooLarge { n_rows, n_features });
    }
    if let Some(row) = sample_weights.iter().position(|&weight| !is_sample_weight(weight)) {
        return Err(WeightForestError::SampleWeight { row, found: sample_weights[row] });
    }
    if sample_weights.iter().all(|&weight| weight == 0.0) { Err(WeightForestError::NoRows) } else { Ok(()) }
}

fn is_sample_weight(weight: f32) -> bool {
    weight == 0.0 || (WEIGHT_MIN..=WEIGHT_MAX).contains(&weight)
}

/// The serialised form of a forest. Weights that are all 1 are omitted.
#[derive(Clone, Serialize, Deserialize)]
struct ForestForm {
    n_features: u32,
    n_rows: u32,
    sample_weights: Option<Vec<f32>>,
    trees: Vec<RowTree>,
}

/// The serialised form is not a forest.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
enum ForestFormError {
    #[error("{found} is not a possible number of {what} of a forest")]
    Count { what: &'static str, found: usize },
    #[error("the sample weights of the forest are not one of 0 or {WEIGHT_MIN}–{WEIGHT_MAX} for each row")]
    SampleWeights,
    #[error("tree {tree} asks for a feature that the forest does not have")]
    Feature { tree: usize },
    #[error("tree {tree} does not have each row of the forest once")]
    Rows { tree: usize },
}

impl TryFrom<ForestForm> for WeightForest {
    type Error = ForestFormError;

    fn try_from(form: ForestForm) -> Result<Self, ForestFormError> {
        let (n_features, n_rows) = (form.n_features as usize, form.n_rows as usize);
        let count = |what, found, max| {
            if (1..=max).contains(&found) { Ok(()) } else { Err(ForestFormError::Count { what, found }) }
        };
        count("features", n_features, FEATURES_MAX)?;
        count("rows", n_rows, ROWS_MAX)?;
        count("trees", form.trees.len(), TREES_MAX)?;
        // Memory for `n_rows` is allocated only after a list of that length was read: a forged number costs nothing.
        let n_read = form.sample_weights.as_ref().map_or(form.trees[0].rows().len(), Vec::len);
        if n_read != n_rows {
            return Err(ForestFormError::Count { what: "rows", found: n_rows });
        }
        let sample_weights = form.sample_weights.unwrap_or_else(|| vec![1.0; n_rows]);
        if !sample_weights.iter().all(|&weight| is_sample_weight(weight)) {
            return Err(ForestFormError::SampleWeights);
        }
        check_trees(&form.trees, &sample_weights, n_features)?;
        Ok(Self { n_features, sample_weights, trees: form.trees })
    }
}

/// Checks that every tree splits only by features of the forest, and holds each row with a weight above 0 exactly once.
/// Takes time in proportion to what was read.
fn check_trees(trees: &[RowTree], sample_weights: &[f32], n_features: usize) -> Result<(), ForestFormError> {
    let n_weighing = sample_weights.iter().filter(|&&weight| weight > 0.0).count();
    // For each row, the number of the last tree that holds it, counted from 1. One list serves all trees.
    let mut seen_in = vec![0; sample_weights.len()];
    for (tree, number) in trees.iter().zip(1_usize..) {
        if tree.feature_max().is_some_and(|feature| usize::from(feature) >= n_features) {
            return Err(ForestFormError::Feature { tree: number - 1 });
        }
        let is_new = |row: &u32| {
            let row = *row as usize;
            let is_new =
                sample_weights.get(row).is_some_and(|&weight| weight > 0.0) && seen_in[row] != number;
            if is_new {
                seen_in[row] = number;
            }
            is_new
        };
        // A tree with the right number of rows and no row twice has each of them once.
        if tree.rows().len() != n_weighing || !tree.rows().iter().all(is_new) {
            return Err(ForestFormError::Rows { tree: number - 1 });
        }
    }
    Ok(())
}

impl From<WeightForest> for ForestForm {
    fn from(forest: WeightForest) -> Self {
        // A form without weights means ones, so a list of ones is not written.
        let is_equal = forest.sample_weights.iter().all(|&weight| weight == 1.0);
        Self {
            n_features: forest.n_features as u32,
            n_rows: forest.sample_weights.len() as u32,
            sample_weights: (!is_equal).then_some(forest.sample_weights),
            trees: forest.trees,
        }
    }
}

#[cfg(test)]
mod sklearn_tests;
#[cfg(test)]
mod tests;
