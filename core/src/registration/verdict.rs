//! Result of a registration.

use serde::Serialize;
use thiserror::Error;

use super::homography::Homography;

/// Position of a damaged picture on its reference, and the decision on the pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Registration {
    /// Map from a place in the damaged picture, stretched to the reference's size, to the place in the reference that
    /// shows the same. The identity for aligned pairs.
    pub transform: Homography,
    /// Number of matched keypoints that agree with the map.
    pub n_inliers: usize,
    /// Correlation of the gradients under the map, −1 to 1.
    pub correlation: f64,
    /// Correlation of the gradients of the pair without a map, −1 to 1.
    pub untouched_correlation: f64,
    /// Distances by which the best map moves places of the frame.
    pub displacement_px: Displacement,
    /// Decision on the pair.
    pub verdict: Verdict,
}

/// Distances in the reference's pixels over an even grid of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Displacement {
    /// Mean distance.
    pub mean: f64,
    /// Largest distance.
    pub max: f64,
}

/// Decision on a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// The pictures lie on each other. The pair is used without a change.
    Aligned,
    /// The pictures show the same scene, and the transform brings one onto the other.
    Registered,
    /// The pair is not used.
    Mismatched(Mismatch),
}

/// Reason why a pair is not used.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum Mismatch {
    /// The pictures do not resemble each other under any map that was found.
    #[error(
        "the pictures show different subjects: the best correlation of gradients is {correlation:.2}, and {n_inliers} features match"
    )]
    Unlike {
        /// Best correlation found.
        correlation: f64,
        /// Number of keypoints that agree with the map of that correlation.
        n_inliers: usize,
    },
    /// The pictures show the same scene, but share only a small part of it.
    #[error(
        "the pictures overlap too little: the shared upright rectangle is smaller than a quarter of the damaged picture"
    )]
    LittleOverlap,
}

impl Displacement {
    /// Measures how far `map` moves places of a frame of `width × height` px, on a grid of 9 × 9 places. A place on
    /// or behind the horizon counts as infinitely far.
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
