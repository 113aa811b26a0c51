//! How close a candidate is to the reference. Arguments come as `(reference, candidate)`, both 8 bit with a data
//! range of 255 and of the same size; alpha is ignored. Higher is better everywhere here.

mod ciede2000;
mod psnr;
mod ssim;

pub use ciede2000::{COMPARED_SIDE_PX, ciede2000, mean_ciede2000};
pub use psnr::{PSNR_CAP_DB, psnr_from_squared_error, squared_error};
pub(crate) use ssim::{K1, K2};
pub use ssim::{SIDE_MIN_PX, WINDOW_PX, ssim};

use serde::Serialize;
use thiserror::Error;

use crate::imaging::{Channels, Image, operators::resize::resize};

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Peak signal-to-noise ratio in dB; infinite for identical pictures.
    pub psnr: f64,
    /// Mean structural similarity, −1 to 1.
    pub ssim: f64,
}

/// Losing more of the capped PSNR than this is harm.
pub const HARM_DB: f64 = 0.05;

impl Quality {
    /// `0.5 · PSNR/50 + 0.5 · SSIM`, uncapped: what the classic search compares.
    pub fn score(self) -> f64 {
        0.5 * self.psnr / 50.0 + 0.5 * self.ssim
    }

    /// PSNR capped at 50 dB.
    pub fn capped_psnr(self) -> f64 {
        self.psnr.min(PSNR_CAP_DB)
    }

    /// The score with the capped PSNR; gains are differences of this.
    pub fn capped_score(self) -> f64 {
        Quality { psnr: self.capped_psnr(), ..self }.score()
    }

    /// Whether the candidate is the reference.
    pub fn is_identical(self) -> bool {
        self.psnr == f64::INFINITY
    }

    /// Whether going from `before` to `self` loses more than 0.05 dB of capped PSNR.
    pub fn harms(self, before: Quality) -> bool {
        self.capped_psnr() < before.capped_psnr() - HARM_DB
    }
}

/// As JSON: an infinite PSNR is `null` beside `identical: true`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QualityReport {
    /// PSNR in dB, `None` when infinite.
    pub psnr: Option<f64>,
    /// Mean SSIM.
    pub ssim: f64,
    /// The uncapped score, `None` when infinite.
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

/// Two pictures cannot be compared.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MetricError {
    /// SSIM's window does not fit.
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

/// Compares `candidate` with `reference`. A candidate of another size is resized to the reference's first
/// (bilinear, as the search does); when only one is grey, it is compared as RGB.
///
/// # Errors
/// When the reference is smaller than the SSIM window.
pub fn compare(reference: &Image, candidate: &Image) -> Result<Quality, MetricError> {
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

/// The channels that a comparison of these two works on.
pub fn common_channels(a: &Image, b: &Image) -> Channels {
    if a.channels() == b.channels() { a.channels() } else { Channels::Rgb }
}
