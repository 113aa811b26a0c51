//! Registers a pair: the steps in their order, and the limits that decide.

use super::{
    correlation::{Agreement, agreement},
    descriptors::{Turn, describe},
    homography::{Homography, Point},
    keypoints::{Keypoint, ScaleSpace},
    matching::matches,
    overlap::common_rectangle,
    plane::Plane,
    ransac::{MapKind, consensus, inliers},
    refinement::PyramidLevel,
    verdict::{Displacement, Mismatch, Registration, Verdict},
};
use crate::imaging::Image;

/// Longest side of the working planes, in pixels. Larger pictures are shrunk to it, smaller ones enlarged, so that
/// their details span enough pixels to be described.
const WORK_SIDE: usize = 640;
/// Largest factor by which small pictures are enlarged.
const ENLARGED_MAX: f64 = 2.0;

/// Smallest side of the working planes, in pixels, so that filters fit.
const SIDE_MIN: usize = 16;

/// Largest number of keypoints of a picture.
const KEYPOINTS_MAX: usize = 700;

/// Distance within which a match agrees with a map, in working pixels.
const TOLERANCE_PX: f64 = 3.0;

/// Seed of the random samples.
const SEED: u64 = 20_261_123;

/// Smoothing of the planes on which gradients are compared, in working pixels. Smoothing lowers the weight of noise and
/// blur.
const SMOOTH_PX: f64 = 1.5;

/// Radius of the box in which light and contrast are levelled, in working pixels.
const STRUCTURE_RADIUS_PX: usize = 16;

/// Smallest correlation of the gradients of one scene, if [`INLIERS_MIN`] keypoints agree.
const CORRELATION_MIN: f64 = 0.45;
/// Smallest number of agreeing keypoints for [`CORRELATION_MIN`].
const INLIERS_MIN: usize = 20;
/// Smallest correlation of the gradients of one scene, if fewer keypoints agree.
const CORRELATION_ALONE_MIN: f64 = 0.6;

/// Smallest rise of the correlation for which a map is preferred to the identity.
const CORRELATION_GAIN_MIN: f64 = 0.02;
/// Smallest mean displacement for which a map is preferred to the identity, in pixels of the coarser picture. Less
/// does not outweigh the loss by resampling.
const DISPLACEMENT_MIN_PX: f64 = 0.75;

/// Smallest correlation for which a map from keypoints is refined. Unrelated gradients give about a tenth of this.
const PROMISING_MIN: f64 = 0.15;

/// Smallest share of the frame that both pictures must show under a map.
const OVERLAP_MIN: f64 = 0.25;

/// Registers `damaged` to `reference`. Sizes may differ: the damaged picture counts as stretched to the reference's
/// size, as in the search.
///
/// The result is the same on every CPU and for any number of threads. Cost: about a third of a second for pictures of
/// any size. Memory: about 40 planes of 640 × 640 in `f32`, and 4 bytes for each source row and working column.
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
    let pair = WorkingPair::new(reference, damaged, work);
    // Upright descriptors differ more from each other, so they are tried first. If they fail, turned ones follow.
    let mut found = pair.best(Turn::Upright);
    if !found.is_accepted() {
        let other = pair.best(Turn::Dominant);
        if other.agreement.correlation > found.agreement.correlation {
            found = other;
        }
    }
    pair.conclude(&found, size, (damaged.width(), damaged.height()))
}

/// Returns the size of the working planes for a reference of `size`, both (width, height).
fn working_size(size: (usize, usize)) -> (usize, usize) {
    let scale = (WORK_SIDE as f64 / size.0.max(size.1) as f64).min(ENLARGED_MAX);
    let side = |n: usize| (libm::round(n as f64 * scale) as usize).max(SIDE_MIN);
    (side(size.0), side(size.1))
}

/// A map in working pixels, with its agreement.
#[derive(Clone, Copy, Debug)]
struct MeasuredMap {
    map: Homography,
    agreement: Agreement,
    n_inliers: usize,
}

impl MeasuredMap {
    /// Whether the map shows that the pictures are of one scene.
    fn is_accepted(&self) -> bool {
        let Agreement { correlation, overlap } = self.agreement;
        overlap >= OVERLAP_MIN
            && (correlation >= CORRELATION_ALONE_MIN
                || (correlation >= CORRELATION_MIN && self.n_inliers >= INLIERS_MIN))
    }
}

/// The working planes of a pair.
struct WorkingPair {
    /// Scale space and keypoints of the damaged picture, then of the reference.
    spaces: [(ScaleSpace, Vec<Keypoint>); 2],
    /// The pyramid, from the coarsest level to the full working size.
    levels: Vec<PyramidLevel>,
    /// Smoothed plane of the damaged picture. Gradients of smoothed planes decide.
    smooth_damaged: Plane,
    /// Smoothed plane of the reference.
    smooth_reference: Plane,
}

impl WorkingPair {
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
        let levels = planes.into_iter().rev().map(|(d, r)| PyramidLevel::new(d, r)).collect();
        let (smooth_damaged, smooth_reference) = (damaged.blurred(SMOOTH_PX), reference.blurred(SMOOTH_PX));
        let spaces = [damaged, reference].map(|plane| {
            let space = ScaleSpace::new(&plane, 0.5);
            let keypoints = space.keypoints(KEYPOINTS_MAX);
            (space, keypoints)
        });
        Self { spaces, levels, smooth_damaged, smooth_reference }
    }

    /// Returns the working size (width, height).
    fn size(&self) -> (f64, f64) {
        (self.smooth_damaged.width as f64, self.smooth_damaged.height as f64)
    }

    /// Returns the map of the highest correlation, with keypoints described as `turn` says.
    fn best(&self, turn: Turn) -> MeasuredMap {
        let [damaged, reference] = self.spaces.each_ref().map(|(space, found)| describe(space, found, turn));
        let matches = matches(&damaged, &reference);
        let mut best = self.measured(Homography::IDENTITY, &matches);
        let mut starts = vec![best];
        for kind in [MapKind::Projective, MapKind::Affine] {
            // An affine map only comes near a projective one, so its tolerance is larger.
            let tolerance = if kind == MapKind::Affine { 2.0 * TOLERANCE_PX } else { TOLERANCE_PX };
            let found = consensus(&matches, self.size(), tolerance, kind, SEED);
            starts.extend(found.map(|map| self.measured(map, &matches)));
        }
        let good = |c: &MeasuredMap| c.agreement.overlap >= OVERLAP_MIN;
        for start in starts {
            let is_promising =
                start.map == Homography::IDENTITY || start.agreement.correlation >= PROMISING_MIN;
            let climbed = if is_promising { self.climb(&start.map) } else { None };
            let climbed = climbed.map(|map| self.measured(map, &matches));
            for measured in [Some(start), climbed].into_iter().flatten().filter(good) {
                if measured.agreement.correlation > best.agreement.correlation {
                    best = measured;
                }
            }
        }
        best
    }

    /// Measures how well a map agrees with the gradients and the matches.
    fn measured(&self, map: Homography, matches: &[(Point, Point)]) -> MeasuredMap {
        MeasuredMap {
            map,
            agreement: agreement(&self.smooth_damaged, &self.smooth_reference, &map),
            n_inliers: inliers(&map, matches, TOLERANCE_PX).len(),
        }
    }

    /// Refines a map level by level, from coarse to fine. A coarse level brings the map near enough for the next one.
    fn climb(&self, start: &Homography) -> Option<Homography> {
        let mut map = *start;
        for (i, level) in self.levels.iter().enumerate() {
            // A level keeps every second sample of the next finer one, so its coordinates are those of the full size
            // over a power of two.
            let factor = (1usize << (self.levels.len() - 1 - i)) as f64;
            let (down, up) = (
                Homography::scaling(1.0 / factor, 1.0 / factor, 0.0, 0.0),
                Homography::scaling(factor, factor, 0.0, 0.0),
            );
            let climbed = level.climb(&down.after(&map)?.after(&up)?);
            match climbed {
                Some(climbed) => map = up.after(&climbed)?.after(&down)?,
                // A coarse level may show too little; the finer ones may still refine the map.
                None if i + 1 < self.levels.len() => (),
                None => return None,
            }
        }
        Some(map)
    }

    /// Brings the map from working pixels to the reference's and decides. `size` is the reference's size.
    fn conclude(&self, found: &MeasuredMap, size: (usize, usize), damaged: (usize, usize)) -> Registration {
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
