//! Bytes to pictures: the header, then pixels and metadata, then the orientation.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    bmp,
    error::{DecodeError, broken},
    format::Format,
    header::Header,
    jpeg,
    limits::Limits,
    metadata::Metadata,
    orientation::{apply_orientation, oriented_size},
    png, tiff, webp,
};
use crate::imaging::Image;

/// A decoded file.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The pixels, orientation applied.
    pub image: Image,
    /// The metadata, orientation reset to 1, EXIF thumbnail gone.
    pub metadata: Metadata,
    /// The header as stored.
    pub header: Header,
    /// Width and height of the whole picture, orientation applied; [`decode_reduced`] gives a smaller image.
    pub size: (usize, usize),
}

/// Reads the header and checks every limit and property; allocates nothing that grows with the pixels.
///
/// Cost: one walk through the file's segments, no decoding.
///
/// # Errors
/// Every variant of [`DecodeError`]. `Ok` does not promise that the pixels decode.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, DecodeError> {
    limits.check_input(bytes)?;
    let header = match Format::sniff(bytes).ok_or(DecodeError::UnknownFormat)? {
        Format::Jpeg => jpeg::probe(bytes),
        Format::Png => png::probe(bytes),
        Format::WebP => webp::probe(bytes),
        Format::Tiff => tiff::probe(bytes),
        Format::Bmp => bmp::probe(bytes),
    }?;
    limits.check_header(&header)?;
    Ok(header)
}

/// Decodes a file: [`probe`] first, then pixels and metadata; then the orientation is applied.
///
/// # Errors
/// Every variant of [`DecodeError`]; a file that ends early is [`DecodeError::Broken`]. Malformed metadata is no
/// error: it is left out.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, DecodeError> {
    decode_by(bytes, limits, |_| None)
}

/// Decodes a file for a look at it: as [`decode`], but a JPEG whose longer side stays at least the pixels that `side_min` makes of its header is
/// decoded to a half, a quarter or an eighth of its sides (rounded up), which is the mean of its blocks' samples in the
/// DCT's terms, in a third to two thirds of the time. Other formats and lossless JPEG are decoded as they are.
///
/// [`Picture::image`] has the reduced size, [`Picture::size`] and [`Picture::header`] the whole one. Limits are checked as for the whole
/// picture, and all coded data are read: what cannot be decoded whole is refused here too, with the same words. The same
/// bytes give the same pixels on every CPU.
///
/// # Errors
/// As [`decode`].
pub fn decode_reduced(
    bytes: &[u8],
    limits: &Limits,
    side_min: impl FnOnce(&Header) -> usize,
) -> Result<Picture, DecodeError> {
    decode_by(bytes, limits, |header| Some(side_min(header)))
}

fn decode_by(
    bytes: &[u8],
    limits: &Limits,
    side_min: impl FnOnce(&Header) -> Option<usize>,
) -> Result<Picture, DecodeError> {
    let header = probe(bytes, limits)?;
    let side_min = side_min(&header);
    let pixels = || match header.format {
        Format::Jpeg => match side_min {
            Some(side_min) => jpeg::decode_reduced(bytes, &header, side_min),
            None => jpeg::decode(bytes, &header),
        },
        Format::Png => png::decode(bytes, &header),
        Format::WebP => webp::decode(bytes, &header),
        Format::Tiff => tiff::decode(bytes, &header),
        Format::Bmp => bmp::decode(bytes, &header),
    };
    // The decoders are other people's code under hostile input: a panic there is a broken file, not a fault of ours.
    let image = catch_unwind(AssertUnwindSafe(pixels))
        .unwrap_or_else(|_| Err(broken(header.format, "its decoder gave up")))?;
    let mut metadata = metadata_of(header.format, bytes);
    let orientation = metadata.orientation();
    let image = apply_orientation(image, orientation);
    metadata.settle();
    let size = oriented_size((header.width, header.height), orientation);
    Ok(Picture { image, metadata, header, size })
}

/// Reads the metadata of a file.
pub(super) fn metadata_of(format: Format, bytes: &[u8]) -> Metadata {
    match format {
        Format::Jpeg => jpeg::metadata(bytes),
        Format::Png => png::metadata(bytes),
        Format::WebP => webp::metadata(bytes),
        Format::Tiff => tiff::metadata(bytes),
        Format::Bmp => bmp::metadata(bytes),
    }
}
