//! Decodes bytes to pictures: the header, then pixels and metadata, then the orientation.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    avif, bmp, colours,
    error::{DecodeError, broken},
    foreign::recognise,
    format::Format,
    gif,
    header::Header,
    jp2, jpeg, jxl,
    limits::{self, Limits},
    metadata::Metadata,
    notes::Notes,
    orientation::{apply_orientation_until, oriented_size},
    pages::no_such_page,
    pixels::{StoredImage, samples_per_pixel},
    png, tiff, webp,
};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{ColorSpace, DeepImage, Depth, Image},
};

/// A decoded file.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The pixels, orientation applied, in sRGB of 8 bits: what features, models and searches take. Of a file with 16 bits they are
    /// rounded, and of a file in another colour space they are converted.
    pub image: Image,
    /// The pixels of a file with 16 bits per sample as stored, orientation applied. `None` for files with fewer bits.
    pub deep: Option<DeepImage>,
    /// The pixels of a file with 8 bits per sample as stored, orientation applied, if its colour space is not sRGB.
    pub own: Option<Image>,
    /// The colour space of the stored pixels.
    pub space: ColorSpace,
    /// The metadata. The orientation is reset to 1 and the EXIF thumbnail removed.
    pub metadata: Metadata,
    /// The header of the file, before the orientation is applied.
    pub header: Header,
    /// Width and height of the whole picture, orientation applied. After [`decode_reduced`] the image may be smaller.
    pub size: (usize, usize),
    /// What decoding tolerated, left out or converted, and the metadata that it could not read.
    pub notes: Notes,
}

impl Picture {
    /// Returns the picture with its stored pixels taken for sRGB, as releases before colour spaces did.
    pub(crate) fn taken_as_srgb(mut self) -> Self {
        self.image = self.own.take().unwrap_or(self.image);
        self.space = ColorSpace::SRGB;
        self
    }
}

/// Reads the header and checks all limits and properties. Allocates nothing that grows with the number of pixels.
///
/// Cost: one pass over the segments of the file, no decoding.
///
/// # Errors
/// Every variant of [`DecodeError`]. `Ok` does not promise that the pixels decode.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, DecodeError> {
    limits.check_input(bytes)?;
    let format = recognise(bytes)?;
    if let Some(page) = limits.pages.page.filter(|page| format != Format::Tiff && page.get() > 1) {
        return Err(no_such_page(page, 1));
    }
    let header = match format {
        Format::Jpeg => jpeg::probe(bytes, limits.lenient),
        Format::Png => png::probe(bytes, limits.lenient),
        Format::WebP => webp::probe(bytes),
        Format::Tiff => tiff::probe(bytes, limits),
        Format::Bmp => bmp::probe(bytes, limits.lenient),
        Format::Gif => gif::probe(bytes, limits.lenient),
        Format::Jxl => guarded(Format::Jxl, || jxl::probe(bytes)),
        Format::Avif => avif::probe(bytes),
        Format::Jp2 => guarded(Format::Jp2, || jp2::probe(bytes, limits.lenient)),
    }?;
    let header = with_shown(header);
    limits.check_header(&header)?;
    Ok(header)
}

/// Counts what the picture shows in sRGB where that may be a second set of samples. With 16 bits it takes the place of the samples
/// rounded to 8 bits, which are counted.
fn with_shown(header: Header) -> Header {
    let &Header { width, height, channels, has_alpha, depth, .. } = &header;
    if !header.names_colours || depth != Depth::Eight {
        return header;
    }
    let samples = samples_per_pixel(channels, has_alpha);
    let shown = limits::decoded_bytes(width, height, samples, true, 0);
    Header { decoded_bytes: header.decoded_bytes.max(shown), ..header }
}

/// Decodes a file: [`probe`] first, then pixels and metadata. Then the orientation is applied to the pixels.
///
/// # Errors
/// Every variant of [`DecodeError`]. A file that ends early is [`DecodeError::Broken`], unless `limits` are lenient: then the
/// missing samples are black or what the decoder fills in, with a note. WebP, AVIF and JPEG 2000 files are refused then too. Malformed metadata
/// is no error: it is left out, with a note.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, DecodeError> {
    decode_until(bytes, limits, &Cancel::never())
}

/// Same as [`decode`], and stops once `cancel` is set.
///
/// # Errors
/// Same errors as [`decode`], and [`DecodeError::Cancelled`].
pub fn decode_until(bytes: &[u8], limits: &Limits, cancel: &Cancel) -> Result<Picture, DecodeError> {
    decode_by(bytes, limits, cancel, |_| Ok(None))
}

/// Decodes a file at a reduced size, for measurements that need no more. A JPEG is decoded to an eighth, a quarter or a half
/// of its sides (rounded up).
///
/// `side_min` returns, for a header, the fewest pixels that the longer side must keep. The smallest of these sizes that keeps
/// them is taken. Its samples are means of blocks, computed in the terms of the DCT, in a third to two thirds of the time.
/// Other formats and lossless JPEG are decoded whole.
///
/// [`Picture::image`] has the reduced size; [`Picture::size`] and [`Picture::header`] have the whole one. Limits are checked
/// for the whole picture, and all coded data are read. So a file that [`decode`] refuses is refused here with the same words.
/// The same bytes give the same pixels on every CPU.
///
/// # Errors
/// Same errors as [`decode`].
pub fn decode_reduced(
    bytes: &[u8],
    limits: &Limits,
    side_min: impl FnOnce(&Header) -> usize,
) -> Result<Picture, DecodeError> {
    decode_reduced_until(bytes, limits, &Cancel::never(), |header| Ok(side_min(header)))
}

/// Same as [`decode_reduced`], and stops once `cancel` is set or `side_min` says so.
///
/// # Errors
/// Same errors as [`decode`], and [`DecodeError::Cancelled`].
pub fn decode_reduced_until(
    bytes: &[u8],
    limits: &Limits,
    cancel: &Cancel,
    side_min: impl FnOnce(&Header) -> Result<usize, Cancelled>,
) -> Result<Picture, DecodeError> {
    decode_by(bytes, limits, cancel, |header| side_min(header).map(Some))
}

fn decode_by(
    bytes: &[u8],
    limits: &Limits,
    cancel: &Cancel,
    side_min: impl FnOnce(&Header) -> Result<Option<usize>, Cancelled>,
) -> Result<Picture, DecodeError> {
    let header = probe(bytes, limits)?;
    let side_min = side_min(&header)?;
    cancel.check()?;
    let (lenient, mut notes) = (limits.lenient, Notes::default());
    let pixels = || match header.format {
        Format::Jpeg => jpeg::decode(bytes, &header, side_min, lenient, &mut notes).map(StoredImage::from),
        Format::Png => png::decode(bytes, &header, lenient, &mut notes, cancel),
        Format::WebP => webp::decode(bytes, &header, cancel).map(StoredImage::from),
        Format::Tiff => tiff::decode(bytes, &header, limits, &mut notes, cancel),
        Format::Bmp => bmp::decode(bytes, &header, &mut notes, cancel).map(StoredImage::from),
        Format::Gif => gif::decode(bytes, &header, lenient, &mut notes, cancel).map(StoredImage::from),
        Format::Jxl => jxl::decode(bytes, &header, lenient, &mut notes, cancel),
        Format::Avif => avif::decode(bytes, &header, &mut notes, cancel),
        Format::Jp2 => jp2::decode(bytes, &header, &mut notes, cancel),
    };
    let stored = guarded(header.format, pixels)?;
    cancel.check()?;
    if header.format == Format::Tiff {
        notes.extend(tiff::notes(bytes, limits));
    }
    let mut metadata = metadata_of(header.format, bytes, limits, &mut notes);
    let orientation = metadata.orientation();
    let space = colours::space(&metadata, header.channels, &mut notes);
    let (image, deep, own) = match stored {
        StoredImage::Eight(image) => {
            let image = apply_orientation_until(image, orientation, cancel)?;
            if space.is_srgb() {
                (image, None, None)
            } else {
                (space.shown_until(&image, cancel)?, None, Some(image))
            }
        }
        StoredImage::Sixteen(deep) => {
            let deep = apply_orientation_until(deep, orientation, cancel)?;
            let image = if space.is_srgb() {
                deep.narrowed_until(cancel)?
            } else {
                space.shown_until(&deep, cancel)?
            };
            (image, Some(deep), None)
        }
    };
    metadata.settle(&mut notes);
    let size = oriented_size((header.width, header.height), orientation);
    Ok(Picture { image, deep, own, space, metadata, header, size, notes })
}

/// Runs a decoder. Decoders are other people's code and read hostile input. A panic in a decoder counts as a broken file.
fn guarded<T>(format: Format, decoder: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(decoder)).unwrap_or_else(|_| Err(broken(format, "its decoder gave up")))
}

/// Reads the metadata of a file.
pub(super) fn metadata_of(format: Format, bytes: &[u8], limits: &Limits, notes: &mut Notes) -> Metadata {
    let lenient = limits.lenient;
    match format {
        Format::Jpeg => jpeg::metadata(bytes, lenient, notes),
        Format::Png => png::metadata(bytes, lenient, notes),
        Format::WebP => webp::metadata(bytes, notes),
        Format::Tiff => tiff::metadata(bytes, limits),
        Format::Bmp => bmp::metadata(bytes, notes),
        Format::Gif => gif::metadata(bytes, lenient, notes),
        Format::Jxl => guarded(format, || Ok(jxl::metadata(bytes, notes))).unwrap_or_default(),
        Format::Avif => avif::metadata(bytes, notes),
        Format::Jp2 => guarded(format, || Ok(jp2::metadata(bytes, notes))).unwrap_or_default(),
    }
}
