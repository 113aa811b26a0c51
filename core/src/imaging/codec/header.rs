//! What a file says about its picture before the pixels are decoded.

use super::{format::Format, subsampling::Subsampling};
use crate::imaging::Channels;

/// What is known of a file without decoding its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The container.
    pub format: Format,
    /// Width as stored, before orientation.
    pub width: usize,
    /// Height as stored, before orientation.
    pub height: usize,
    /// Grey or RGB. Palettes are RGB (in BMP: grey when they hold nothing but greys).
    pub channels: Channels,
    /// Whether an alpha plane comes with it.
    pub has_alpha: bool,
    /// An estimate of the most memory that decoding takes at one time, in bytes, the file itself excluded: the samples
    /// with alpha, and the larger of (a) what the decoder holds beside them (coefficients of progressive and
    /// non-interleaved JPEG, transforms of WebP, the copied data of PNG, a palette's indices) and (b) a second copy
    /// while alpha is split off or the orientation is applied. Metadata (at most 16 MiB a block) comes on top.
    pub decoded_bytes: u64,
    /// Chroma subsampling of a JPEG.
    pub jpeg_subsampling: Option<Subsampling>,
    /// Whether the file stores its pixels exactly: PNG, TIFF, BMP, lossless WebP and lossless JPEG.
    pub lossless: bool,
}
