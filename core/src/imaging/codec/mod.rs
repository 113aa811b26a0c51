//! Bytes to pictures and back, with everything in a file that is not pixels.
//!
//! JPEG, PNG, WebP, TIFF and BMP with 8 bits per sample. Every input is a stranger's: limits are checked from the
//! header before pixels are allocated, cut-off files are refused, and what would not survive (16 bits, CMYK,
//! animations, pages) is refused by name instead of being reduced. The same picture gives the same bytes.
//!
//! Each format has a file for its pixels and one for its container; [`Metadata`] is what they have in common.

mod bmp;
mod endian;
mod error;
mod exif;
mod format;
mod ifd;
mod iptc;
mod jpeg;
mod jpeg_segments;
mod limits;
mod memory;
mod metadata;
mod orientation;
mod pixels;
mod png;
mod png_chunks;
mod subsampling;
mod tiff;
mod webp;
mod webp_chunks;
mod webp_lossy;
mod xmp;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Channels, Image};

pub use error::{DecodeError, EncodeError};
pub use format::{Format, UnknownFormatName};
pub use limits::Limits;
pub use metadata::{Metadata, MetadataPolicy, Resolution, ResolutionUnit, UnknownMetadataPolicy};
pub use orientation::apply_orientation;
use orientation::oriented_size;
pub use subsampling::Subsampling;

/// The quality of JPEG and lossy WebP when none is asked for.
pub const QUALITY_DEFAULT: u8 = 95;

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
        .unwrap_or_else(|_| Err(error::broken(header.format, "its decoder gave up")))?;
    let mut metadata = metadata_of(header.format, bytes);
    let orientation = metadata.orientation();
    let image = apply_orientation(image, orientation);
    metadata.settle();
    let size = oriented_size((header.width, header.height), orientation);
    Ok(Picture { image, metadata, header, size })
}

fn metadata_of(format: Format, bytes: &[u8]) -> Metadata {
    match format {
        Format::Jpeg => jpeg::metadata(bytes),
        Format::Png => png::metadata(bytes),
        Format::WebP => webp::metadata(bytes),
        Format::Tiff => tiff::metadata(bytes),
        Format::Bmp => bmp::metadata(bytes),
    }
}

/// Encodes a picture with as much of the metadata as the container holds.
///
/// Grey becomes RGB in WebP, grey with alpha also in BMP; a grey ICC profile is then left out, as it no longer fits.
///
/// # Errors
/// Every variant of [`EncodeError`]. The quality is checked for every format.
pub fn encode(image: &Image, metadata: &Metadata, encoding: &Encoding) -> Result<Vec<u8>, EncodeError> {
    let quality = encoding.quality.unwrap_or(QUALITY_DEFAULT);
    if !(1..=100).contains(&quality) {
        return Err(EncodeError::Quality { got: quality });
    }
    match encoding.format {
        Format::Jpeg => jpeg::encode(image, quality, encoding.subsampling, metadata),
        Format::Png => png::with_metadata(&png::encode(image)?, metadata),
        Format::WebP => {
            let coded = webp::encode(image, encoding.lossless, quality)?;
            webp::with_metadata(&coded, &without_grey_profile(image, metadata))
        }
        Format::Tiff => tiff::encode(image, metadata),
        Format::Bmp => bmp::encode(image, metadata),
    }
}

/// The metadata for a container that turns grey into RGB: a profile for grey (ICC.1, data colour space) must not stay.
fn without_grey_profile<'a>(image: &Image, metadata: &'a Metadata) -> Cow<'a, Metadata> {
    let grey_profile = metadata.icc.as_deref().is_some_and(|icc| icc.get(16..20) == Some(b"GRAY"));
    if image.channels() == Channels::Grey && grey_profile {
        return Cow::Owned(Metadata { icc: None, ..metadata.clone() });
    }
    Cow::Borrowed(metadata)
}

/// Same coded pixels, other metadata: rewrites the container of a JPEG, PNG or WebP file. `None` for TIFF, BMP and
/// unknown formats.
///
/// The pixels are not turned here, so the orientation of `bytes` survives whatever `metadata` says. JPEG comments and
/// application segments that [`Metadata`] does not know are left out.
///
/// # Errors
/// When the container is broken or a block of metadata does not fit into it.
pub fn replace_metadata(bytes: &[u8], metadata: &Metadata) -> Option<Result<Vec<u8>, EncodeError>> {
    let format = Format::sniff(bytes)?;
    let rewrite = match format {
        Format::Jpeg => jpeg::with_metadata,
        Format::Png => png::with_metadata,
        Format::WebP => webp::with_metadata,
        Format::Tiff | Format::Bmp => return None,
    };
    let metadata = metadata.clone().with_orientation(metadata_of(format, bytes).orientation());
    Some(rewrite(bytes, &metadata))
}

/// The encoder behind a format with its versions, for receipts: the same words promise the same bytes.
pub fn encoder_version(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "libjpeg-turbo 3.1.0 / turbojpeg 1.5.1",
        Format::Png => "png 0.18.1 / image 0.25.10",
        Format::WebP => "libwebp 1.6.0 / libwebp-sys 0.14.4; lossless image-webp 0.2.4",
        Format::Tiff => "tiff 0.11.3",
        Format::Bmp => "image 0.25.10",
    }
}

/// Whether receipts of earlier builds name this encoder, which the present one replaces. The present encoder writes the
/// same pixels, but perhaps other bytes.
pub fn is_replaced_encoder(version: &str) -> bool {
    version == "libwebp 1.3.1 / webp 0.3.1; lossless image-webp 0.2.4"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The version of a crate in the lock file, if it occurs once.
    fn locked(name: &str) -> String {
        let lock = include_str!("../../../../Cargo.lock");
        let head = format!("name = \"{name}\"\nversion = \"");
        let mut found = lock.split(&head).skip(1).map(|rest| rest.split('"').next().unwrap());
        let version = found.next().expect(name).to_owned();
        assert_eq!(found.next(), None, "{name} is locked twice");
        version
    }

    #[test]
    fn encoder_versions_are_those_of_the_lock_file() {
        let crates: [(Format, &[&str]); 5] = [
            (Format::Jpeg, &["turbojpeg"]),
            (Format::Png, &["png", "image"]),
            (Format::WebP, &["libwebp-sys", "image-webp"]),
            (Format::Tiff, &["tiff"]),
            (Format::Bmp, &["image"]),
        ];
        for (format, names) in crates {
            for name in names {
                let expected = format!("{name} {}", locked(name));
                assert!(encoder_version(format).contains(&expected), "{format}: {expected}");
            }
        }
        // The C libraries inside: libjpeg-turbo 3.1.0 in turbojpeg-sys 1.2.0, libwebp 1.6.0 in libwebp-sys 0.14.4.
        assert_eq!((locked("turbojpeg-sys").as_str(), locked("libwebp-sys").as_str()), ("1.2.0", "0.14.4"));
    }
}
