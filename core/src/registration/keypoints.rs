//! Keypoints: places that can be found again in another picture of the same scene.
//!
//! Keypoints are extrema of differences of Gaussians, over place and scale (Lowe, *Distinctive image features from
//! scale-invariant keypoints*, 2004, sections 3 and 4):
//!
//! ```text
//!   octave 0 (working size)    6 smoothed planes, sigma 1.6·2^(s/3)   →  5 differences  →  extrema of the inner 3
//!   octave 1 (half of it)      6 smoothed planes                      →  5 differences  →  extrema of the inner 3
//!   …
//! ```
//!
//! Two things differ from Lowe. The strongest extrema are kept cell by cell instead of by a contrast threshold, since
//! hazy pictures have little contrast. The scale space starts at the working size, without doubling it.

use super::plane::Plane;
use crate::numeric::linear::solve;

/// Scales per octave.
const SCALES: usize = 3;

/// Standard deviation of the first scale, in pixels of its octave.
const SIGMA: f64 = 1.6;

/// Smallest side of an octave after the first, in its pixels.
const SIDE_MIN: usize = 24;

/// Largest number of octaves. Structures larger than about 40 pixels are few, and their places are not exact.
const OCTAVES: usize = 4;

/// Smallest ratio of the principal curvatures of an extremum on an edge. Along an edge its place is not exact.
const EDGE: f32 = 10.0;

/// Cells along a side of the frame. Each cell keeps a limited number of keypoints.
const CELLS: usize = 8;

/// A place and its scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Keypoint {
    /// Column in the working plane's pixels.
    pub x: f64,
    /// Row in the working plane's pixels.
    pub y: f64,
    /// Index of the octave.
    pub octave: usize,
    /// Index of the smoothed plane in the octave on which the place is described.
    pub level: usize,
    /// Standard deviation of the scale, in pixels of the octave.
    pub sigma: f32,
    response: f32,
}

/// Smoothed planes. `octaves[o][s]` has the standard deviation `1.6 · 2^(s/3)` in its own pixels; one of them is
/// `2^o` pixels of the working plane wide.
pub(super) struct ScaleSpace {
    pub octaves: Vec<Vec<Plane>>,
}

impl ScaleSpace {
    /// Builds the scale space of `base`. `blurred` is the smoothing that `base` already has: a standard deviation in
    /// pixels, below 1.6.
    pub fn new(base: &Plane, blurred: f64) -> Self {
        let sigmas: Vec<f64> =
            (0..SCALES + 3).map(|s| SIGMA * libm::exp2(s as f64 / SCALES as f64)).collect();
        // Variances of blurs add up, so each plane is the previous one blurred by the missing variance.
        let step = |from: f64, to: f64| (to * to - from * from).sqrt();
        let mut octaves: Vec<Vec<Plane>> = Vec::new();
        for octave in 0..OCTAVES {
            let first = match octaves.last() {
                None => base.blurred(step(blurred.min(1.5), SIGMA)),
                Some(previous) => previous[SCALES].halved(),
            };
            if octave > 0 && first.width.min(first.height) < SIDE_MIN {
                break;
            }
            let mut planes = vec![first];
            for s in 1..sigmas.len() {
                planes.push(planes[s - 1].blurred(step(sigmas[s - 1], sigmas[s])));
            }
            octaves.push(planes);
        }
        Self { octaves }
    }

    /// Returns at most `n_max` keypoints, the strongest first. A cell of the frame keeps at most twice its share of
    /// `n_max`.
    pub fn keypoints(&self, n_max: usize) -> Vec<Keypoint> {
        let mut found: Vec<Keypoint> = Vec::new();
        for (octave, planes) in self.octaves.iter().enumerate() {
            let differences: Vec<Plane> =
                planes.windows(2).map(|pair| difference(&pair[1], &pair[0])).collect();
            for level in 1..differences.len() - 1 {
                extrema(&differences, octave, level, &mut found);
            }
        }
        found.sort_by(|a, b| b.response.total_cmp(&a.response));
        let (width, height) = (self.octaves[0][0].width as f64, self.octaves[0][0].height as f64);
        let cell_max = (2 * n_max).div_ceil(CELLS * CELLS);
        let mut counts = [0; CELLS * CELLS];
        let cell = |v: f64, side: f64| ((v / side * CELLS as f64).max(0.0) as usize).min(CELLS - 1);
        found.retain(|k| {
            let count = &mut counts[cell(k.y, height) * CELLS + cell(k.x, width)];
            *count += 1;
            *count <= cell_max
        });
        found.truncate(n_max);
        found
    }
}

fn difference(a: &Plane, b: &Plane) -> Plane {
    Plane::new(a.width, a.height, a.samples.iter().zip(&b.samples).map(|(a, b)| a - b).collect())
}

/// Finds the extrema of one level among their 26 neighbours, with places between the samples.
fn extrema(differences: &[Plane], octave: usize, level: usize, found: &mut Vec<Keypoint>) {
    let plane = &differences[level];
    let (width, height) = (plane.width, plane.height);
    const MARGIN: usize = 3;
    for y in MARGIN..height.saturating_sub(MARGIN) {
        for x in MARGIN..width.saturating_sub(MARGIN) {
            let i = y * width + x;
            let value = plane.samples[i];
            if is_extremum(differences, level, i, width, value) {
                found.extend(place(differences, octave, level, x, y));
            }
        }
    }
}

/// Whether a value is at least as extreme as its 8 neighbours in the level and 9 in each level next to it.
fn is_extremum(differences: &[Plane], level: usize, i: usize, width: usize, value: f32) -> bool {
    let beats = |other: f32| if value > 0.0 { value >= other } else { value <= other };
    // The nearest neighbours come first: most samples fail there.
    let own = &differences[level].samples;
    if value == 0.0 || !beats(own[i - 1]) || !beats(own[i + 1]) {
        return false;
    }
    [level, level - 1, level + 1].iter().all(|&l| {
        let samples = &differences[l].samples;
        [i - width, i, i + width].iter().all(|&j| samples[j - 1..=j + 1].iter().all(|&other| beats(other)))
    })
}

/// Returns the keypoint at the vertex of the quadratic function through an extremum's neighbours in place and scale.
/// `None` if it lies on an edge or beyond the next sample.
fn place(differences: &[Plane], octave: usize, level: usize, x: usize, y: usize) -> Option<Keypoint> {
    let at = |dl: isize, dx: isize, dy: isize| {
        let plane = &differences[level.wrapping_add_signed(dl)];
        plane.samples[y.wrapping_add_signed(dy) * plane.width + x.wrapping_add_signed(dx)]
    };
    let centre = at(0, 0, 0);
    let slope =
        [at(0, 1, 0) - at(0, -1, 0), at(0, 0, 1) - at(0, 0, -1), at(1, 0, 0) - at(-1, 0, 0)].map(|v| 0.5 * v);
    let second = |a: f32, b: f32| a + b - 2.0 * centre;
    let mixed = |a: f32, b: f32, c: f32, d: f32| 0.25 * (a - b - c + d);
    let xx = second(at(0, 1, 0), at(0, -1, 0));
    let yy = second(at(0, 0, 1), at(0, 0, -1));
    let ss = second(at(1, 0, 0), at(-1, 0, 0));
    let xy = mixed(at(0, 1, 1), at(0, -1, 1), at(0, 1, -1), at(0, -1, -1));
    let xs = mixed(at(1, 1, 0), at(1, -1, 0), at(-1, 1, 0), at(-1, -1, 0));
    let ys = mixed(at(1, 0, 1), at(1, 0, -1), at(-1, 0, 1), at(-1, 0, -1));
    let (trace, determinant) = (xx + yy, xx * yy - xy * xy);
    if determinant <= 0.0 || trace * trace * EDGE >= (EDGE + 1.0) * (EDGE + 1.0) * determinant {
        return None;
    }
    let wide = |rows: [[f32; 3]; 3]| rows.map(|row| row.map(f64::from));
    let offset = solve(wide([[xx, xy, xs], [xy, yy, ys], [xs, ys, ss]]), slope.map(|v| -f64::from(v)))?;
    if offset.iter().any(|v| v.abs() > 1.0) {
        return None;
    }
    let response = centre + 0.5 * slope.iter().zip(offset).map(|(&s, o)| s * o as f32).sum::<f32>();
    let size = (1usize << octave) as f64;
    let scale = (level as f64 + offset[2]) / SCALES as f64;
    Some(Keypoint {
        x: (x as f64 + offset[0]) * size,
        y: (y as f64 + offset[1]) * size,
        octave,
        level,
        sigma: (SIGMA * libm::exp2(scale)) as f32,
        response: response.abs(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_found_at_its_place_and_scale() {
        let (cx, cy, sigma) = (60.3, 41.7, 4.0);
        let blob = |i: usize| {
            let (dx, dy) = ((i % 120) as f64 - cx, (i / 120) as f64 - cy);
            (100.0 * libm::exp(-(dx * dx + dy * dy) / (2.0 * sigma * sigma))) as f32
        };
        let found =
            ScaleSpace::new(&Plane::new(120, 90, (0..120 * 90).map(blob).collect()), 0.0).keypoints(10);
        let first = found[0];
        assert!((first.x - cx).abs() < 0.1 && (first.y - cy).abs() < 0.1, "{first:?}");
        // The difference of Gaussians of k = 2^(1/3) is largest at a blob of its deviation times about k^½.
        let scale = f64::from(first.sigma) * (1 << first.octave) as f64;
        assert!((scale * libm::exp2(1.0 / 6.0) / sigma - 1.0).abs() < 0.1, "{first:?}");
    }

    #[test]
    fn flat_planes_and_edges_have_none() {
        let flat = Plane::new(50, 50, vec![9.0; 2500]);
        assert!(ScaleSpace::new(&flat, 0.5).keypoints(10).is_empty());
        let edge = Plane::new(80, 80, (0..6400).map(|i| if i % 80 < 40 { 0.0 } else { 90.0 }).collect());
        assert!(ScaleSpace::new(&edge, 0.5).keypoints(10).is_empty());
    }
}
