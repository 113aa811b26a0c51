//! Random forest for one target: the mean of trees, each grown on a bootstrap sample (Breiman, "Random Forests",
//! Machine Learning 45, 2001). Grown by smartcore.

use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};

use super::hyperparameters::CheckedHyperparameters;
use super::samples::{CheckedSamples, FeatureRow, FitError, Matrix, check_finite};
use super::tree::{Grown, Tree, open};
use crate::models::error::PredictError;

type SmartcoreForest = RandomForestRegressor<f64, f64, Matrix, Vec<f64>>;

/// A fitted forest of at least one tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Tree>", into = "Vec<Tree>")]
pub struct FittedRandomForest {
    trees: Vec<Tree>,
}

/// Fits a forest to `features`, shape `(n_samples, 14)`, and one target per sample. With a constant target, the forest
/// always predicts that target. The same samples in the same order, hyperparameters and seed give the same
/// forest on every machine.
///
/// # Errors
/// With fewer than two samples, lengths that differ, or a number that is not finite or beyond ±1e100.
pub fn fit(
    features: &[FeatureRow],
    targets: &[f64],
    hyperparameters: &CheckedHyperparameters,
    seed: u64,
) -> Result<FittedRandomForest, FitError> {
    let samples = CheckedSamples::check(features, targets)?;
    if let Some(target) = samples.constant_target() {
        return Ok(FittedRandomForest { trees: vec![Tree::leaf(target)] });
    }
    take_over(&grow(&samples, hyperparameters, seed)?)
}

fn grow(
    samples: &CheckedSamples,
    hyperparameters: &CheckedHyperparameters,
    seed: u64,
) -> Result<SmartcoreForest, FitError> {
    let forest = &hyperparameters.random_forest;
    let parameters = RandomForestRegressorParameters {
        // smartcore counts levels of nodes, the root included. Our depth counts splits, as scikit-learn's does.
        max_depth: Some(forest.depth_max + 1),
        min_samples_leaf: forest.leaf_samples_min,
        min_samples_split: forest.split_samples_min,
        n_trees: forest.n_trees,
        m: Some(forest.split_features),
        keep_samples: false,
        seed,
    };
    SmartcoreForest::fit(&samples.matrix()?, &samples.targets.to_vec(), parameters)
        .map_err(|error| FitError::Smartcore { reason: error.to_string() })
}

/// The serialised form of smartcore's forest.
#[derive(Deserialize)]
struct GrownForest {
    forest_regressor: GrownTrees,
}

#[derive(Deserialize)]
struct GrownTrees {
    trees: Vec<GrownForestTree>,
}

#[derive(Deserialize)]
struct GrownForestTree {
    nodes: Vec<GrownNode>,
}

#[derive(Deserialize)]
struct GrownNode {
    output: f64,
    split_feature: usize,
    split_value: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

fn take_over(grown: &SmartcoreForest) -> Result<FittedRandomForest, FitError> {
    let grown: GrownForest = open(grown)?;
    let take_over = |tree: &GrownForestTree| {
        Tree::take_over(0, &|at: usize| {
            let node = tree.nodes.get(at)?;
            // smartcore leaves a threshold without children in nodes at the largest depth.
            let split = match (node.split_value, node.true_child, node.false_child) {
                (Some(threshold), Some(below), Some(above)) => {
                    Some((node.split_feature, threshold, below, above))
                }
                _ => None,
            };
            Some(Grown { output: node.output, split })
        })
    };
    let trees = grown.forest_regressor.trees.iter().map(take_over).collect::<Result<_, _>>()?;
    Ok(FittedRandomForest { trees })
}

impl FittedRandomForest {
    /// Returns the mean output of the trees. Costs some 2–7 µs per hundred trees.
    ///
    /// # Errors
    /// When a feature is not finite.
    pub fn predict(&self, features: &FeatureRow) -> Result<f64, PredictError> {
        check_finite(features)?;
        // The sum runs from the first tree to the last: another order would round differently.
        let mut sum = 0.0;
        for tree in &self.trees {
            sum += tree.output(features);
        }
        Ok(sum / self.trees.len() as f64)
    }
}

impl TryFrom<Vec<Tree>> for FittedRandomForest {
    type Error = &'static str;

    fn try_from(trees: Vec<Tree>) -> Result<Self, &'static str> {
        if trees.is_empty() { Err("a forest has no trees") } else { Ok(Self { trees }) }
    }
}

impl From<FittedRandomForest> for Vec<Tree> {
    fn from(forest: FittedRandomForest) -> Self {
        forest.trees
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::CheckedSamples;
    use super::*;
    use crate::learning::synthetic;
    use crate::learning::table::N_FEATURES;

    fn samples(n: usize) -> (Vec<FeatureRow>, Vec<f64>) {
        let table = synthetic::table(n, 5);
        table.rows().iter().map(|row| (row.features, row.sharpen_strength)).unzip()
    }

    #[test]
    fn predictions_are_those_of_smartcore_to_the_bit() {
        let (features, targets) = samples(120);
        let hyperparameters = CheckedHyperparameters::default();
        let grown = grow(&CheckedSamples::check(&features, &targets).unwrap(), &hyperparameters, 9).unwrap();
        let ours = take_over(&grown).unwrap();
        let (unseen, _) = samples(77);
        let unseen: Vec<FeatureRow> = features.into_iter().chain(unseen).collect();
        let zeros = vec![0.0; unseen.len()];
        let theirs =
            grown.predict(&CheckedSamples::check(&unseen, &zeros).unwrap().matrix().unwrap()).unwrap();
        for (features, theirs) in unseen.iter().zip(theirs) {
            assert_eq!(ours.predict(features).unwrap().to_bits(), theirs.to_bits());
        }
    }

    #[test]
    fn a_step_is_learnt_exactly() {
        // 40 samples on each side: no bootstrap sample misses a side, and every tree splits between 0 and 1.
        let features: Vec<FeatureRow> = (0..80).map(|row| [f64::from(row % 2); N_FEATURES]).collect();
        let targets: Vec<f64> = (0..80).map(|row| if row % 2 == 0 { 0.5 } else { 2.0 }).collect();
        let forest = fit(&features, &targets, &CheckedHyperparameters::default(), 3).unwrap();
        assert_eq!(forest.predict(&[0.2; N_FEATURES]).unwrap(), 0.5);
        assert_eq!(forest.predict(&[0.9; N_FEATURES]).unwrap(), 2.0);
    }

    #[test]
    fn the_depth_counts_splits() {
        // Four steps need two levels of splits. One level leaves three of the four steps on one side.
        let features: Vec<FeatureRow> = (0..200).map(|row| [f64::from(row % 4); N_FEATURES]).collect();
        let targets: Vec<f64> = (0..200).map(|row| f64::from(row % 4)).collect();
        let predicted = |depth_max| {
            let mut hyperparameters = super::super::Hyperparameters::default();
            hyperparameters.random_forest.depth_max = depth_max;
            let forest = fit(&features, &targets, &hyperparameters.check().unwrap(), 3).unwrap();
            [0.0, 1.0, 2.0, 3.0].map(|feature| forest.predict(&[feature; N_FEATURES]).unwrap())
        };
        assert_eq!(predicted(2), [0.0, 1.0, 2.0, 3.0]);
        assert_ne!(predicted(1), [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn seeds_decide_and_nothing_else_does() {
        let (features, targets) = samples(60);
        let fit = |seed| fit(&features, &targets, &CheckedHyperparameters::default(), seed).unwrap();
        assert_eq!(fit(1), fit(1));
        assert_ne!(fit(1), fit(2));
    }
}
