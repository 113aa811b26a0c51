//! Matches: pairs of described keypoints, one from each picture. Each keypoint is the other's best match, and clearly
//! better than the second best (Lowe's ratio).

use super::{
    descriptors::{DescribedPlace, Descriptor, LENGTH},
    homography::Point,
};

/// Largest ratio of the best distance to the second best.
const RATIO: f32 = 0.85;

/// Distance in pixels within which a second best counts as the same place described twice.
const SAME_PLACE_PX: f64 = 3.0;

/// Returns matches `(place in a, place in b)` in the order of `a`, each once. Cost: one product of 128 numbers per
/// pair.
pub(super) fn matches(a: &[DescribedPlace], b: &[DescribedPlace]) -> Vec<(Point, Point)> {
    let likeness: Vec<f32> =
        a.iter().flat_map(|a| b.iter().map(|b| product(&a.descriptor, &b.descriptor))).collect();
    let mut best_of_b = vec![(f32::MIN, 0); b.len()];
    for (i, row) in likeness.chunks_exact(b.len().max(1)).enumerate() {
        for (best, &value) in best_of_b.iter_mut().zip(row) {
            if value > best.0 {
                *best = (value, i);
            }
        }
    }
    let mut found: Vec<(Point, Point)> = Vec::new();
    for (i, row) in likeness.chunks_exact(b.len().max(1)).enumerate() {
        let Some((j, best)) = best_of(row.iter().copied().enumerate()) else { continue };
        let elsewhere =
            |&(k, _): &(usize, f32)| (b[k].x - b[j].x).abs() + (b[k].y - b[j].y).abs() > SAME_PLACE_PX;
        let second =
            best_of(row.iter().copied().enumerate().filter(elsewhere)).map_or(0.0, |(_, value)| value);
        // Vectors of length 1 have the squared distance 2·(1 − product), so the ratio of distances is squared too.
        let is_clear = 1.0 - best < RATIO * RATIO * (1.0 - second);
        let pair = ([a[i].x, a[i].y], [b[j].x, b[j].y]);
        if best_of_b[j].1 == i && is_clear && !found.contains(&pair) {
            found.push(pair);
        }
    }
    found
}

/// Returns the first of the largest values, with its index.
fn best_of(values: impl Iterator<Item = (usize, f32)>) -> Option<(usize, f32)> {
    values.fold(None, |best, (i, value)| match best {
        Some((_, highest)) if highest >= value => best,
        _ => Some((i, value)),
    })
}

/// Returns the scalar product, added in sixteen lanes in a fixed order, which vectorises.
fn product(a: &Descriptor, b: &Descriptor) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    for k in 0..LENGTH / LANES {
        let (a, b) = (&a[k * LANES..][..LANES], &b[k * LANES..][..LANES]);
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a place with a descriptor of these two elements.
    fn feature(x: f64, elements: [(usize, f32); 2]) -> DescribedPlace {
        let mut descriptor = [0.0; LENGTH];
        elements.iter().for_each(|&(at, value)| descriptor[at] = value);
        DescribedPlace { x, y: 0.0, descriptor }
    }

    #[test]
    fn only_clear_and_mutual_pairs_match() {
        let a = [
            feature(1.0, [(0, 1.0), (1, 0.0)]),
            feature(2.0, [(5, 0.8), (6, 0.6)]),
            feature(3.0, [(9, 0.8), (10, 0.6)]),
        ];
        let b = [
            feature(10.0, [(0, 0.99), (1, 0.14)]),
            // Two places that resemble the second of `a` equally.
            feature(20.0, [(5, 1.0), (7, 0.0)]),
            feature(60.0, [(5, 1.0), (8, 0.0)]),
            // Two descriptors of one place that resemble the third of `a` equally.
            feature(30.0, [(9, 1.0), (7, 0.0)]),
            feature(31.0, [(9, 1.0), (8, 0.0)]),
        ];
        assert_eq!(matches(&a, &b), [([1.0, 0.0], [10.0, 0.0]), ([3.0, 0.0], [30.0, 0.0])]);
        assert!(matches(&a, &[]).is_empty() && matches(&[], &b).is_empty());
    }
}
