//! Whether a damaged picture and its reference show the same, and how the one lies on the other.
//!
//! Features → matches → robust maps (projective, affine) → climbed to exactness → the map under which gradients
//! correlate best. Leaving the pair as it is is one of the maps and is preferred, since resampling softens.

mod correlation;
mod descriptors;
mod homography;
mod keypoints;
mod matching;
mod overlap;
mod plane;
mod ransac;
mod refinement;
mod register;

pub use homography::{Homography, Point};
pub use overlap::{Rectangle, common_rectangle, crop};
pub use register::register;

use serde::Serialize;
use thiserror::Error;

/// How a damaged picture lies on its reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Registration {
    /// From a place in the damaged picture, stretched to the reference's size, to the place in the reference that shows
    /// the same. The identity for pairs that are aligned.
    pub transform: Homography,
    /// Matched features that agree with it.
    pub n_inliers: usize,
    /// Correlation of the gradients under it, −1 to 1.
    pub correlation: f64,
    /// The same for the pair as it is.
    pub untouched_correlation: f64,
    /// How far the best map found moves places, over the frame.
    pub displacement_px: Displacement,
    /// What to make of it.
    pub verdict: Verdict,
}

/// Distances in the reference's pixels over an even grid of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Displacement {
    /// Their mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// What to make of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Places lie where they belong: to be used as it is.
    Aligned,
    /// Of the same scene, and brought into place by the transform.
    Registered,
    /// Not to be used.
    Mismatched(Mismatch),
}

/// Why a pair is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum Mismatch {
    /// No map was found under which the pictures resemble each other.
    #[error(
        "the pictures do not show the same: gradients correlate by {correlation:.2} at best, {n_inliers} features agree"
    )]
    Unlike {
        /// The best correlation found.
        correlation: f64,
        /// Features that agree with the map behind it.
        n_inliers: usize,
    },
    /// They show the same thing, but hardly any of the same part.
    #[error("the pictures share too little: no upright rectangle of a quarter of the damaged picture")]
    LittleOverlap,
}

impl Displacement {
    /// How far `map` moves the places of a frame.
    pub fn of(map: &Homography, width: usize, height: usize) -> Self {
        const GRID: usize = 9;
        let place = |k: usize, n: usize| k as f64 * (n - 1) as f64 / (GRID - 1) as f64;
        let distances = (0..GRID * GRID).map(|i| {
            let [x, y] = [place(i % GRID, width), place(i / GRID, height)];
            let moved = map.apply([x, y]).unwrap_or([f64::INFINITY; 2]);
            ((moved[0] - x) * (moved[0] - x) + (moved[1] - y) * (moved[1] - y)).sqrt()
        });
        let (sum, max) = distances.fold((0.0, 0.0f64), |(sum, max), d| (sum + d, max.max(d)));
        Self { mean: sum / (GRID * GRID) as f64, max }
    }
}
