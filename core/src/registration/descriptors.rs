//! Descriptors: 128 numbers that say what the surroundings of a keypoint look like, as in SIFT.
//!
//! ```text
//!   16 × 16 samples around the keypoint        4 × 4 cells of 4 × 4 samples each
//!   ┌──┬──┬──┬──┐
//!   ├──┼──┼──┼──┤    each cell: a histogram of 8 gradient directions, weighted by magnitude
//!   ├──┼──┼──┼──┤    each sample is shared among up to 4 cells and 2 directions, so that a small
//!   ├──┼──┼──┼──┤    shift or turn changes the descriptor only a little
//!   └──┴──┴──┴──┘
//! ```
//!
//! The grid scales with the keypoint. Each number is square-rooted at the end, which compares histograms better than
//! the plain product (Arandjelović and Zisserman, *Three things everyone should know*, 2012).

use super::{
    keypoints::{Keypoint, ScaleSpace},
    plane::Plane,
};

/// Length of a descriptor.
pub(super) const LENGTH: usize = 128;

/// Vector of Euclidean length 1 without negative elements.
pub(super) type Descriptor = [f32; LENGTH];

/// Samples along a side of the grid.
const SAMPLES: usize = 16;
/// Cells along a side of the grid.
const CELLS: usize = 4;
/// Directions of a cell's histogram.
const DIRECTIONS: usize = 8;

/// Side of a cell, in standard deviations of the keypoint's scale.
const CELL_SIGMAS: f32 = 3.0;

/// Bins of the histogram whose peaks are the dominant directions.
const ORIENTATIONS: usize = 36;

/// Orientation of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Not turned. Such descriptors differ more from each other, and match under turns of up to about fifteen degrees.
    Upright,
    /// Turned by the dominant direction of the surroundings. Such descriptors match under any turn.
    Dominant,
}

/// Place of a keypoint in the working plane's pixels, with a descriptor.
#[derive(Clone, Debug)]
pub(super) struct DescribedPlace {
    pub x: f64,
    pub y: f64,
    pub descriptor: Descriptor,
}

/// Describes keypoints. A keypoint with two dominant directions is described twice; one without any structure is left
/// out.
pub(super) fn describe(space: &ScaleSpace, keypoints: &[Keypoint], turn: Turn) -> Vec<DescribedPlace> {
    // The gradients of a smoothed plane are computed when its first keypoint is described.
    let mut gradients: Vec<Vec<Option<(Plane, Plane)>>> =
        space.octaves.iter().map(|planes| planes.iter().map(|_| None).collect()).collect();
    let mut features = Vec::with_capacity(keypoints.len());
    for keypoint in keypoints {
        let (o, l) = (keypoint.octave, keypoint.level);
        let (across, down) = gradients[o][l].get_or_insert_with(|| space.octaves[o][l].gradients());
        let patch = Patch { across, down, keypoint };
        let angles = match turn {
            Turn::Upright => vec![0.0],
            Turn::Dominant => patch.dominant_directions(),
        };
        for angle in angles {
            if let Some(descriptor) = patch.descriptor(angle) {
                features.push(DescribedPlace { x: keypoint.x, y: keypoint.y, descriptor });
            }
        }
    }
    features
}

/// Surroundings of a keypoint.
struct Patch<'a> {
    across: &'a Plane,
    down: &'a Plane,
    keypoint: &'a Keypoint,
}

impl Patch<'_> {
    /// Returns the gradient at an offset from the keypoint, in pixels of the octave.
    fn gradient(&self, dx: f32, dy: f32) -> (f32, f32) {
        let size = (1u32 << self.keypoint.octave) as f32;
        let (x, y) = (self.keypoint.x as f32 / size + dx, self.keypoint.y as f32 / size + dy);
        (self.across.nearest(x, y), self.down.nearest(x, y))
    }

    /// Returns up to two dominant directions in radians: the peaks of a smoothed histogram of directions that are
    /// above four fifths of its highest value.
    fn dominant_directions(&self) -> Vec<f32> {
        let mut histogram = [0.0f32; ORIENTATIONS];
        let sigma = self.keypoint.sigma;
        for i in -8i16..=8 {
            for j in -8i16..=8 {
                // Samples lie half a scale apart, up to four scales from the keypoint.
                let (u, v) = (f32::from(j) * 0.5, f32::from(i) * 0.5);
                let (gx, gy) = self.gradient(u * sigma, v * sigma);
                // The square of a parabola stands for a Gaussian of about 2.2 scales. It needs no exponential.
                let weight = (1.0 - (u * u + v * v) / 20.0).max(0.0);
                let bin = direction(gx, gy) * ORIENTATIONS as f32;
                // A direction just below 1 may round to bin 36, which is bin 0.
                histogram[bin as usize % ORIENTATIONS] += weight * weight * (gx * gx + gy * gy).sqrt();
            }
        }
        let around = |i: usize, d: usize| (i + d) % ORIENTATIONS;
        for _ in 0..2 {
            let before = histogram;
            for i in 0..ORIENTATIONS {
                histogram[i] = (before[around(i, ORIENTATIONS - 1)] + before[i] + before[around(i, 1)]) / 3.0;
            }
        }
        let highest = histogram.iter().copied().fold(0.0, f32::max);
        // The vertex of the parabola through three bins places a peak between bins.
        let peak = |i: usize| {
            let (left, here, right) =
                (histogram[around(i, ORIENTATIONS - 1)], histogram[i], histogram[around(i, 1)]);
            // Two equal bins make one peak: only the first of them is above its left neighbour.
            (here > left && here >= right && here > 0.8 * highest).then(|| {
                let vertex = 0.5 * (left - right) / (left - 2.0 * here + right);
                (i as f32 + 0.5 + vertex) / ORIENTATIONS as f32 * std::f32::consts::TAU
            })
        };
        (0..ORIENTATIONS).filter_map(peak).take(2).collect()
    }

    /// Returns the descriptor on the grid turned by `angle` (radians); `None` where the surroundings are flat.
    fn descriptor(&self, angle: f32) -> Option<Descriptor> {
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let mut histogram = [0.0f32; LENGTH];
        // A cell of three scales has four samples along its side: they lie 0.75 scales apart.
        let spacing = CELL_SIGMAS * self.keypoint.sigma * CELLS as f32 / SAMPLES as f32;
        for i in 0..SAMPLES {
            for j in 0..SAMPLES {
                // Centres of the samples, from the keypoint in the middle of the grid.
                let (u, v) = (j as f32 - 7.5, i as f32 - 7.5);
                let (dx, dy) = ((cos * u - sin * v) * spacing, (sin * u + cos * v) * spacing);
                let (gx, gy) = self.gradient(dx, dy);
                // Directions count from the axes of the grid. So the gradient is turned back by the grid's angle.
                let turned = (cos * gx + sin * gy, cos * gy - sin * gx);
                // At the corners u² + v² is 112.5, so every weight is above 0.
                let weight = 1.0 - (u * u + v * v) / 160.0;
                let magnitude = weight * (gx * gx + gy * gy).sqrt();
                spread(&mut histogram, j, i, direction(turned.0, turned.1), magnitude);
            }
        }
        normalise(&mut histogram)?;
        // The limit keeps a single strong edge from deciding the product of two descriptors.
        histogram.iter_mut().for_each(|v| *v = v.min(0.2));
        // Shares that sum to 1 have square roots of Euclidean length 1: Σ(√s)² = Σs.
        let sum: f32 = histogram.iter().sum();
        histogram.iter_mut().for_each(|v| *v = (*v / sum).sqrt());
        Some(histogram)
    }
}

/// Adds a gradient to the neighbouring cells and directions, in shares that fall off linearly with the distance.
fn spread(histogram: &mut Descriptor, column: usize, row: usize, direction: f32, magnitude: f32) {
    let parts = |sample: usize| {
        let place = (sample as f32 + 0.5) / (SAMPLES / CELLS) as f32 - 0.5;
        let low = place.floor();
        [(low as isize, 1.0 - (place - low)), (low as isize + 1, place - low)]
    };
    let turn = direction * DIRECTIONS as f32;
    let (bin, part) = (turn as usize % DIRECTIONS, turn - turn.floor());
    for (r, row_weight) in parts(row) {
        for (c, column_weight) in parts(column) {
            if (0..CELLS as isize).contains(&r) && (0..CELLS as isize).contains(&c) {
                let cell = &mut histogram[(r as usize * CELLS + c as usize) * DIRECTIONS..][..DIRECTIONS];
                let share = magnitude * row_weight * column_weight;
                cell[bin] += share * (1.0 - part);
                cell[(bin + 1) % DIRECTIONS] += share * part;
            }
        }
    }
}

/// Scales a histogram to length 1; `None` if it is nearly 0.
fn normalise(histogram: &mut Descriptor) -> Option<()> {
    let length = histogram.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length.is_nan() || length <= 1e-6 {
        return None;
    }
    histogram.iter_mut().for_each(|v| *v /= length);
    Some(())
}

/// Returns the direction of a vector as a share of the full turn: at least 0, below 1.
///
/// Rajan's approximation of the arc tangent: it is wrong by less than a quarter of a degree, and the same on any CPU.
fn direction(x: f32, y: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let (low, high) = (ax.min(ay), ax.max(ay));
    if high == 0.0 {
        return 0.0;
    }
    let t = low / high;
    let eighth = t * (0.125 + (0.273 / std::f32::consts::TAU) * (1.0 - t));
    let quarter = if ay > ax { 0.25 - eighth } else { eighth };
    let half = if x < 0.0 { 0.5 - quarter } else { quarter };
    let turn = if y < 0.0 { 1.0 - half } else { half };
    // A tiny negative `y` makes `1 − half` round to 1, which is the direction 0.
    if turn >= 1.0 { 0.0 } else { turn }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_those_of_the_arc_tangent() {
        for degree in 0..360 {
            let angle = f64::from(degree).to_radians();
            let got = direction(libm::cos(angle) as f32 * 3.0, libm::sin(angle) as f32 * 3.0) * 360.0;
            let apart = (got - degree as f32).abs();
            assert!(apart.min(360.0 - apart) < 0.25, "{degree}: {got}");
        }
    }

    /// Describes a plane of hills of several sizes, which `turned` turns by 90 degrees.
    fn features(turned: bool, turn: Turn) -> Vec<DescribedPlace> {
        let n = 128;
        let height = |x: f64, y: f64| {
            let hills = [(40.0, 50.0, 6.0, 90.0), (52.0, 56.0, 4.0, -70.0), (38.0, 66.0, 5.0, 60.0)];
            hills
                .iter()
                .map(|(cx, cy, s, h)| {
                    h * libm::exp(-((x - cx) * (x - cx) + (y - cy) * (y - cy)) / (2.0 * s * s))
                })
                .sum::<f64>() as f32
        };
        let at = |i: usize| {
            let (x, y) = ((i % n) as f64, (i / n) as f64);
            if turned { height(y, (n - 1) as f64 - x) } else { height(x, y) }
        };
        let space = ScaleSpace::new(&Plane::new(n, n, (0..n * n).map(at).collect()), 0.0);
        describe(&space, &space.keypoints(8), turn)
    }

    fn likeness(a: &DescribedPlace, b: &DescribedPlace) -> f32 {
        a.descriptor.iter().zip(&b.descriptor).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_turned_picture_has_the_same_descriptors_if_turned_by_their_direction() {
        let (straight, turned) = (features(false, Turn::Dominant), features(true, Turn::Dominant));
        for a in &straight {
            // (x, y) went to (127 − y, x).
            let near = turned.iter().filter(|b| (b.x - (127.0 - a.y)).abs() < 0.5 && (b.y - a.x).abs() < 0.5);
            let best = near.map(|b| likeness(a, b)).fold(0.0, f32::max);
            assert!(best > 0.97, "{best} {} {}", a.x, a.y);
        }
        let upright = (features(false, Turn::Upright), features(true, Turn::Upright));
        let own = likeness(&upright.0[0], &upright.0[0]);
        assert!((own - 1.0).abs() < 1e-4, "{own}");
        assert!(upright.1.iter().all(|b| likeness(&upright.0[0], b) < 0.95));
    }
}
