//! The request of a restoration, and the stages that the restoration reports.

use std::num::NonZeroU32;

use crate::{
    cancel::Cancelled,
    imaging::codec::{Format, MetadataPolicy},
    models::predictor::RequestedParameters,
};

/// The request of a restoration. The default leaves everything open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestoreRequest {
    /// The parameters that the caller fixes. The model predicts the others.
    pub parameters: RequestedParameters,
    /// The output's format; if open, the input's.
    pub format: Option<Format>,
    /// Quality of lossy formats, 1–100; lossless formats ignore it.
    pub quality: Option<u8>,
    /// Whether the output keeps the input's metadata.
    pub metadata: MetadataPolicy,
    /// Whether a file that is cut off or damaged is restored as far as it goes; it is refused otherwise.
    pub lenient: bool,
    /// The page to restore of a file with several, from 1. If open, all pages are restored.
    pub page: Option<NonZeroU32>,
    /// The use of the receipt, which decides the digests that it holds.
    pub record: Record,
}

/// The use of a receipt. It decides which digests are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// The receipt is kept and can be replayed: it holds every digest.
    #[default]
    Kept,
    /// The receipt's facts are sent in the headers of the picture. The receipt holds the digests of bytes and none of
    /// pixels. A digest of pixels takes a fifth of the time of a small picture, and if the input's own bytes are the
    /// answer, they would have to be decoded for it.
    Sent,
    /// The receipt is read once and dropped. It holds no digests, which cost half as much as encoding. Such a receipt
    /// cannot be replayed, since no input has its digest.
    WithoutDigests,
}

impl Record {
    /// The digest of bytes that `compute` returns; empty for a receipt without digests.
    pub(super) fn digest(
        self,
        compute: impl FnOnce() -> Result<String, Cancelled>,
    ) -> Result<String, Cancelled> {
        match self {
            Record::Kept | Record::Sent => compute(),
            Record::WithoutDigests => Ok(String::new()),
        }
    }
}

/// The stages of a restoration. The caller's hook receives each one as it begins and takes the times, since the core
/// reads no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes of a large JPEG to a reduced picture, which the features need.
    Look,
    /// Bytes to pixels.
    Decode,
    /// Pixels to features.
    Features,
    /// Features to parameters.
    Predict,
    /// Pixels to restored pixels.
    Restore,
    /// Pixels to bytes.
    Encode,
}

impl Stage {
    /// The stage's name in `Server-Timing` and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Look => "look",
            Stage::Decode => "decode",
            Stage::Features => "features",
            Stage::Predict => "predict",
            Stage::Restore => "restore",
            Stage::Encode => "encode",
        }
    }
}
