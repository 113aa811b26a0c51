//! Figures that say how close a picture is to its reference: PSNR, SSIM, the score of both, and colour difference.
//!
//! Arguments come as `(reference, candidate)`. Samples have 8 bits and a data range of 255; [`compare`] and the search take
//! both pictures as they are seen, see `imaging/alpha.rs`; the other functions ignore alpha. Higher is better, except for [`ciede2000()`] and [`mean_ciede2000`]. Only this file has the score's formula ([`score`]) and
//! the limit of harm ([`HARM_DB`]).

mod ciede2000;
mod psnr;
mod ssim;

pub use ciede2000::{COMPARED_SIDE_PX, ciede2000, mean_ciede2000, mean_ciede2000_at_matched_lightness};
pub use psnr::{PSNR_CAP_DB, psnr_from_squared_error, squared_error};
pub(crate) use ssim::{K1, K2};
pub use ssim::{SIDE_MIN_PX, WINDOW_PX, ssim};

use serde::Serialize;
use thiserror::Error;

use crate::imaging::{Channels, Image, alpha, operators::resize::resize};

/// Result of a comparison with a reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Peak signal-to-noise ratio in dB; infinite for identical pictures.
    pub psnr: f64,
    /// Mean structural similarity, −1 to 1.
    pub ssim: f64,
}

/// Largest loss of capped PSNR in dB that is no harm.
pub const HARM_DB: f64 = 0.05;

/// Returns the score of a PSNR in dB and an SSIM: `0.5 · PSNR/50 + 0.5 · SSIM`. Higher is better.
///
/// With a PSNR capped at [`PSNR_CAP_DB`] the score is at most 1. With an infinite PSNR it is infinite.
pub fn score(psnr: f64, ssim: f64) -> f64 {
    0.5 * psnr / 50.0 + 0.5 * ssim
}

/// Whether going from one capped PSNR to another, both in dB, loses more than [`HARM_DB`].
pub fn is_harm(before: f64, after: f64) -> bool {
    after < before - HARM_DB
}

impl Quality {
    /// Returns the score with the uncapped PSNR. The classic search compares it.
    pub fn score(self) -> f64 {
        score(self.psnr, self.ssim)
    }

    /// Returns the PSNR in dB, capped at [`PSNR_CAP_DB`].
    pub fn capped_psnr(self) -> f64 {
        self.psnr.min(PSNR_CAP_DB)
    }

    /// Returns the score with the capped PSNR. Gains are differences of capped scores.
    pub fn capped_score(self) -> f64 {
        score(self.capped_psnr(), self.ssim)
    }

    /// Whether all samples equal the reference's.
    pub fn is_identical(self) -> bool {
        self.psnr == f64::INFINITY
    }

    /// Whether going from `before` to `self` loses more than [`HARM_DB`] of capped PSNR.
    pub fn harms(self, before: Quality) -> bool {
        is_harm(before.capped_psnr(), self.capped_psnr())
    }
}

/// A [`Quality`] for JSON: an infinite PSNR becomes `null`, together with `identical: true`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QualityReport {
    /// PSNR in dB, `None` when infinite.
    pub psnr: Option<f64>,
    /// Mean SSIM.
    pub ssim: f64,
    /// Score with the uncapped PSNR, `None` when infinite.
    pub score: Option<f64>,
    /// Whether the pictures are identical.
    pub identical: bool,
}

impl From<Quality> for QualityReport {
    fn from(quality: Quality) -> Self {
        let finite = |v: f64| v.is_finite().then_some(v);
        Self {
            psnr: finite(quality.psnr),
            ssim: quality.ssim,
            score: finite(quality.score()),
            identical: quality.is_identical(),
        }
    }
}

/// Reason why two pictures cannot be compared.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MetricError {
    /// A side is shorter than SSIM's window.
    #[error(
        "a picture of {width}×{height} px is too small to compare: both sides must be at least {SIDE_MIN_PX} px"
    )]
    TooSmall {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
}

/// Compares `candidate` with `reference`.
///
/// A candidate of another size is first resized to the reference's (bilinear, as in the search). If only one picture
/// is grey, both are compared as RGB. Colours under alpha 0 give way to those that are seen around them, in both pictures. Cost: one pass for PSNR, and [`ssim()`].
///
/// # Errors
/// When the reference is smaller than the SSIM window.
pub fn compare(reference: &Image, candidate: &Image) -> Result<Quality, MetricError> {
    let (reference, candidate) = (&*alpha::seen_colours(reference), &*alpha::seen_colours(candidate));
    let (width, height) = (reference.width(), reference.height());
    if width < SIDE_MIN_PX || height < SIDE_MIN_PX {
        return Err(MetricError::TooSmall { width, height });
    }
    if (candidate.width(), candidate.height()) != (width, height) {
        return compare(reference, &resize(candidate, width, height));
    }
    if reference.channels() != candidate.channels() {
        return compare(&reference.to_rgb(), &candidate.to_rgb());
    }
    let n_samples = reference.samples().len();
    let squared_error = squared_error(reference.samples(), candidate.samples());
    Ok(Quality { psnr: psnr_from_squared_error(squared_error, n_samples), ssim: ssim(reference, candidate) })
}

/// Returns the channels in which two pictures are compared: their own if both have the same, RGB otherwise.
pub fn common_channels(a: &Image, b: &Image) -> Channels {
    if a.channels() == b.channels() { a.channels() } else { Channels::Rgb }
}
