//! The map that most matches agree on (Fischler and Bolles' random sampling, scored as MSAC, Torr and Zisserman 2000),
//! refitted on all that agree. Seeded: the same matches give the same map.

use super::homography::{Homography, Point};
use crate::numeric::random::RandomStream;

/// Samples tried at most.
const TRIALS_MAX: usize = 1500;

/// The share of runs that may miss an all-inlier sample.
const MISS: f64 = 1e-3;

/// What is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Affine,
    Projective,
}

impl Model {
    fn fit(self, pairs: &[(Point, Point)]) -> Option<Homography> {
        match self {
            Model::Affine => Homography::fit_affine(pairs),
            Model::Projective => Homography::fit(pairs),
        }
    }
}

/// A map that is plausible for a frame of `size` and that agrees with as many matches as can be, within
/// `tolerance_px`; `None` when there is none.
pub(super) fn consensus(
    matches: &[(Point, Point)],
    size: (f64, f64),
    tolerance_px: f64,
    model: Model,
    seed: u64,
) -> Option<Homography> {
    let n_sample = if model == Model::Affine { 3 } else { 4 };
    if matches.len() < n_sample {
        return None;
    }
    let mut random = RandomStream::new(seed);
    let mut best: Option<(f64, Homography)> = None;
    let mut trials = TRIALS_MAX;
    let mut trial = 0;
    while trial < trials {
        trial += 1;
        let mut sample = Vec::with_capacity(n_sample);
        (0..n_sample).for_each(|_| sample.push(matches[random.below(matches.len())]));
        let Some(found) = model.fit(&sample).filter(|m| m.is_plausible(size.0, size.1)) else { continue };
        let cost = cost(&found, matches, tolerance_px);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            let (cost, found) = improve(found, cost, matches, size, tolerance_px, model);
            let share = inliers(&found, matches, tolerance_px).len() as f64 / matches.len() as f64;
            trials = trials.min(trials_for(share, n_sample));
            best = Some((cost, found));
        }
    }
    best.map(|(_, found)| found)
}

/// Samples after which one without outliers was drawn but for [`MISS`].
fn trials_for(inlier_share: f64, n_sample: usize) -> usize {
    let clean = (0..n_sample).fold(1.0, |p, _| p * inlier_share);
    if clean >= 1.0 {
        1
    } else {
        (libm::log(MISS) / libm::log(1.0 - clean)).min(TRIALS_MAX as f64) as usize + 1
    }
}

/// Refits on the inliers while that lowers the cost.
fn improve(
    found: Homography,
    cost_before: f64,
    matches: &[(Point, Point)],
    size: (f64, f64),
    tolerance_px: f64,
    model: Model,
) -> (f64, Homography) {
    let mut best = (cost_before, found);
    for _ in 0..8 {
        let agreeing = inliers(&best.1, matches, tolerance_px);
        let Some(refitted) = model.fit(&agreeing).filter(|m| m.is_plausible(size.0, size.1)) else { break };
        let cost = cost(&refitted, matches, tolerance_px);
        if cost >= best.0 {
            break;
        }
        best = (cost, refitted);
    }
    best
}

/// Squared distances, each at most the tolerance's.
fn cost(map: &Homography, matches: &[(Point, Point)], tolerance_px: f64) -> f64 {
    let limit = tolerance_px * tolerance_px;
    matches.iter().map(|pair| squared_error(map, pair).min(limit)).sum()
}

fn squared_error(map: &Homography, (from, to): &(Point, Point)) -> f64 {
    map.apply(*from).map_or(f64::MAX, |[x, y]| (x - to[0]) * (x - to[0]) + (y - to[1]) * (y - to[1]))
}

/// The matches that a map agrees with.
pub(super) fn inliers(
    map: &Homography,
    matches: &[(Point, Point)],
    tolerance_px: f64,
) -> Vec<(Point, Point)> {
    let limit = tolerance_px * tolerance_px;
    matches.iter().copied().filter(|pair| squared_error(map, pair) <= limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_true_matches_is_enough() {
        let truth = Homography([[1.03, 0.08, -9.0], [-0.06, 0.96, 14.0], [8e-5, -4e-5, 1.0]]);
        let mut random = RandomStream::new(7);
        let mut place = |n: usize| random.below(n * 100) as f64 / 100.0;
        let matches: Vec<_> = (0..90)
            .map(|i| {
                let from = [place(600), place(400)];
                let to = truth.apply(from).unwrap();
                let noise = [place(1) - 0.5, place(1) - 0.5];
                (
                    from,
                    if i % 3 == 0 { [to[0] + noise[0], to[1] + noise[1]] } else { [place(600), place(400)] },
                )
            })
            .collect();
        let found = consensus(&matches, (600.0, 400.0), 3.0, Model::Projective, 1).unwrap();
        for p in [[50.0, 50.0], [550.0, 50.0], [300.0, 200.0], [550.0, 350.0]] {
            let (a, b) = (found.apply(p).unwrap(), truth.apply(p).unwrap());
            assert!((a[0] - b[0]).abs() < 1.0 && (a[1] - b[1]).abs() < 1.0, "{a:?} {b:?}");
        }
        assert_eq!(consensus(&matches, (600.0, 400.0), 3.0, Model::Projective, 1), Some(found));
        assert_eq!(consensus(&matches[..3], (600.0, 400.0), 3.0, Model::Projective, 1), None);
        assert!(inliers(&found, &matches, 3.0).len() >= 30);
    }
}
