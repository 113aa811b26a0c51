//! Reasons why a picture has no features.

use thiserror::Error;

use crate::cancel::Cancelled;

/// Smallest side of a picture with features, in pixels.
pub const SIDE_MIN_PX: usize = 7;

/// Reason why a picture has no features.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FeatureError {
    /// A side is too short.
    #[error(
        "a picture of {width}×{height} px is too small for features: both sides must be at least {SIDE_MIN_PX} px"
    )]
    TooSmall {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The caller cancelled the work.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
