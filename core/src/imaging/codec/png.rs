//! PNG by the `image` crate. Palettes and samples of 1, 2 and 4 bits are decoded to 8 bits; 16 bits are refused.

use std::io::{self, Cursor, Write};

use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageEncoder};

use super::endian::Endian;
use super::error::{DecodeError, EncodeError, broken, failed, unsupported};
use super::format::Format;
use super::header::Header;
use super::limits;
use super::metadata::Metadata;
use super::pixels;
use super::png_chunks::{self as chunks, PngChunk};
use crate::imaging::{Channels, Image};

/// Reads the header from the chunks. Pixels stay coded.
pub(super) fn probe(bytes: &[u8]) -> Result<Header, DecodeError> {
    let walked = walk(bytes, false)?;
    let head = &bytes[walked[0].data.clone()];
    let side = |at| Endian::Big.u32(head, at).map_or(0, |v| v as usize);
    let (width, height, depth) = (side(0), side(4), head[8]);
    if width == 0 || height == 0 || width.max(height) > i32::MAX as usize {
        return Err(broken(Format::Png, "a side is zero or beyond 31 bits"));
    }
    if depth == 16 {
        return Err(unsupported(Format::Png, "16-bit samples"));
    }
    let has = |kind: &[u8; 4]| walked.iter().any(|c| &c.kind == kind);
    if has(b"acTL") {
        return Err(unsupported(Format::Png, "an animation"));
    }
    if !has(b"IDAT") {
        return Err(broken(Format::Png, "it has no picture data"));
    }
    let (channels, has_alpha) = match head[9] {
        0 => (Channels::Grey, has(b"tRNS")),
        2 | 3 => (Channels::Rgb, has(b"tRNS")),
        4 => (Channels::Grey, true),
        6 => (Channels::Rgb, true),
        kind => return Err(broken(Format::Png, format!("colour type {kind} does not exist"))),
    };
    let copied = has_alpha || chunks::orientation(bytes, &walked) != 1;
    let samples = pixels::samples_per_pixel(channels, has_alpha);
    // Besides the picture, the decoder holds a copy of the coded data and two filtered rows.
    let working = (bytes.len() + 8 * width) as u64;
    Ok(Header {
        format: Format::Png,
        width,
        height,
        channels,
        has_alpha,
        decoded_bytes: limits::decoded_bytes(width, height, samples, copied, working),
        metadata_bytes: chunks::metadata_bytes(&walked),
        jpeg_subsampling: None,
        lossless: true,
    })
}

/// Finds the chunks.
fn walk(bytes: &[u8], checked: bool) -> Result<Vec<PngChunk>, DecodeError> {
    chunks::walk(bytes, checked).map_err(|reason| broken(Format::Png, reason))
}

/// Decodes the pixels of a probed file. The decoder gets the chunks of the picture only, so texts and profiles cost nothing.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Image, DecodeError> {
    let walked = walk(bytes, true)?;
    let bare = chunks::bare(bytes, &walked).map_err(|e| broken(Format::Png, e))?;
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(header.decoded_bytes);
    let decoder = PngDecoder::with_limits(Cursor::new(bare), limits).map_err(|e| broken(Format::Png, e))?;
    let expected = match (header.channels, header.has_alpha) {
        (Channels::Grey, false) => ColorType::L8,
        (Channels::Grey, true) => ColorType::La8,
        (Channels::Rgb, false) => ColorType::Rgb8,
        (Channels::Rgb, true) => ColorType::Rgba8,
    };
    read(Format::Png, decoder, header, expected)
}

/// Reads the pixels of a decoder. Its sides and colours must agree with the checked header.
pub(super) fn read(
    format: Format,
    decoder: impl ImageDecoder,
    header: &Header,
    expected: ColorType,
) -> Result<Image, DecodeError> {
    let (width, height) = (header.width, header.height);
    let samples = usize::from(expected.channel_count());
    let agrees = decoder.dimensions() == (width as u32, height as u32) && decoder.color_type() == expected;
    if !agrees || decoder.total_bytes() != (width * height * samples) as u64 {
        return Err(broken(format, "its headers contradict each other"));
    }
    let mut interleaved = vec![0; width * height * samples];
    decoder.read_image(&mut interleaved).map_err(|e| broken(format, e))?;
    let channels = if samples < 3 { Channels::Grey } else { Channels::Rgb };
    pixels::split(width, height, channels, samples % 2 == 0, interleaved)
        .ok_or_else(|| broken(format, "its headers contradict each other"))
}

/// Reads the metadata.
pub(super) fn metadata(bytes: &[u8]) -> Metadata {
    chunks::walk(bytes, false).map(|walked| chunks::metadata(bytes, &walked)).unwrap_or_default()
}

/// Encodes 8-bit PNG, grey or RGB, with or without alpha: fast compression, adaptive filters.
pub(super) fn encode(image: &Image) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (image.width(), image.height());
    if width.max(height) > i32::MAX as usize {
        return Err(EncodeError::TooLarge { format: Format::Png, width, height, max: i32::MAX as usize });
    }
    let colour = match (image.channels(), image.alpha().is_some()) {
        (Channels::Grey, false) => ExtendedColorType::L8,
        (Channels::Grey, true) => ExtendedColorType::La8,
        (Channels::Rgb, false) => ExtendedColorType::Rgb8,
        (Channels::Rgb, true) => ExtendedColorType::Rgba8,
    };
    let mut out = Tight(Vec::new());
    PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
        .write_image(&pixels::interleaved(image), width as u32, height as u32, colour)
        .map_err(|e| failed(Format::Png, e))?;
    Ok(out.0)
}

/// Collects what the encoder writes, with little room to spare. The encoder writes the picture in one piece and then a
/// few bytes. For those, an ordinary vector would double its memory.
struct Tight(Vec<u8>);

impl Write for Tight {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const SPARE: usize = 64;
        if self.0.capacity() - self.0.len() < bytes.len() {
            self.0.reserve_exact(bytes.len() + SPARE);
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the same coded picture with other metadata.
pub(super) fn with_metadata(bytes: &[u8], metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let walked = chunks::walk(bytes, false).map_err(|reason| failed(Format::Png, reason))?;
    chunks::with_metadata(bytes, &walked, metadata)
}
