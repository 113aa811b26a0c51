//! The options of encoding a picture.

use super::{format::Format, subsampling::Subsampling};

/// Quality of JPEG and lossy WebP when an [`Encoding`] names none.
pub const QUALITY_DEFAULT: u8 = 95;

/// Format and quality of a file to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The container.
    pub format: Format,
    /// Quality of JPEG and lossy WebP, 1–100. `None` is [`QUALITY_DEFAULT`]. It has no effect on the other formats.
    pub quality: Option<u8>,
    /// Chroma subsampling of a JPEG. `None` is 4:4:4. Lossy WebP is always 4:2:0.
    pub subsampling: Option<Subsampling>,
    /// Whether a WebP stores the pixels exactly. It has no effect on other formats.
    pub lossless: bool,
}
