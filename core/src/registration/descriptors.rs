//! What a keypoint's surroundings look like: 4 × 4 histograms of 8 gradient directions, as SIFT's, on a fixed grid of
//! 16 × 16 samples, square-rooted (Arandjelović and Zisserman, *Three things everyone should know*, 2012).

use super::{
    keypoints::{Keypoint, ScaleSpace},
    plane::Plane,
};

/// Numbers of a descriptor.
pub(super) const LENGTH: usize = 128;

/// Length 1, no element negative.
pub(super) type Descriptor = [f32; LENGTH];

/// Samples along a side of the grid, and cells.
const SAMPLES: usize = 16;
const CELLS: usize = 4;
const DIRECTIONS: usize = 8;

/// A cell's side in deviations of the scale.
const CELL_SIGMAS: f32 = 3.0;

/// Bins of the histogram that tells the dominant direction.
const ORIENTATIONS: usize = 36;

/// How a descriptor is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Not at all: more telling, and stands turns of some fifteen degrees.
    Upright,
    /// By the dominant direction of the surroundings: stands any turn.
    Dominant,
}

/// A keypoint with its descriptor.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    pub x: f64,
    pub y: f64,
    pub descriptor: Descriptor,
}

/// Describes keypoints; those with several dominant directions come several times.
pub(super) fn describe(space: &ScaleSpace, keypoints: &[Keypoint], turn: Turn) -> Vec<Feature> {
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
                features.push(Feature { x: keypoint.x, y: keypoint.y, descriptor });
            }
        }
    }
    features
}

struct Patch<'a> {
    across: &'a Plane,
    down: &'a Plane,
    keypoint: &'a Keypoint,
}

impl Patch<'_> {
    /// The gradient at an offset from the keypoint, in pixels of the octave.
    fn gradient(&self, dx: f32, dy: f32) -> (f32, f32) {
        let size = (1u32 << self.keypoint.octave) as f32;
        let (x, y) = (self.keypoint.x as f32 / size + dx, self.keypoint.y as f32 / size + dy);
        (self.across.nearest(x, y), self.down.nearest(x, y))
    }

    /// Directions (radians) of the peaks of a smoothed histogram, those above four fifths of the highest.
    fn dominant_directions(&self) -> Vec<f32> {
        let mut histogram = [0.0f32; ORIENTATIONS];
        let sigma = self.keypoint.sigma;
        for i in -8i16..=8 {
            for j in -8i16..=8 {
                let (u, v) = (f32::from(j) * 0.5, f32::from(i) * 0.5);
                let (gx, gy) = self.gradient(u * sigma, v * sigma);
                // A Gaussian of 1.5 scales by a parabola's square, which needs no exponential.
                let weight = (1.0 - (u * u + v * v) / 20.0).max(0.0);
                let bin = direction(gx, gy) * ORIENTATIONS as f32;
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
        let peak = |i: usize| {
            let (left, here, right) =
                (histogram[around(i, ORIENTATIONS - 1)], histogram[i], histogram[around(i, 1)]);
            (here > left && here >= right && here > 0.8 * highest).then(|| {
                let vertex = 0.5 * (left - right) / (left - 2.0 * here + right);
                (i as f32 + 0.5 + vertex) / ORIENTATIONS as f32 * std::f32::consts::TAU
            })
        };
        (0..ORIENTATIONS).filter_map(peak).take(2).collect()
    }

    /// `None` where nothing is to be seen.
    fn descriptor(&self, angle: f32) -> Option<Descriptor> {
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let mut histogram = [0.0f32; LENGTH];
        let spacing = CELL_SIGMAS * self.keypoint.sigma * CELLS as f32 / SAMPLES as f32;
        for i in 0..SAMPLES {
            for j in 0..SAMPLES {
                // From −2 to 2 cells, at the centres of the samples.
                let (u, v) = (j as f32 - 7.5, i as f32 - 7.5);
                let (dx, dy) = ((cos * u - sin * v) * spacing, (sin * u + cos * v) * spacing);
                let (gx, gy) = self.gradient(dx, dy);
                let turned = (cos * gx + sin * gy, cos * gy - sin * gx);
                let weight = 1.0 - (u * u + v * v) / 160.0;
                let magnitude = weight * (gx * gx + gy * gy).sqrt();
                spread(&mut histogram, j, i, direction(turned.0, turned.1), magnitude);
            }
        }
        normalise(&mut histogram)?;
        // No single edge may say it all.
        histogram.iter_mut().for_each(|v| *v = v.min(0.2));
        let sum: f32 = histogram.iter().sum();
        histogram.iter_mut().for_each(|v| *v = (*v / sum).sqrt());
        Some(histogram)
    }
}

/// Shares a gradient among the neighbouring cells and directions.
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

fn normalise(histogram: &mut Descriptor) -> Option<()> {
    let length = histogram.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length.is_nan() || length <= 1e-6 {
        return None;
    }
    histogram.iter_mut().for_each(|v| *v /= length);
    Some(())
}

/// The direction of a vector as a share of the full turn, from 0 below 1. Rajan's approximation of the arc tangent, off
/// by less than a quarter of a degree, and the same on any CPU.
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

    /// Hills of several sizes; `turn` by 90 degrees if asked.
    fn features(turned: bool, turn: Turn) -> Vec<Feature> {
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

    fn likeness(a: &Feature, b: &Feature) -> f32 {
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
