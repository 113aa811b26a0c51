//! Grows one extremely randomised tree for several targets at once.
//!
//! At each node some features are drawn. For each of them one threshold is drawn evenly between the feature's least and
//! largest number in the node. The tree keeps the split that lowers the summed squared error of all targets the most.
//! Source: Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006. Drawing follows
//! scikit-learn's `ExtraTreesRegressor`: features that are constant in the node count as drawn. If all drawn features
//! are constant, drawing goes on until one varies.
//!
//! A node is a range of one list of rows. A split partitions its range in place, so that the sides are ranges too:
//!
//! ```text
//! rows    | … | 2  5  7  8  9 | … |     the node's range from..to; rows 5 and 9 lie above the threshold
//!               from            to
//! split   | … | 2  7  8 | 5  9 | … |    both sides keep their order
//!               from    middle  to
//! ```

use super::hyperparameters::WeightForestHyperparameters;
use super::rows::NumberRows;
use super::tree::{RowNode, RowTree, link};
use crate::numeric::random::RandomStream;

/// The data that all trees of one fit share: rows, targets and the limits of growing.
pub(super) struct ForestFit<'a> {
    targets: &'a NumberRows,
    sample_weights: &'a [f32],
    /// Rows with a weight above 0, ascending.
    rows: Vec<u32>,
    /// Features, one vector per column: the search for a split reads one column at a time.
    columns: Vec<Vec<f32>>,
    /// Pulls, shape `(n_rows, n_outputs)`: weight · (target − weighted mean of the target). Sums of pulls stay small
    /// for any mean, so differences between sums keep their digits.
    pulls: Vec<f64>,
    n_split_features: usize,
    leaf_samples_min: usize,
    depth_max: usize,
}

impl<'a> ForestFit<'a> {
    /// Prepares a fit. The caller has checked features, targets and weights: equal in number, at least one weight
    /// positive.
    pub(super) fn new(
        features: &NumberRows,
        targets: &'a NumberRows,
        sample_weights: &'a [f32],
        hyperparameters: &WeightForestHyperparameters,
    ) -> Self {
        let rows: Vec<u32> =
            (0..features.n_rows()).filter(|&row| sample_weights[row] > 0.0).map(|row| row as u32).collect();
        let column = |column| (0..features.n_rows()).map(|row| features.number(row, column)).collect();
        Self {
            pulls: pulls(targets, sample_weights),
            targets,
            sample_weights,
            rows,
            columns: (0..features.n_columns()).map(column).collect(),
            n_split_features: hyperparameters.n_split_features(features.n_columns()),
            leaf_samples_min: hyperparameters.leaf_samples_min,
            depth_max: hyperparameters.depth_max.map_or(usize::MAX, usize::from),
        }
    }

    /// Grows one tree. Takes some 10 ms for 1500 rows of 100 features with 120 targets: each level costs less than
    /// `n_rows · n_split_features · n_outputs / 2` additions.
    pub(super) fn grow(&self, seed: u64) -> RowTree {
        let n_outputs = self.targets.n_columns();
        let mut grower = TreeGrower {
            fit: self,
            random: RandomStream::new(seed),
            rows: self.rows.clone(),
            above: Vec::new(),
            features: (0..self.columns.len()).collect(),
            node_sums: vec![0.0; n_outputs],
            side_sums: vec![0.0; n_outputs],
        };
        let nodes = grower.grow();
        RowTree::grown(nodes, grower.rows)
    }

    /// Returns the pulls of one row, one per target.
    fn pull(&self, row: u32) -> &[f64] {
        let n_outputs = self.targets.n_columns();
        &self.pulls[row as usize * n_outputs..][..n_outputs]
    }

    fn weight(&self, row: u32) -> f64 {
        f64::from(self.sample_weights[row as usize])
    }

    /// Returns whether all rows have equal targets. No split of such a node lowers the error.
    fn is_pure(&self, rows: &[u32]) -> bool {
        let first = self.targets.row(rows[0] as usize);
        rows.iter().all(|&row| self.targets.row(row as usize) == first)
    }
}

/// Computes the pulls of all rows, row after row.
fn pulls(targets: &NumberRows, sample_weights: &[f32]) -> Vec<f64> {
    let mut total = 0.0;
    let mut means = vec![0.0; targets.n_columns()];
    for (row, &weight) in targets.iter().zip(sample_weights) {
        let weight = f64::from(weight);
        total += weight;
        for (mean, &target) in means.iter_mut().zip(row) {
            *mean += weight * f64::from(target);
        }
    }
    // At least one weight is positive, so the total is not 0.
    means.iter_mut().for_each(|mean| *mean /= total);
    let pull = |(row, &weight): (&[f32], &f32)| -> Vec<f64> {
        row.iter().zip(&means).map(|(&target, mean)| f64::from(weight) * (f64::from(target) - mean)).collect()
    };
    targets.iter().zip(sample_weights).flat_map(pull).collect()
}

/// One tree while it grows, with buffers that all its nodes reuse.
struct TreeGrower<'a> {
    fit: &'a ForestFit<'a>,
    random: RandomStream,
    /// All rows of the fit. Each node owns a range of them, ascending in the range.
    rows: Vec<u32>,
    /// Buffer of a partition: the rows above the threshold.
    above: Vec<u32>,
    /// Indices of all features. Drawing swaps the drawn ones to the front, so no feature is drawn twice.
    features: Vec<usize>,
    /// Sums of pulls over the rows of a node, one per target.
    node_sums: Vec<f64>,
    /// Sums of pulls over the rows of one side of a split, one per target.
    side_sums: Vec<f64>,
}

/// A node that is still to be grown.
struct PendingNode {
    /// First row of its range.
    from: usize,
    /// End of its range, exclusive.
    to: usize,
    /// Number of splits between the root and this node.
    depth: usize,
    /// Index of the split whose right side this node is; `None` for the root and for left sides.
    right_of: Option<usize>,
}

/// A drawn split: rows go left when their number of the feature is at most the threshold.
#[derive(Clone, Copy)]
struct DrawnSplit {
    feature: usize,
    threshold: f32,
}

impl TreeGrower<'_> {
    /// Grows all nodes and returns them in preorder. A stack replaces recursion, because a tree may be as deep as it
    /// has rows. The right side is pushed before the left one, so the left one is grown first.
    fn grow(&mut self) -> Vec<RowNode> {
        let mut nodes = Vec::new();
        let mut pending = vec![PendingNode { from: 0, to: self.rows.len(), depth: 0, right_of: None }];
        while let Some(PendingNode { from, to, depth, right_of }) = pending.pop() {
            let at = nodes.len();
            if let Some(split) = right_of {
                link(&mut nodes[split], at);
            }
            if let Some(split) = self.find_split(from, to, depth) {
                let middle = self.partition(from, to, split);
                nodes.push(RowNode::Split {
                    // A fit has at most 65,535 features, so every index fits in 16 bits.
                    feature: split.feature as u16,
                    threshold: split.threshold,
                    // The index of the right side is not known yet. `link` sets it when that side begins.
                    right: 0,
                });
                pending.push(PendingNode { from: middle, to, depth: depth + 1, right_of: Some(at) });
                pending.push(PendingNode { from, to: middle, depth: depth + 1, right_of: None });
            } else {
                nodes.push(RowNode::Leaf { from: from as u32, to: to as u32 });
            }
        }
        nodes
    }

    /// Returns the best of the drawn splits, among equals the first drawn. Returns `None` when the node becomes a leaf.
    fn find_split(&mut self, from: usize, to: usize, depth: usize) -> Option<DrawnSplit> {
        let fit = self.fit;
        let rows = &self.rows[from..to];
        // Both sides need the least number of rows of a leaf, so the node needs twice that number.
        if rows.len() / 2 < fit.leaf_samples_min || depth >= fit.depth_max || fit.is_pure(rows) {
            return None;
        }
        sum_pulls(fit, rows.iter().copied(), &mut self.node_sums);
        let mut best = None;
        let mut best_reduction = f64::NEG_INFINITY;
        let mut any_varies = false;
        for drawn in 0..self.features.len() {
            if drawn >= fit.n_split_features && any_varies {
                break;
            }
            // Fisher and Yates: the next feature comes from those not drawn yet. Any order at the start is right, so
            // nodes need no reset.
            let other = drawn + self.random.below(self.features.len() - drawn);
            self.features.swap(drawn, other);
            let feature = self.features[drawn];
            // A constant feature counts as drawn, as in scikit-learn.
            let Some((least, largest)) = range(&fit.columns[feature], rows) else { continue };
            any_varies = true;
            let threshold = threshold(least, largest, self.random.uniform());
            let split = DrawnSplit { feature, threshold };
            let reduction = reduction(fit, rows, split, &self.node_sums, &mut self.side_sums);
            if let Some(reduction) = reduction.filter(|&reduction| reduction > best_reduction) {
                best_reduction = reduction;
                best = Some(split);
            }
        }
        best
    }

    /// Partitions the node's rows: first those at most the threshold, then those above it. Rows keep their order.
    /// Returns the index of the first row above the threshold.
    fn partition(&mut self, from: usize, to: usize, split: DrawnSplit) -> usize {
        let column = &self.fit.columns[split.feature];
        self.above.clear();
        // Rows of the left side move to the front at once. `middle` never passes `at`, so no unread row is overwritten.
        let mut middle = from;
        for at in from..to {
            let row = self.rows[at];
            if column[row as usize] <= split.threshold {
                self.rows[middle] = row;
                middle += 1;
            } else {
                self.above.push(row);
            }
        }
        self.rows[middle..to].copy_from_slice(&self.above);
        middle
    }
}

/// Returns the least and the largest number of a column among `rows`, or `None` when they are equal.
fn range(column: &[f32], rows: &[u32]) -> Option<(f32, f32)> {
    let first = column[rows[0] as usize];
    // Tables hold only finite numbers, so plain comparisons order them.
    let (mut least, mut largest) = (first, first);
    for &row in rows {
        let number = column[row as usize];
        least = if number < least { number } else { least };
        largest = if number > largest { number } else { largest };
    }
    (least < largest).then_some((least, largest))
}

/// Returns the threshold at `share` of the way from `least` to `largest`, always below `largest`. Rounding to `f32`
/// could reach `largest`, and then no row would lie above the threshold: `least` is returned instead.
fn threshold(least: f32, largest: f32, share: f64) -> f32 {
    // The difference of two f32 may exceed the range of f32. In f64 it is finite.
    let (from, to) = (f64::from(least), f64::from(largest));
    let threshold = (from + share * (to - from)) as f32;
    if threshold < largest { threshold } else { least }
}

/// Returns by how much a split lowers the weighted squared error, summed over all targets. Returns `None` when a side
/// has fewer rows than a leaf needs.
///
/// With w the weights and s the sums of pulls, the error falls by `Σ s²/w` of both sides less `s²/w` of the node. For
/// each target this equals `(s_side − s_node·w_side/w_node)² · w_node / (w_side·w_other)`, for either side. So the sums
/// of one side suffice, and those of the smaller side cost least. No large numbers cancel.
fn reduction(
    fit: &ForestFit,
    rows: &[u32],
    split: DrawnSplit,
    node_sums: &[f64],
    side_sums: &mut [f64],
) -> Option<f64> {
    let column = &fit.columns[split.feature];
    let is_below = |row: u32| column[row as usize] <= split.threshold;
    let (mut n_below, mut weight_below, mut weight_above) = (0, 0.0, 0.0);
    for &row in rows {
        let weight = fit.weight(row);
        if is_below(row) {
            n_below += 1;
            weight_below += weight;
        } else {
            weight_above += weight;
        }
    }
    let n_above = rows.len() - n_below;
    if n_below.min(n_above) < fit.leaf_samples_min {
        return None;
    }
    // The formula gives the same for either side, so the side with fewer rows is summed.
    let sum_below = n_below <= n_above;
    let (weight, other) = if sum_below { (weight_below, weight_above) } else { (weight_above, weight_below) };
    sum_pulls(fit, rows.iter().copied().filter(|&row| is_below(row) == sum_below), side_sums);
    let share = weight / (weight + other);
    let squares = side_sums.iter().zip(node_sums).map(|(side, node)| side - share * node);
    let squares: f64 = squares.map(|excess| excess * excess).sum();
    // The threshold lies at or above the least number and below the largest. So both sides have weight, and neither
    // divisor is 0.
    Some(squares * (weight + other) / (weight * other))
}

/// Sums the pulls of `rows` into `sums`, one sum per target, from the first row to the last.
fn sum_pulls(fit: &ForestFit, rows: impl Iterator<Item = u32>, sums: &mut [f64]) {
    // Rows of a node are ascending. The additions have one fixed order, so their rounding is the same in each run.
    sums.fill(0.0);
    for row in rows {
        for (sum, pull) in sums.iter_mut().zip(fit.pull(row)) {
            *sum += pull;
        }
    }
}
