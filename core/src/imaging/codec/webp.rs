//! WebP: decoded and losslessly encoded by `image-webp` (through `image`), lossily encoded by libwebp.
//!
//! WebP has no grey: grey pictures are written as RGB and read as RGB. Alpha is coded losslessly in both modes. Colours under
//! full transparency are kept in lossless mode.

use std::io::Cursor;

use image::codecs::webp::{WebPDecoder, WebPEncoder};
use image::{ColorType, ExtendedColorType};

use super::error::{DecodeError, EncodeError, broken, failed, unsupported_but};
use super::format::Format;
use super::header::Header;
use super::metadata::Metadata;
use super::notes::Notes;
use super::webp_chunks::{self as chunks, WebpChunk};
use super::{exif, limits, pixels, png, webp_lossy};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image, alpha},
};

/// Longest side of VP8. Lossless allows one pixel more.
const SIDE_MAX: usize = 16_383;

/// Reads the headers of container and picture.
pub(super) fn probe(bytes: &[u8]) -> Result<Header, DecodeError> {
    let walked = walk(bytes)?;
    let has = |kind| chunks::find(bytes, &walked, kind).is_some();
    let extended = chunks::find(bytes, &walked, b"VP8X").and_then(|d| d.first()).copied().unwrap_or(0);
    if extended & chunks::ANIMATION_FLAG != 0 || has(b"ANIM") || has(b"ANMF") {
        let help = "save one frame of it as a still picture first";
        return Err(unsupported_but(Format::WebP, "an animation", help));
    }
    let lossless = has(b"VP8L");
    if lossless == has(b"VP8 ") {
        return Err(broken(Format::WebP, "it has not exactly one picture"));
    }
    let shape = chunks::shape(bytes, &walked).filter(|s| s.0 > 0 && s.1 > 0);
    let (width, height, has_alpha) = shape.ok_or_else(|| broken(Format::WebP, "its header is too short"))?;
    // The decoder makes room for the coded picture before it compares both.
    if chunks::coded_sides(bytes, &walked) != Some((width, height)) {
        return Err(broken(Format::WebP, "its canvas and its picture have different sides"));
    }
    let n_pixels = width as u64 * height as u64;
    // Lossless: 4 bytes per pixel and as many again for transforms. Lossy: the 4:2:0 frame; its ALPH is coded losslessly.
    // Lossy data are copied once more.
    let copies = if lossless { 1 } else { 2 };
    let working = copies * bytes.len() as u64 + n_pixels * if lossless || has_alpha { 8 } else { 2 };
    let metadata = chunks::metadata(bytes, &walked, &mut Notes::default());
    let turned = metadata.orientation() != 1;
    let names_colours = metadata.icc.is_some() || metadata.exif.as_deref().is_some_and(exif::is_adobe_rgb);
    let samples = pixels::samples_per_pixel(Channels::Rgb, has_alpha);
    let copied = has_alpha || turned;
    Ok(Header {
        format: Format::WebP,
        width,
        height,
        channels: Channels::Rgb,
        has_alpha,
        depth: Depth::Eight,
        decoded_bytes: limits::decoded_bytes(width, height, samples, copied, working),
        metadata_bytes: chunks::metadata_bytes(&walked),
        jpeg_subsampling: None,
        names_colours,
        lossless,
    })
}

/// Finds the chunks.
fn walk(bytes: &[u8]) -> Result<Vec<WebpChunk>, DecodeError> {
    chunks::walk(bytes).map_err(|reason| broken(Format::WebP, reason))
}

/// Decodes the pixels of a probed file. The decoder gets a container without metadata.
pub(super) fn decode(bytes: &[u8], header: &Header, cancel: &Cancel) -> Result<Image, DecodeError> {
    let bare = chunks::with_metadata(bytes, &walk(bytes)?, &Metadata::default());
    let bare = bare.map_err(|e| broken(Format::WebP, e))?;
    let decoder = WebPDecoder::new(Cursor::new(bare)).map_err(|e| broken(Format::WebP, e))?;
    let expected = if header.has_alpha { ColorType::Rgba8 } else { ColorType::Rgb8 };
    png::read(Format::WebP, decoder, header, expected, cancel)
}

/// Reads the metadata.
pub(super) fn metadata(bytes: &[u8], notes: &mut Notes) -> Metadata {
    chunks::walk(bytes).map(|walked| chunks::metadata(bytes, &walked, notes)).unwrap_or_default()
}

/// Encodes losslessly, or lossily with `quality` (1–100) and libwebp's default effort. Lossy pictures have the colours that are seen
/// around it under alpha 0.
pub(super) fn encode(image: &Image, lossless: bool, quality: u8) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (image.width(), image.height());
    if width.max(height) > SIDE_MAX {
        return Err(EncodeError::TooLarge { format: Format::WebP, width, height, max: SIDE_MAX });
    }
    let image = pixels::as_rgb(image);
    let has_alpha = image.alpha().is_some();
    if has_alpha && !lossless {
        // A lossy encoder mixes colours within blocks, hidden ones into visible ones. What is visible takes less memory once it is
        // interleaved, so the copy is dropped.
        let samples = pixels::interleaved(&alpha::without_hidden(&image)).into_owned();
        return webp_lossy::encode(&samples, (width, height), has_alpha, quality)
            .map_err(|e| failed(Format::WebP, e));
    }
    let samples = pixels::interleaved(&image);
    if lossless {
        let colour = if has_alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
        let mut out = Vec::new();
        WebPEncoder::new_lossless(&mut out)
            .encode(&samples, width as u32, height as u32, colour)
            .map_err(|e| failed(Format::WebP, e))?;
        return Ok(out);
    }
    webp_lossy::encode(&samples, (width, height), has_alpha, quality).map_err(|e| failed(Format::WebP, e))
}

/// Returns the same coded picture with other metadata.
pub(super) fn with_metadata(bytes: &[u8], metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let walked = chunks::walk(bytes).map_err(|reason| failed(Format::WebP, reason))?;
    chunks::with_metadata(bytes, &walked, metadata)
}
