//! How a picture is written.

use super::{format::Format, subsampling::Subsampling};

/// Quality of JPEG and lossy WebP when an [`Encoding`] names none.
pub const QUALITY_DEFAULT: u8 = 95;

/// How to write a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The container.
    pub format: Format,
    /// 1–100 for JPEG and lossy WebP; `None` is [`QUALITY_DEFAULT`]. The others are exact whatever it says.
    pub quality: Option<u8>,
    /// Chroma subsampling of a JPEG; `None` is 4:4:4. Lossy WebP is always 4:2:0.
    pub subsampling: Option<Subsampling>,
    /// WebP only: store the pixels exactly.
    pub lossless: bool,
}
