//! Consensus: the map that most matches agree with, found by random sampling (RANSAC, Fischler and Bolles 1981).
//!
//! Most of the matches may be wrong, so least squares over all of them would fail. Instead a map is fitted to a
//! random sample of 3 or 4 matches, again and again. The map of least cost wins. The cost is MSAC's (Torr and
//! Zisserman 2000): the sum of squared distances, each limited by the tolerance. So all wrong matches count the same.
//! A map that beats the best one is refitted to all matches that agree with it.
//!
//! Samples come from a seeded stream: the same matches give the same map.

use super::homography::{Homography, Point};
use crate::numeric::random::RandomStream;

/// Largest number of samples.
const TRIALS_MAX: usize = 1500;

/// Share of runs that may end before a sample without wrong matches was drawn.
const MISS: f64 = 1e-3;

/// Kind of a fitted map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapKind {
    /// Six numbers, determined by 3 matches.
    Affine,
    /// Eight numbers, determined by 4 matches.
    Projective,
}

impl MapKind {
    /// Number of matches that determine a map.
    fn n_sample(self) -> usize {
        match self {
            MapKind::Affine => 3,
            MapKind::Projective => 4,
        }
    }
}

/// Conditions of a fit.
struct Fitting<'a> {
    matches: &'a [(Point, Point)],
    /// Width and height of the frame for which a map must be plausible.
    size: (f64, f64),
    tolerance_px: f64,
    kind: MapKind,
}

/// Returns the map of least cost found for `matches`, plausible for a frame of `size` (width, height); `None` if
/// there is none. A match agrees with a map within `tolerance_px`.
pub(super) fn consensus(
    matches: &[(Point, Point)],
    size: (f64, f64),
    tolerance_px: f64,
    kind: MapKind,
    seed: u64,
) -> Option<Homography> {
    let n_sample = kind.n_sample();
    if matches.len() < n_sample {
        return None;
    }
    let fitting = Fitting { matches, size, tolerance_px, kind };
    // The stream is read in one thread. So the sequence of samples depends on the seed only.
    let mut random = RandomStream::new(seed);
    let mut best: Option<(f64, Homography)> = None;
    let mut trials = TRIALS_MAX;
    let mut trial = 0;
    while trial < trials {
        trial += 1;
        let mut sample = Vec::with_capacity(n_sample);
        // A match may be drawn twice. Such a sample determines no map, and `fit` refuses it.
        (0..n_sample).for_each(|_| sample.push(matches[random.below(matches.len())]));
        let Some(found) = fitting.fit(&sample) else { continue };
        let cost = fitting.cost(&found);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            // Refitting is slow, so it runs only for a map that beats the best one.
            let (cost, found) = fitting.improve(found, cost);
            // The more matches agree, the fewer samples are needed to hit a clean one.
            let share = inliers(&found, matches, tolerance_px).len() as f64 / matches.len() as f64;
            // The number may only fall: an earlier map with more agreeing matches has proven its share.
            trials = trials.min(trials_for(share, n_sample));
            best = Some((cost, found));
        }
    }
    best.map(|(_, found)| found)
}

/// Returns the number of samples after which one without wrong matches was drawn, except with probability [`MISS`]:
/// `ln MISS / ln(1 − share^n)`. A power of the share below 1.1e-16 gives 1. That takes more than 39 000 matches of which
/// hardly any agree.
fn trials_for(inlier_share: f64, n_sample: usize) -> usize {
    let clean = (0..n_sample).fold(1.0, |p, _| p * inlier_share);
    if clean >= 1.0 {
        1
    } else {
        (libm::log(MISS) / libm::log(1.0 - clean)).min(TRIALS_MAX as f64) as usize + 1
    }
}

impl Fitting<'_> {
    /// Fits a map to some matches; `None` if they determine none or it is not plausible.
    fn fit(&self, pairs: &[(Point, Point)]) -> Option<Homography> {
        let found = match self.kind {
            MapKind::Affine => Homography::fit_affine(pairs),
            MapKind::Projective => Homography::fit(pairs),
        };
        found.filter(|map| map.is_plausible(self.size.0, self.size.1))
    }

    /// Refits to the matches that agree, as long as that lowers the cost and at most eight times. Returns cost and
    /// map.
    fn improve(&self, found: Homography, cost_before: f64) -> (f64, Homography) {
        let mut best = (cost_before, found);
        for _ in 0..8 {
            let agreeing = inliers(&best.1, self.matches, self.tolerance_px);
            let Some(refitted) = self.fit(&agreeing) else { break };
            let cost = self.cost(&refitted);
            // The cost falls with every round, so the loop cannot go in a circle.
            if cost >= best.0 {
                break;
            }
            best = (cost, refitted);
        }
        best
    }

    /// Returns the sum of squared distances over all matches, each limited to the squared tolerance.
    fn cost(&self, map: &Homography) -> f64 {
        let limit = self.tolerance_px * self.tolerance_px;
        self.matches.iter().map(|pair| squared_error(map, pair).min(limit)).sum()
    }
}

/// Returns the squared distance between where a map moves a place and where its match lies.
fn squared_error(map: &Homography, (from, to): &(Point, Point)) -> f64 {
    // A place on or behind the horizon has no image. It counts as a wrong match at any tolerance.
    map.apply(*from).map_or(f64::MAX, |[x, y]| (x - to[0]) * (x - to[0]) + (y - to[1]) * (y - to[1]))
}

/// Returns the matches that agree with a map within `tolerance_px`.
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
        let found = consensus(&matches, (600.0, 400.0), 3.0, MapKind::Projective, 1).unwrap();
        for p in [[50.0, 50.0], [550.0, 50.0], [300.0, 200.0], [550.0, 350.0]] {
            let (a, b) = (found.apply(p).unwrap(), truth.apply(p).unwrap());
            assert!((a[0] - b[0]).abs() < 1.0 && (a[1] - b[1]).abs() < 1.0, "{a:?} {b:?}");
        }
        assert_eq!(consensus(&matches, (600.0, 400.0), 3.0, MapKind::Projective, 1), Some(found));
        assert_eq!(consensus(&matches[..3], (600.0, 400.0), 3.0, MapKind::Projective, 1), None);
        assert!(inliers(&found, &matches, 3.0).len() >= 30);
    }
}
