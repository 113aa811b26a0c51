//! The winner of a search. Threads cannot change it.

use super::SearchSpace;
use crate::metrics::Quality;

/// Returns the index of the best of `qualities` by uncapped score. Among equal scores the earliest wins.
///
/// # Panics
/// When `qualities` is empty.
pub fn best(qualities: &[Quality]) -> usize {
    assert!(!qualities.is_empty(), "a search has candidates");
    let mut winner = 0;
    for (i, quality) in qualities.iter().enumerate() {
        if quality.score() > qualities[winner].score() {
            winner = i;
        }
    }
    winner
}

/// Whether a candidate has the smallest or largest sigma or strength of its space, so that a wider space might hold a
/// better one. A candidate that does not sharpen lies on no edge.
pub fn is_on_edge(space: &SearchSpace, index: usize) -> bool {
    let sharpenings = || space.candidates().iter().filter_map(|c| c.parameters.sharpening());
    let Some(own) = space.candidates()[index].parameters.sharpening() else { return false };
    let outermost = |own: f64, values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        own == low || own == high
    };
    outermost(own.sigma, &mut sharpenings().map(|s| s.sigma))
        || outermost(own.strength, &mut sharpenings().map(|s| s.strength))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_candidate_needs_a_strictly_greater_score() {
        let q = |psnr| Quality { psnr, ssim: 0.5 };
        assert_eq!(best(&[q(20.0), q(30.0), q(30.0), q(25.0)]), 1);
        assert_eq!(best(&[q(f64::INFINITY), q(f64::INFINITY)]), 0);
    }

    #[test]
    fn the_edge_is_the_outermost_sigma_or_strength() {
        let space = SearchSpace::seed();
        let inner = space.candidates().iter().position(|c| c.name == "none/1/1").unwrap();
        let edge = space.candidates().iter().position(|c| c.name == "none/1/2.5").unwrap();
        assert!(!is_on_edge(&space, inner) && is_on_edge(&space, edge) && is_on_edge(&space, 0));
    }
}
