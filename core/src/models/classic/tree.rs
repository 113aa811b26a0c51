//! One regression tree as a list of nodes in preorder.
//!
//! Files cannot hold smartcore's own trees. smartcore keeps its nodes private and stores what only a fit needs. It also
//! trusts what it deserialises: an index out of bounds panics in a prediction. Its boosted trees are nested boxes, so a
//! hostile file overflows the stack while it is read.
//!
//! So fitted trees are converted, through smartcore's serialised form, into this list. The check of the list makes
//! loading safe. The list's predictions equal smartcore's to the bit.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::samples::{FeatureRow, FitError};
use crate::learning::table::N_FEATURES;

/// A node of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum TreeNode {
    /// Ends the path with an output.
    Leaf(f64),
    /// Leads to the next node when the feature is at most the threshold, else to `right`.
    Split { feature: u8, threshold: f64, right: u32 },
}

/// A tree whose every path ends in a finite leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<TreeNode>", into = "Vec<TreeNode>")]
pub struct Tree {
    nodes: Vec<TreeNode>,
}

/// The nodes are not a tree.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("node {node} of {n_nodes} is not part of a tree")]
pub struct TreeError {
    /// Index of the node at fault.
    pub node: usize,
    /// Number of nodes.
    pub n_nodes: usize,
}

impl TryFrom<Vec<TreeNode>> for Tree {
    type Error = TreeError;

    /// Checks that paths lead strictly forward and stay inside the list. Then every path ends, and it ends in a leaf.
    fn try_from(nodes: Vec<TreeNode>) -> Result<Self, TreeError> {
        let n_nodes = nodes.len();
        let sound = |at: usize, node: &TreeNode| match *node {
            TreeNode::Leaf(output) => output.is_finite(),
            TreeNode::Split { feature, threshold, right } => {
                let right = right as usize;
                usize::from(feature) < N_FEATURES
                    && threshold.is_finite()
                    && right > at + 1
                    && right < n_nodes
            }
        };
        match nodes.iter().enumerate().position(|(at, node)| !sound(at, node)) {
            Some(node) => Err(TreeError { node, n_nodes }),
            None if nodes.is_empty() => Err(TreeError { node: 0, n_nodes }),
            None => Ok(Self { nodes }),
        }
    }
}

impl From<Tree> for Vec<TreeNode> {
    fn from(tree: Tree) -> Self {
        tree.nodes
    }
}

/// A node of a smartcore tree: an output, and a split where there is one.
pub(super) struct Grown<N> {
    pub(super) output: f64,
    /// Feature, threshold, the child at or below the threshold, the child above it.
    pub(super) split: Option<(usize, f64, N, N)>,
}

impl Tree {
    /// Returns the tree that is one leaf.
    pub(super) fn leaf(output: f64) -> Self {
        Self { nodes: vec![TreeNode::Leaf(output)] }
    }

    /// Converts a smartcore tree. `look` returns the node of a handle, and `root` is the handle of the first node. A split
    /// whose sides are leaves with equal outputs becomes a leaf: smartcore's forest also splits nodes with equal targets.
    pub(super) fn take_over<N>(root: N, look: &impl Fn(N) -> Option<Grown<N>>) -> Result<Self, FitError> {
        let mut nodes = Vec::new();
        take_over_node(root, look, &mut nodes)?;
        Self::try_from(nodes).map_err(|error| FitError::Smartcore { reason: error.to_string() })
    }

    /// Returns the output for `features`, which must be finite. Costs one comparison per level.
    pub(super) fn output(&self, features: &FeatureRow) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                TreeNode::Leaf(output) => return output,
                TreeNode::Split { feature, threshold, right } => {
                    let below = features[usize::from(feature)] <= threshold;
                    at = if below { at + 1 } else { right as usize };
                }
            }
        }
    }
}

/// Converts a node and everything below it, in preorder.
fn take_over_node<N>(
    node: N,
    look: &impl Fn(N) -> Option<Grown<N>>,
    nodes: &mut Vec<TreeNode>,
) -> Result<(), FitError> {
    let unlike = || FitError::Smartcore { reason: "a grown tree refers to what it does not have".to_owned() };
    let grown = look(node).ok_or_else(unlike)?;
    let at = nodes.len();
    nodes.push(TreeNode::Leaf(grown.output));
    let Some((feature, threshold, below, above)) = grown.split else { return Ok(()) };
    take_over_node(below, look, nodes)?;
    let right = u32::try_from(nodes.len()).map_err(|_| unlike())?;
    take_over_node(above, look, nodes)?;
    match nodes[at + 1..] {
        [TreeNode::Leaf(below), TreeNode::Leaf(above)] if below.to_bits() == above.to_bits() => {
            nodes.truncate(at);
            nodes.push(TreeNode::Leaf(below));
        }
        _ => {
            let feature = u8::try_from(feature).map_err(|_| unlike())?;
            nodes[at] = TreeNode::Split { feature, threshold, right };
        }
    }
    Ok(())
}

/// Reads a fitted smartcore model by the names of its private fields, which are those of the pinned version. If the
/// names change, the tests that compare predictions fail.
pub(super) fn open<M: Serialize, F: DeserializeOwned>(fitted: &M) -> Result<F, FitError> {
    serde_json::to_vec(fitted)
        .and_then(|json| serde_json::from_slice(&json))
        .map_err(|error| FitError::Smartcore { reason: format!("its trees have another form: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(feature: u8, threshold: f64, right: u32) -> TreeNode {
        TreeNode::Split { feature, threshold, right }
    }

    #[test]
    fn the_threshold_itself_goes_to_the_next_node() {
        let tree =
            Tree::try_from(vec![split(1, 2.0, 2), TreeNode::Leaf(10.0), TreeNode::Leaf(20.0)]).unwrap();
        let output = |feature| {
            let mut features = [0.0; N_FEATURES];
            features[1] = feature;
            tree.output(&features)
        };
        assert_eq!([output(1.0), output(2.0), output(2.5)], [10.0, 10.0, 20.0]);
    }

    #[test]
    fn nodes_that_would_loop_or_leave_the_tree_are_refused() {
        let leaf = TreeNode::Leaf(1.0);
        for (node, nodes) in [
            (0, vec![]),
            (0, vec![TreeNode::Leaf(f64::NAN)]),
            (0, vec![split(14, 0.0, 2), leaf, leaf]),
            (0, vec![split(0, f64::INFINITY, 2), leaf, leaf]),
            (0, vec![split(0, 0.0, 0), leaf, leaf]),
            (0, vec![split(0, 0.0, 1), leaf, leaf]),
            (0, vec![split(0, 0.0, 3), leaf, leaf]),
            (0, vec![split(0, 0.0, u32::MAX), leaf, leaf]),
            (2, vec![split(0, 0.0, 2), leaf, split(0, 0.0, 4)]),
        ] {
            let n_nodes = nodes.len();
            let bytes = postcard::to_stdvec(&nodes).unwrap();
            assert_eq!(Tree::try_from(nodes).unwrap_err(), TreeError { node, n_nodes });
            assert!(postcard::from_bytes::<Tree>(&bytes).is_err(), "serde must check as well");
        }
    }

    #[test]
    fn splits_that_decide_nothing_are_dropped() {
        // Node 0 splits into 1 and 2; 2 splits into 3 and 4, which agree.
        let look = |at: usize| {
            let children = [Some((1, 2)), None, Some((3, 4)), None, None];
            let outputs = [0.0, 7.0, 0.0, 9.0, 9.0];
            let split = children[at].map(|(below, above)| (at, 0.5, below, above));
            Some(Grown { output: outputs[at], split })
        };
        let tree = Tree::take_over(0, &look).unwrap();
        assert_eq!(tree.nodes, vec![split(0, 0.5, 2), TreeNode::Leaf(7.0), TreeNode::Leaf(9.0)]);
    }
}
