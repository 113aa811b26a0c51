//! The header: what a file states about its picture before the pixels are decoded.

use super::{format::Format, subsampling::Subsampling};
use crate::imaging::{Channels, Depth};

/// The properties of a picture that its file states without decoded pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The container.
    pub format: Format,
    /// Width in pixels as stored, before the orientation is applied.
    pub width: usize,
    /// Height in pixels as stored, before the orientation is applied.
    pub height: usize,
    /// Grey or RGB. Palettes are RGB, but a BMP palette with nothing but greys is grey.
    pub channels: Channels,
    /// Whether the picture has an alpha plane.
    pub has_alpha: bool,
    /// Bits per sample once decoded: fewer than 8 are decoded to 8, and 9 to 15 and floating-point numbers to 16.
    pub depth: Depth,
    /// Estimate of the most memory that decoding takes at one time, in bytes, without the file itself. It is the samples with
    /// alpha plus the largest of these numbers:
    ///
    /// - what the decoder holds besides them: coefficients of progressive and non-interleaved JPEG, transforms of WebP, the
    ///   copied data of PNG and JPEG, the indices of a palette;
    /// - a second copy of the picture while alpha is split off or the orientation is applied;
    /// - the samples rounded to 8 bits, if the file has 16;
    /// - what the picture shows in sRGB, if the file may name another colour space.
    ///
    /// Metadata comes on top: see [`Header::metadata_bytes`].
    pub decoded_bytes: u64,
    /// Most bytes of the metadata once they are read. Compressed blocks are not inflated for it: they count with the most
    /// that they can inflate to, at most 16 MiB each.
    pub metadata_bytes: u64,
    /// Chroma subsampling of a JPEG. `None` for other formats.
    pub jpeg_subsampling: Option<Subsampling>,
    /// Whether the file has a mark that may name another colour space than sRGB: a profile, colour chunks of PNG, EXIF that names Adobe
    /// RGB. What the picture shows in sRGB may then take a second set of samples.
    pub names_colours: bool,
    /// Whether the file stores its pixels exactly: PNG, TIFF, BMP, lossless WebP and lossless JPEG.
    pub lossless: bool,
}
