//! Refinement of a map by small steps that raise the correlation of two planes. Source: Evangelidis and Psarakis,
//! *Parametric image alignment using enhanced correlation coefficient maximization*, 2008 (ECC, the forward additive
//! form).
//!
//! Keypoints are few, so a map from keypoints is only near the right one. A step uses the samples of up to 12,000 steep
//! places. r and d are the reference's and the damaged picture's samples, minus their means. G is the matrix of
//! derivatives of r by the eight numbers of the map. The best change of these numbers to first order is
//!
//! ```text
//!   δ = (GᵀG)⁻¹ · Gᵀ(λ·d − r)      λ = (|r|² − rᵀP·r) / (dᵀr − dᵀP·r)      P = G·(GᵀG)⁻¹·Gᵀ
//! ```
//!
//! The factor λ compensates a difference in contrast. Subtracting the means compensates a difference in brightness.

use super::{homography::Homography, plane::Plane};
use crate::numeric::linear::solve;

/// Largest number of steps on a level.
const STEPS: usize = 12;

/// Largest number of places used on a level: those with the steepest gradients.
const PLACES_MAX: usize = 12_000;

/// Smallest share of the places that both pictures must show.
const OVERLAP_MIN: f64 = 0.25;

/// Level of the pyramid: two planes of one size, with the reference's gradients and the places used.
pub(super) struct PyramidLevel {
    damaged: Plane,
    reference: Plane,
    across: Plane,
    down: Plane,
    /// Indices of the damaged plane's samples.
    places: Vec<u32>,
}

impl PyramidLevel {
    pub fn new(damaged: Plane, reference: Plane) -> Self {
        let (across, down) = reference.gradients();
        let places = steepest(&damaged);
        Self { damaged, reference, across, down, places }
    }

    /// Refines `map` (damaged → reference, in this level's pixels). `None` when no step can be computed, or the
    /// result is not plausible.
    pub fn climb(&self, map: &Homography) -> Option<Homography> {
        // In coordinates from −1 to 1 all eight numbers of a map have about the same size, so the equations are well
        // conditioned.
        let half = 0.5 * self.damaged.width.max(self.damaged.height) as f64;
        let centre = (0.5 * self.damaged.width as f64, 0.5 * self.damaged.height as f64);
        let pixels = Homography::scaling(half, half, centre.0, centre.1);
        let unit = pixels.inverse()?;
        // The same map in unit coordinates: to pixels, through the map, and back to units.
        let mut unit_map = unit.after(map)?.after(&pixels)?;
        for _ in 0..STEPS {
            let step = self.step(&unit_map, half, centre)?;
            let m = &mut unit_map.0;
            for (k, value) in step.iter().enumerate() {
                m[k / 3][k % 3] += value;
            }
            // Each number moves the corners by less than about 1/500 px.
            if step.iter().all(|v| v.abs() * half < 2e-3) {
                break;
            }
        }
        let found = pixels.after(&unit_map)?.after(&unit)?;
        found.is_plausible(self.damaged.width as f64, self.damaged.height as f64).then_some(found)
    }

    /// Returns the change of the eight numbers that raises the correlation most, to first order.
    fn step(&self, unit_map: &Homography, half: f64, centre: (f64, f64)) -> Option<[f64; 8]> {
        let mut rows: Vec<PlaceRow> = Vec::with_capacity(self.places.len());
        for &place in &self.places {
            let (x, y) = (place as usize % self.damaged.width, place as usize / self.damaged.width);
            let (u, v) = ((x as f64 - centre.0) / half, (y as f64 - centre.1) / half);
            let m = &unit_map.0;
            let depth = m[2][0] * u + m[2][1] * v + 1.0;
            if depth <= 1e-6 {
                continue;
            }
            let to = [0, 1].map(|k| (m[k][0] * u + m[k][1] * v + m[k][2]) / depth);
            let (px, py) = (to[0] * half + centre.0, to[1] * half + centre.1);
            let Some(seen) = self.reference.sample(px, py) else { continue };
            let (Some(gx), Some(gy)) = (self.across.sample(px, py), self.down.sample(px, py)) else {
                continue;
            };
            // The step is in unit coordinates, and a unit is `half` pixels long.
            let (gx, gy) = (f64::from(gx) * half / depth, f64::from(gy) * half / depth);
            // Derivatives by the chain rule: a number of the map moves the place, and the gradient there changes the
            // sample. The last two numbers change the depth by which both coordinates are divided.
            let inward = -(gx * to[0] + gy * to[1]);
            let row = [gx * u, gx * v, gx, gy * u, gy * v, gy, inward * u, inward * v].map(|v| v as f32);
            rows.push((row, seen, self.damaged.samples[place as usize]));
        }
        // A correlation of few places says little about the rest of the pictures.
        if (rows.len() as f64) < OVERLAP_MIN * self.places.len() as f64 || rows.len() < 50 {
            return None;
        }
        correlation_step(&rows)
    }
}

/// One place: the derivatives of the reference's sample by the eight numbers, the reference's sample, the damaged
/// sample.
type PlaceRow = ([f32; 8], f32, f32);

/// Solves for the step δ of the module's description; `None` if the equations have no solution or the correlation
/// cannot rise.
fn correlation_step(rows: &[PlaceRow]) -> Option<[f64; 8]> {
    let n = rows.len() as f64;
    let mean = |value: fn(&PlaceRow) -> f32| rows.iter().map(|r| f64::from(value(r))).sum::<f64>() / n;
    let (seen_mean, own_mean) = (mean(|r| r.1), mean(|r| r.2));
    // GᵀG, Gᵀr, Gᵀd, |r|² and dᵀr.
    let mut hessian = [[0.0; 8]; 8];
    let (mut on_seen, mut on_own) = ([0.0; 8], [0.0; 8]);
    let (mut seen_square, mut cross) = (0.0, 0.0);
    for (gradient, seen, own) in rows {
        let (seen, own) = (f64::from(*seen) - seen_mean, f64::from(*own) - own_mean);
        let g = gradient.map(f64::from);
        for i in 0..8 {
            for j in i..8 {
                hessian[i][j] += g[i] * g[j];
            }
            on_seen[i] += g[i] * seen;
            on_own[i] += g[i] * own;
        }
        seen_square += seen * seen;
        cross += seen * own;
    }
    #[expect(clippy::needless_range_loop, reason = "two rows of a matrix at a time")]
    for i in 0..8 {
        // A little damping keeps the equations solvable when the planes do not determine one of the numbers.
        hessian[i][i] *= 1.0 + 1e-6;
        (0..i).for_each(|j| hessian[i][j] = hessian[j][i]);
    }
    // rᵀP·r = (Gᵀr)ᵀ·(GᵀG)⁻¹·Gᵀr, and the same for dᵀP·r. P has a row for each place and is never computed.
    let solved = solve(hessian, on_seen)?;
    let product = |a: &[f64; 8], b: &[f64; 8]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (numerator, denominator) =
        (seen_square - product(&on_seen, &solved), cross - product(&on_own, &solved));
    if denominator <= 0.0 {
        return None;
    }
    let gain = numerator / denominator;
    let right: [f64; 8] = std::array::from_fn(|i| gain * on_own[i] - on_seen[i]);
    solve(hessian, right)
}

/// Returns the indices of at most [`PLACES_MAX`] places with the steepest gradients, in rising order.
fn steepest(plane: &Plane) -> Vec<u32> {
    let (across, down) = plane.gradients();
    let steepness = |i: u32| across.samples[i as usize].abs() + down.samples[i as usize].abs();
    let mut places: Vec<u32> = (0..plane.samples.len() as u32).filter(|&i| steepness(i) > 0.0).collect();
    if places.len() > PLACES_MAX {
        // Equal gradients are ordered by place, so the selection is the same in each run. A full sort is not needed.
        places.select_nth_unstable_by(PLACES_MAX, |&a, &b| {
            steepness(b).total_cmp(&steepness(a)).then(a.cmp(&b))
        });
        places.truncate(PLACES_MAX);
        // Places in rising order read the planes along memory and fix the order of the sums.
        places.sort_unstable();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves([x, y]: [f64; 2]) -> f32 {
        (libm::sin(0.21 * x + 0.05 * y)
            + libm::cos(0.17 * y)
            + libm::sin(0.11 * (x + y)) * libm::cos(0.07 * x)) as f32
    }

    fn plane(map: &Homography) -> Plane {
        let at = |i: usize| waves(map.apply([(i % 200) as f64, (i / 200) as f64]).unwrap());
        Plane::new(200, 150, (0..200 * 150).map(at).collect())
    }

    #[test]
    fn a_map_that_is_pixels_off_becomes_exact() {
        let truth = Homography([[1.01, 0.015, -2.0], [-0.01, 0.985, 3.0], [3e-5, -2e-5, 1.0]]);
        let mut damaged = plane(&truth);
        damaged.samples.iter_mut().for_each(|v| *v = 0.4 * *v + 7.0);
        let level = PyramidLevel::new(damaged, plane(&Homography::IDENTITY));
        let found = level.climb(&Homography::IDENTITY).unwrap();
        for p in [[0.0, 0.0], [199.0, 0.0], [0.0, 149.0], [199.0, 149.0]] {
            let (a, b) = (found.apply(p).unwrap(), truth.apply(p).unwrap());
            assert!((a[0] - b[0]).abs() < 0.05 && (a[1] - b[1]).abs() < 0.05, "{a:?} {b:?}");
        }
    }

    #[test]
    fn flat_planes_lead_nowhere() {
        let flat = || Plane::new(60, 60, vec![1.0; 3600]);
        assert_eq!(PyramidLevel::new(flat(), flat()).climb(&Homography::IDENTITY), None);
    }
}
