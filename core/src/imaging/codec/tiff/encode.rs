//! Writes TIFF: the pixels by the `tiff` crate, the directory with the metadata here.

use std::io::Cursor;

use tiff::encoder::colortype::{ColorType as EncoderColour, Gray8, Gray16, RGB8, RGB16};
use tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, TiffValue};
use tiff::tags::ExtraSamples;

use super::super::error::{EncodeError, failed};
use super::super::format::Format;
use super::super::ifd::{self, Stream, Value};
use super::super::metadata::Metadata;
use super::super::portable_tags::PortableTags;
use super::super::resolution::{Resolution, ResolutionUnit};
use super::super::tiff_compression::TiffCompression;
use super::super::{bounds, pixels};
use super::tags::{ICC, IPTC, PHOTOSHOP, XMP};
use crate::imaging::{Channels, Image, Sample};

/// A type of samples that TIFF holds, with the encoder's names of its pixels.
pub(in super::super) trait TiffSample: Sample {
    /// Grey pixels.
    type Grey: EncoderColour<Inner = Self>;
    /// Pixels of red, green and blue.
    type Rgb: EncoderColour<Inner = Self>;
    /// Alpha of what is not transparent.
    const OPAQUE: Self;
}

impl TiffSample for u8 {
    type Grey = Gray8;
    type Rgb = RGB8;
    const OPAQUE: u8 = u8::MAX;
}

impl TiffSample for u16 {
    type Grey = Gray16;
    type Rgb = RGB16;
    const OPAQUE: u16 = u16::MAX;
}

/// Encodes the picture with its metadata.
pub(in super::super) fn encode<S: TiffSample>(
    image: &Image<S>,
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError>
where
    [S]: TiffValue,
{
    let out = packed_file(image, metadata.tiff_compression)?;
    let mut file = describe(out, metadata).ok_or_else(|| failed(Format::Tiff, "the file outgrows 4 GiB"))?;
    file.shrink_to_fit();
    Ok(file)
}

/// Encodes the picture without metadata.
pub(super) fn packed_file<S: TiffSample>(
    image: &Image<S>,
    packing: Option<TiffCompression>,
) -> Result<Vec<u8>, EncodeError>
where
    [S]: TiffValue,
{
    let out = match image.channels() {
        Channels::Grey => encode_pixels::<S, S::Grey>(image, packing),
        Channels::Rgb => encode_pixels::<S, S::Rgb>(image, packing),
    };
    out.map_err(|e| failed(Format::Tiff, e))
}

/// Encodes the pixels, with horizontal differences for LZW and Deflate without alpha.
fn encode_pixels<S: TiffSample, C: EncoderColour<Inner = S>>(
    image: &Image<S>,
    packing: Option<TiffCompression>,
) -> Result<Vec<u8>, tiff::TiffError>
where
    [S]: TiffValue,
{
    // Room for the longest file, so that it never moves: the system only provides the pages that are written.
    let mut out = Cursor::new(Vec::with_capacity(bounds::tiff_bytes_max(image)));
    let (compression, takes_differences) = match packing {
        None => (Compression::Lzw, true),
        Some(TiffCompression::Deflate) => (Compression::Deflate(DeflateLevel::Balanced), true),
        Some(TiffCompression::PackBits) => (Compression::Packbits, false),
        Some(TiffCompression::Uncompressed) => (Compression::Uncompressed, false),
    };
    // The encoder takes differences three samples apart (grey: one). With alpha these would mix channels, so there are none.
    let takes_differences = takes_differences && image.alpha().is_none();
    let predictor = if takes_differences { Predictor::Horizontal } else { Predictor::None };
    let mut encoder = TiffEncoder::new(&mut out)?.with_compression(compression).with_predictor(predictor);
    let mut page = encoder.new_image::<C>(u32::try_from(image.width())?, u32::try_from(image.height())?)?;
    if image.alpha().is_some() {
        page.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    page.write_data(&pixels::interleaved(image))?;
    Ok(out.into_inner())
}

/// Appends a directory with the tags of the encoder and the metadata, and lets the header point to it.
fn describe(mut file: Vec<u8>, metadata: &Metadata) -> Option<Vec<u8>> {
    let stream = Stream::open(&file)?;
    let directory = stream.first()?;
    let values = metadata_values(directory.fields.iter().map(|f| stream.copy(f)).collect(), metadata);
    let at = tables_of(metadata).append_to(&mut file, values)?;
    file[4..8].copy_from_slice(&at.to_le_bytes());
    Some(file)
}

/// Returns the encoder's tags with those of the metadata in the first directory.
pub(super) fn metadata_values(mut values: Vec<Value>, metadata: &Metadata) -> Vec<Value> {
    let resolution = [282, 283, 296];
    values.retain(|value| !resolution.contains(&value.tag));
    let Resolution { x, y, unit } =
        metadata.resolution.unwrap_or(Resolution { x: 1.0, y: 1.0, unit: ResolutionUnit::Aspect });
    let unit = match unit {
        ResolutionUnit::Aspect => 1,
        ResolutionUnit::Inch => 2,
        ResolutionUnit::Centimetre => 3,
    };
    values.extend([Value::rational(282, x), Value::rational(283, y), Value::short(296, unit)]);
    let blocks = [
        (ICC, ifd::UNDEFINED, &metadata.icc),
        (XMP, ifd::BYTE, &metadata.xmp),
        (IPTC, ifd::UNDEFINED, &metadata.iptc),
        (PHOTOSHOP, ifd::BYTE, &metadata.photoshop),
    ];
    for (tag, kind, bytes) in blocks {
        values.extend(bytes.iter().map(|bytes| Value { tag, kind, bytes: bytes.clone() }));
    }
    values
}

/// Returns the entries of the EXIF block.
pub(super) fn tables_of(metadata: &Metadata) -> PortableTags {
    let exif = metadata.exif.as_deref().and_then(Stream::open);
    exif.map(|stream| PortableTags::read_first(&stream)).unwrap_or_default()
}
