//! Registration: whether a damaged picture and its reference show the same scene, and how one lies on the other.
//!
//! ```text
//!   luma, freed of light and contrast (plane)
//!     → keypoints → descriptors → matches → consensus: projective and affine maps (ransac)
//!     → each promising map is refined, from coarse to fine (refinement)
//!     → the map under which the gradients correlate best (correlation) → verdict (register)
//!     → the part that both pictures show (overlap)
//! ```
//!
//! The identity is always one of the maps. It is preferred, since resampling softens a picture.

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
mod verdict;

pub use homography::{Homography, Point};
pub use overlap::{Rectangle, common_rectangle, crop};
pub use register::register;
pub use verdict::{Displacement, Mismatch, Registration, Verdict};
