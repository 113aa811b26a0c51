//! One tree whose leaves hold training rows, as a list of nodes in preorder: a split, its left side, its right side.
//!
//! ```text
//!        split A                nodes   A  leaf 1  B  leaf 2  leaf 3
//!       /       \               left side of A: the next node; right side of A: node 2
//!   leaf 1    split B           rows    | of leaf 1 | of leaf 2 | of leaf 3 |
//!             /     \
//!         leaf 2   leaf 3
//! ```
//!
//! The serialised form stores no indices of children: a list of splits and leaves in preorder is exactly one tree, or
//! it is refused. So a file is read in one pass without recursion, every tree that is read is sound, and the form
//! compresses well.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A node of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RowNode {
    /// Holds the tree's rows `from..to`, at least one.
    Leaf { from: u32, to: u32 },
    /// Leads to the next node when the feature is at most the threshold, else to node `right`.
    Split { feature: u16, threshold: f32, right: u32 },
}

/// A tree whose every path ends in a leaf with rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RowTreeForm", into = "RowTreeForm")]
pub(super) struct RowTree {
    nodes: Vec<RowNode>,
    /// Training rows, leaf after leaf, ascending in each leaf.
    rows: Vec<u32>,
}

/// The serialised form of a tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RowTreeForm {
    /// For each node in preorder 0 for a leaf, else the split feature plus 1.
    pub(super) kinds: Vec<u16>,
    /// Thresholds of the splits, in preorder.
    pub(super) thresholds: Vec<f32>,
    /// Number of rows of each leaf, in preorder.
    pub(super) leaf_sizes: Vec<u32>,
    /// Rows of all leaves, leaf after leaf.
    pub(super) rows: Vec<u32>,
}

/// The serialised form is not a tree.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum RowTreeError {
    /// Too few or too many nodes, thresholds, leaf sizes or rows for one tree.
    #[error("{n_nodes} nodes with {n_rows} rows do not make one tree")]
    Shape { n_nodes: usize, n_rows: usize },
    /// A threshold is not finite.
    #[error("the threshold of node {node} is not finite")]
    Threshold { node: usize },
    /// A leaf has no rows, or they are not ascending.
    #[error("the rows of leaf node {node} are not an ascending list of at least one")]
    Leaf { node: usize },
}

impl RowTree {
    /// Makes a tree of grown nodes and their rows.
    pub(super) fn grown(nodes: Vec<RowNode>, rows: Vec<u32>) -> Self {
        Self { nodes, rows }
    }

    /// Returns the rows of the leaf that `features` lead to. There must be as many features as in the fit. Costs one
    /// comparison per level.
    pub(super) fn leaf(&self, features: &[f32]) -> &[u32] {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                RowNode::Leaf { from, to } => return &self.rows[from as usize..to as usize],
                RowNode::Split { feature, threshold, right } => {
                    // Both sides of a split have larger indices than the split, so the loop ends.
                    let below = features[usize::from(feature)] <= threshold;
                    at = if below { at + 1 } else { right as usize };
                }
            }
        }
    }

    /// Returns the rows of all leaves.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Returns the largest index of a feature that a split compares; `None` for a tree of one leaf.
    pub(super) fn feature_max(&self) -> Option<u16> {
        let feature = |node: &RowNode| match *node {
            RowNode::Split { feature, .. } => Some(feature),
            RowNode::Leaf { .. } => None,
        };
        self.nodes.iter().filter_map(feature).max()
    }

    #[cfg(test)]
    pub(super) fn leaves(&self) -> impl Iterator<Item = &[u32]> {
        self.nodes.iter().filter_map(|node| match *node {
            RowNode::Leaf { from, to } => Some(&self.rows[from as usize..to as usize]),
            RowNode::Split { .. } => None,
        })
    }
}

impl TryFrom<RowTreeForm> for RowTree {
    type Error = RowTreeError;

    fn try_from(form: RowTreeForm) -> Result<Self, RowTreeError> {
        let shape = || RowTreeError::Shape { n_nodes: form.kinds.len(), n_rows: form.rows.len() };
        // The casts to 32 bits below are safe after this check.
        if u32::try_from(form.kinds.len()).is_err() || u32::try_from(form.rows.len()).is_err() {
            return Err(shape());
        }
        let (mut thresholds, mut leaf_sizes) = (form.thresholds.iter(), form.leaf_sizes.iter());
        let mut nodes = Vec::with_capacity(form.kinds.len());
        let mut from = 0;
        // Stack of splits whose right side has not begun. The node after a leaf begins the right side of the topmost
        // split.
        let mut open: Vec<usize> = Vec::new();
        let mut complete = false;
        for (node, &kind) in form.kinds.iter().enumerate() {
            // A leaf without an open split has closed the tree. A further node would belong to no split.
            if complete {
                return Err(shape());
            }
            if let Some(feature) = kind.checked_sub(1) {
                let threshold = *thresholds.next().ok_or_else(shape)?;
                if !threshold.is_finite() {
                    return Err(RowTreeError::Threshold { node });
                }
                open.push(node);
                // The right side begins after the last leaf of the left side, which is not read yet.
                nodes.push(RowNode::Split { feature, threshold, right: 0 });
            } else {
                let size = *leaf_sizes.next().ok_or_else(shape)?;
                // A forged size must not pass the end of the rows, so the slice is checked.
                let rows = form.rows[from..].get(..size as usize).ok_or_else(shape)?;
                if rows.is_empty() || !rows.is_sorted_by(|one, next| one < next) {
                    return Err(RowTreeError::Leaf { node });
                }
                nodes.push(RowNode::Leaf { from: from as u32, to: from as u32 + size });
                from += size as usize;
                match open.pop() {
                    Some(split) => link(&mut nodes[split], node + 1),
                    None => complete = true,
                }
            }
        }
        // Numbers left over belong to no node. The form is then not exactly one tree.
        let used_up =
            thresholds.as_slice().is_empty() && leaf_sizes.as_slice().is_empty() && from == form.rows.len();
        if complete && used_up { Ok(Self { nodes, rows: form.rows }) } else { Err(shape()) }
    }
}

/// Sets where the right side of a split begins.
pub(super) fn link(split: &mut RowNode, at: usize) {
    if let RowNode::Split { right, .. } = split {
        *right = at as u32;
    }
}

impl From<RowTree> for RowTreeForm {
    fn from(tree: RowTree) -> Self {
        let (mut kinds, mut thresholds, mut leaf_sizes) = (Vec::new(), Vec::new(), Vec::new());
        for node in tree.nodes {
            match node {
                RowNode::Leaf { from, to } => {
                    kinds.push(0);
                    leaf_sizes.push(to - from);
                }
                RowNode::Split { feature, threshold, .. } => {
                    kinds.push(feature + 1);
                    thresholds.push(threshold);
                }
            }
        }
        Self { kinds, thresholds, leaf_sizes, rows: tree.rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree that splits by feature 1 at 2.0, and its right side by feature 0 at −1.0.
    fn form() -> RowTreeForm {
        RowTreeForm {
            kinds: vec![2, 0, 1, 0, 0],
            thresholds: vec![2.0, -1.0],
            leaf_sizes: vec![2, 1, 1],
            rows: vec![0, 3, 1, 2],
        }
    }

    #[test]
    fn the_threshold_itself_goes_to_the_next_node() {
        let tree = RowTree::try_from(form()).unwrap();
        let leaf = |first, second| tree.leaf(&[first, second]).to_vec();
        assert_eq!([leaf(9.0, 1.0), leaf(9.0, 2.0)], [[0, 3], [0, 3]]);
        assert_eq!([leaf(-1.0, 2.5), leaf(-0.5, 2.5)], [[1], [2]]);
        assert_eq!(tree.feature_max(), Some(1));
        let bytes = postcard::to_stdvec(&tree).unwrap();
        assert_eq!(postcard::from_bytes::<RowTree>(&bytes).unwrap(), tree);
    }

    #[test]
    fn what_is_not_one_tree_is_refused() {
        let refused = |change: &dyn Fn(&mut RowTreeForm)| {
            let mut form = form();
            change(&mut form);
            let bytes = postcard::to_stdvec(&form).unwrap();
            assert!(postcard::from_bytes::<RowTree>(&bytes).is_err(), "serde must check as well");
            RowTree::try_from(form).unwrap_err()
        };
        let shape = |n_nodes, n_rows| RowTreeError::Shape { n_nodes, n_rows };
        assert_eq!(refused(&|form| form.kinds.truncate(4)), shape(4, 4));
        assert_eq!(refused(&|form| form.kinds.clear()), shape(0, 4));
        assert_eq!(refused(&|form| form.kinds.push(0)), shape(6, 4));
        assert_eq!(refused(&|form| form.kinds[4] = 1), shape(5, 4));
        assert_eq!(refused(&|form| form.thresholds.truncate(1)), shape(5, 4));
        assert_eq!(refused(&|form| form.thresholds.push(0.0)), shape(5, 4));
        assert_eq!(refused(&|form| form.leaf_sizes.truncate(2)), shape(5, 4));
        assert_eq!(refused(&|form| form.leaf_sizes.push(1)), shape(5, 4));
        assert_eq!(refused(&|form| form.leaf_sizes[2] = u32::MAX), shape(5, 4));
        assert_eq!(refused(&|form| form.rows.push(4)), shape(5, 5));
        assert_eq!(refused(&|form| form.thresholds[1] = f32::NAN), RowTreeError::Threshold { node: 2 });
        assert_eq!(refused(&|form| form.leaf_sizes[1] = 0), RowTreeError::Leaf { node: 3 });
        assert_eq!(refused(&|form| form.rows[1] = 0), RowTreeError::Leaf { node: 1 });
    }

    #[test]
    fn a_chain_of_any_length_is_read_without_recursion() {
        let n = 100_000;
        let mut kinds = vec![1; n];
        kinds.resize(2 * n + 1, 0);
        let rows: Vec<u32> = (0..=n as u32).collect();
        let form = RowTreeForm { kinds, thresholds: vec![0.0; n], leaf_sizes: vec![1; n + 1], rows };
        let tree = RowTree::try_from(form).unwrap();
        assert_eq!([tree.leaf(&[0.0]), tree.leaf(&[1.0])], [&[0][..], &[n as u32]]);
    }
}
