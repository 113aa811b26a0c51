//! A map made exact: the enhanced correlation coefficient of two planes, climbed from coarse to fine (Evangelidis and
//! Psarakis, *Parametric image alignment using enhanced correlation coefficient maximization*, 2008, forward additive).

use super::{homography::Homography, plane::Plane};
use crate::numeric::linear::solve;

/// Steps per level at most.
const STEPS: usize = 12;

/// Places looked at per level at most: those with the steepest gradients.
const PLACES_MAX: usize = 12_000;

/// The least share of the places that both pictures must show.
const OVERLAP_MIN: f64 = 0.25;

/// Two planes of one size with what climbing needs of them.
pub(super) struct Level {
    damaged: Plane,
    reference: Plane,
    across: Plane,
    down: Plane,
    places: Vec<u32>,
}

impl Level {
    pub fn new(damaged: Plane, reference: Plane) -> Self {
        let (across, down) = reference.gradients();
        let places = steepest(&damaged);
        Self { damaged, reference, across, down, places }
    }

    /// Climbs from `map` (damaged → reference, in this level's pixels); `None` when it leads nowhere.
    pub fn climb(&self, map: &Homography) -> Option<Homography> {
        // Coordinates from −1 to 1, in which all eight numbers are of one size.
        let half = 0.5 * self.damaged.width.max(self.damaged.height) as f64;
        let centre = (0.5 * self.damaged.width as f64, 0.5 * self.damaged.height as f64);
        let pixels = Homography::scaling(half, half, centre.0, centre.1);
        let unit = pixels.inverse()?;
        let mut unit_map = unit.after(map)?.after(&pixels)?;
        for _ in 0..STEPS {
            let step = self.step(&unit_map, half, centre)?;
            let m = &mut unit_map.0;
            for (k, value) in step.iter().enumerate() {
                m[k / 3][k % 3] += value;
            }
            // A step that moves a corner by less than a five hundredth of a pixel.
            if step.iter().all(|v| v.abs() * half < 2e-3) {
                break;
            }
        }
        let found = pixels.after(&unit_map)?.after(&unit)?;
        found.is_plausible(self.damaged.width as f64, self.damaged.height as f64).then_some(found)
    }

    /// The change of the eight numbers that raises the correlation most, to first order.
    fn step(&self, unit_map: &Homography, half: f64, centre: (f64, f64)) -> Option<[f64; 8]> {
        let mut rows: Vec<Row> = Vec::with_capacity(self.places.len());
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
            let (gx, gy) = (f64::from(gx) * half / depth, f64::from(gy) * half / depth);
            let inward = -(gx * to[0] + gy * to[1]);
            let row = [gx * u, gx * v, gx, gy * u, gy * v, gy, inward * u, inward * v].map(|v| v as f32);
            rows.push((row, seen, self.damaged.samples[place as usize]));
        }
        if (rows.len() as f64) < OVERLAP_MIN * self.places.len() as f64 || rows.len() < 50 {
            return None;
        }
        correlation_step(&rows)
    }
}

/// How the reference's sample changes with each number, the reference's sample, the damaged sample.
type Row = ([f32; 8], f32, f32);

fn correlation_step(rows: &[Row]) -> Option<[f64; 8]> {
    let n = rows.len() as f64;
    let mean = |value: fn(&Row) -> f32| rows.iter().map(|r| f64::from(value(r))).sum::<f64>() / n;
    let (seen_mean, own_mean) = (mean(|r| r.1), mean(|r| r.2));
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
        // A touch of damping for planes that leave a number free.
        hessian[i][i] *= 1.0 + 1e-6;
        (0..i).for_each(|j| hessian[i][j] = hessian[j][i]);
    }
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

/// Indices of at most [`PLACES_MAX`] places with the steepest gradients, in order.
fn steepest(plane: &Plane) -> Vec<u32> {
    let (across, down) = plane.gradients();
    let steepness = |i: u32| across.samples[i as usize].abs() + down.samples[i as usize].abs();
    let mut places: Vec<u32> = (0..plane.samples.len() as u32).filter(|&i| steepness(i) > 0.0).collect();
    if places.len() > PLACES_MAX {
        places.select_nth_unstable_by(PLACES_MAX, |&a, &b| {
            steepness(b).total_cmp(&steepness(a)).then(a.cmp(&b))
        });
        places.truncate(PLACES_MAX);
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
        let level = Level::new(damaged, plane(&Homography::IDENTITY));
        let found = level.climb(&Homography::IDENTITY).unwrap();
        for p in [[0.0, 0.0], [199.0, 0.0], [0.0, 149.0], [199.0, 149.0]] {
            let (a, b) = (found.apply(p).unwrap(), truth.apply(p).unwrap());
            assert!((a[0] - b[0]).abs() < 0.05 && (a[1] - b[1]).abs() < 0.05, "{a:?} {b:?}");
        }
    }

    #[test]
    fn flat_planes_lead_nowhere() {
        let flat = || Plane::new(60, 60, vec![1.0; 3600]);
        assert_eq!(Level::new(flat(), flat()).climb(&Homography::IDENTITY), None);
    }
}
