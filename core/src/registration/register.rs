//! The steps of a registration in their order, and what decides.

use super::{
    Displacement, Mismatch, Registration, Verdict,
    correlation::{Agreement, agreement},
    descriptors::{Turn, describe},
    homography::{Homography, Point},
    keypoints::{Keypoint, ScaleSpace},
    matching::matches,
    overlap::common_rectangle,
    plane::Plane,
    ransac::{Model, consensus, inliers},
    refinement::Level,
};
use crate::imaging::Image;

/// The longest side of the working planes. Larger pictures are shrunk to it, smaller ones enlarged, at most
/// [`ENLARGED_MAX`] times, so that their details span enough pixels to be described.
const WORK_SIDE: usize = 640;
const ENLARGED_MAX: f64 = 2.0;

/// Working planes have sides of at least this, so that filters fit.
const SIDE_MIN: usize = 16;

/// Keypoints per picture.
const KEYPOINTS_MAX: usize = 700;

/// A match agrees with a map within this, in working pixels.
const TOLERANCE_PX: f64 = 3.0;

/// Seed of the random samples.
const SEED: u64 = 20_261_123;

/// Gradients are compared on planes smoothed by this, in working pixels, so that noise and blur count less.
const SMOOTH_PX: f64 = 1.5;

/// The box within which light and contrast are levelled, in working pixels.
const STRUCTURE_RADIUS_PX: usize = 16;

/// A pair is of one scene when gradients correlate by this …
const CORRELATION_MIN: f64 = 0.45;
/// … and so many features agree;
const INLIERS_MIN: usize = 20;
/// or when they correlate by this, however few features could be matched.
const CORRELATION_ALONE_MIN: f64 = 0.6;

/// A map other than leaving the pair as it is has to raise the correlation by this …
const CORRELATION_GAIN_MIN: f64 = 0.02;
/// … and to move places by this on average, in the pixels of the coarser picture: less is not worth a resampling.
const DISPLACEMENT_MIN_PX: f64 = 0.75;

/// A map found by features is climbed from when gradients correlate by this: chance gives a tenth of it.
const PROMISING_MIN: f64 = 0.15;

/// The least share of the frame that a map must show.
const OVERLAP_MIN: f64 = 0.25;

/// Registers `damaged` to `reference`. Sizes may differ: the damaged picture counts as stretched to the reference's size,
/// as the search does it.
///
/// Deterministic. Cost: about a third of a second, for any size beyond decoding; memory: some 40 planes of 640 × 640 in
/// `f32`, and 4 bytes for each source row and working column.
pub fn register(reference: &Image, damaged: &Image) -> Registration {
    let size = (reference.width(), reference.height());
    if size == (damaged.width(), damaged.height()) && reference.samples() == damaged.samples() {
        return Registration {
            transform: Homography::IDENTITY,
            n_inliers: 0,
            correlation: 1.0,
            untouched_correlation: 1.0,
            displacement_px: Displacement::default(),
            verdict: Verdict::Aligned,
        };
    }
    let work = working_size(size);
    let pair = Pair::new(reference, damaged, work);
    let mut found = pair.best(Turn::Upright);
    if !found.is_accepted() {
        let other = pair.best(Turn::Dominant);
        if other.agreement.correlation > found.agreement.correlation {
            found = other;
        }
    }
    pair.conclude(&found, size, (damaged.width(), damaged.height()))
}

fn working_size(size: (usize, usize)) -> (usize, usize) {
    let scale = (WORK_SIDE as f64 / size.0.max(size.1) as f64).min(ENLARGED_MAX);
    let side = |n: usize| (libm::round(n as f64 * scale) as usize).max(SIDE_MIN);
    (side(size.0), side(size.1))
}

/// A map with how well it does, in working pixels.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    map: Homography,
    agreement: Agreement,
    n_inliers: usize,
}

impl Candidate {
    fn is_accepted(&self) -> bool {
        let Agreement { correlation, overlap } = self.agreement;
        overlap >= OVERLAP_MIN
            && (correlation >= CORRELATION_ALONE_MIN
                || (correlation >= CORRELATION_MIN && self.n_inliers >= INLIERS_MIN))
    }
}

/// The working planes of a pair.
struct Pair {
    /// Damaged and reference: where features are found, and which.
    spaces: [(ScaleSpace, Vec<Keypoint>); 2],
    /// From the coarsest to the full working size.
    levels: Vec<Level>,
    /// Smoothed: what decides.
    smooth_damaged: Plane,
    smooth_reference: Plane,
}

impl Pair {
    fn new(reference: &Image, damaged: &Image, (width, height): (usize, usize)) -> Self {
        let plane = |image| Plane::luma(image, width, height).blurred(0.5).structure(STRUCTURE_RADIUS_PX);
        let (damaged, reference) = (plane(damaged), plane(reference));
        let mut planes = vec![(damaged.blurred(1.0), reference.blurred(1.0))];
        while planes.len() < 4 {
            let (d, r) = &planes[planes.len() - 1];
            if d.width.min(d.height) < 2 * SIDE_MIN {
                break;
            }
            planes.push((d.blurred(1.0).halved(), r.blurred(1.0).halved()));
        }
        let levels = planes.into_iter().rev().map(|(d, r)| Level::new(d, r)).collect();
        let (smooth_damaged, smooth_reference) = (damaged.blurred(SMOOTH_PX), reference.blurred(SMOOTH_PX));
        let spaces = [damaged, reference].map(|plane| {
            let space = ScaleSpace::new(&plane, 0.5);
            let keypoints = space.keypoints(KEYPOINTS_MAX);
            (space, keypoints)
        });
        Self { spaces, levels, smooth_damaged, smooth_reference }
    }

    fn size(&self) -> (f64, f64) {
        (self.smooth_damaged.width as f64, self.smooth_damaged.height as f64)
    }

    /// The best of all maps, with features described this way.
    fn best(&self, turn: Turn) -> Candidate {
        let [damaged, reference] = self.spaces.each_ref().map(|(space, found)| describe(space, found, turn));
        let matches = matches(&damaged, &reference);
        let mut best = self.candidate(Homography::IDENTITY, &matches);
        let mut starts = vec![best];
        for model in [Model::Projective, Model::Affine] {
            // An affine map only comes near a projective one, so it is looked for more loosely.
            let tolerance = if model == Model::Affine { 2.0 * TOLERANCE_PX } else { TOLERANCE_PX };
            let found = consensus(&matches, self.size(), tolerance, model, SEED);
            starts.extend(found.map(|map| self.candidate(map, &matches)));
        }
        let good = |c: &Candidate| c.agreement.overlap >= OVERLAP_MIN;
        for start in starts {
            let is_promising =
                start.map == Homography::IDENTITY || start.agreement.correlation >= PROMISING_MIN;
            let climbed = if is_promising { self.climb(&start.map) } else { None };
            let climbed = climbed.map(|map| self.candidate(map, &matches));
            for candidate in [Some(start), climbed].into_iter().flatten().filter(good) {
                if candidate.agreement.correlation > best.agreement.correlation {
                    best = candidate;
                }
            }
        }
        best
    }

    fn candidate(&self, map: Homography, matches: &[(Point, Point)]) -> Candidate {
        Candidate {
            map,
            agreement: agreement(&self.smooth_damaged, &self.smooth_reference, &map),
            n_inliers: inliers(&map, matches, TOLERANCE_PX).len(),
        }
    }

    /// Climbs level by level; the levels' maps differ by the halving of pixels.
    fn climb(&self, start: &Homography) -> Option<Homography> {
        let mut map = *start;
        for (i, level) in self.levels.iter().enumerate() {
            // A level keeps every second sample, so places on it are those of the full size halved.
            let factor = (1usize << (self.levels.len() - 1 - i)) as f64;
            let (down, up) = (
                Homography::scaling(1.0 / factor, 1.0 / factor, 0.0, 0.0),
                Homography::scaling(factor, factor, 0.0, 0.0),
            );
            let climbed = level.climb(&down.after(&map)?.after(&up)?);
            match climbed {
                Some(climbed) => map = up.after(&climbed)?.after(&down)?,
                // A coarse level may be too poor; the fine ones may still do.
                None if i + 1 < self.levels.len() => (),
                None => return None,
            }
        }
        Some(map)
    }

    /// From working pixels to the reference's, and the verdict.
    fn conclude(&self, found: &Candidate, size: (usize, usize), damaged: (usize, usize)) -> Registration {
        let work = (self.smooth_damaged.width, self.smooth_damaged.height);
        let (to_work, from_work) = (Homography::resizing(size, work), Homography::resizing(work, size));
        let whole =
            from_work.after(&found.map).and_then(|map| map.after(&to_work)).unwrap_or(Homography::IDENTITY);
        let displacement_px = Displacement::of(&whole, size.0, size.1);
        let coarser = (size.0 as f64 / damaged.0 as f64).max(size.1 as f64 / damaged.1 as f64).max(1.0);
        let untouched = agreement(&self.smooth_damaged, &self.smooth_reference, &Homography::IDENTITY);
        let mut registration = Registration {
            transform: whole,
            n_inliers: found.n_inliers,
            correlation: found.agreement.correlation,
            untouched_correlation: untouched.correlation,
            displacement_px,
            verdict: Verdict::Registered,
        };
        if !found.is_accepted() {
            let (correlation, n_inliers) = (found.agreement.correlation, found.n_inliers);
            registration.verdict = Verdict::Mismatched(Mismatch::Unlike { correlation, n_inliers });
        } else if displacement_px.mean < DISPLACEMENT_MIN_PX * coarser
            || found.agreement.correlation - untouched.correlation < CORRELATION_GAIN_MIN
        {
            registration.transform = Homography::IDENTITY;
            registration.correlation = untouched.correlation;
            registration.verdict = Verdict::Aligned;
        } else if common_rectangle(&whole, damaged, size).is_none() {
            registration.verdict = Verdict::Mismatched(Mismatch::LittleOverlap);
        }
        registration
    }
}
