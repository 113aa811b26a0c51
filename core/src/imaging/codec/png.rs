//! PNG: decoded by the `png` crate, encoded by `png_rows`. Palettes and samples of 1, 2 and 4 bits are decoded to 8 bits;
//! 16 bits stay 16 bits.

use std::io::Cursor;

use image::{ColorType, ImageDecoder};

use super::endian::Endian;
use super::error::{DecodeError, EncodeError, broken, cut_off, failed, unsupported_but};
use super::format::Format;
use super::header::Header;
use super::limits;
use super::memory::zeroed;
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use super::pixels::{self, StoredImage};
use super::png_chunks::{self as chunks, Checks, Walked};
use super::png_mend::{self, Mended};
use super::png_rows;
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image, ImageRef, Sample},
};

/// Reads the header from the chunks. Pixels stay coded.
pub(super) fn probe(bytes: &[u8], lenient: bool) -> Result<Header, DecodeError> {
    let file = walk(bytes, Checks::None, lenient)?;
    let walked = &file.chunks;
    let head = &bytes[walked[0].data.clone()];
    let side = |at| Endian::Big.u32(head, at).map_or(0, |v| v as usize);
    let (width, height, depth) = (side(0), side(4), head[8]);
    if width == 0 || height == 0 || width.max(height) > i32::MAX as usize {
        return Err(broken(Format::Png, "a side is zero or beyond 31 bits"));
    }
    let depth = if depth == 16 { Depth::Sixteen } else { Depth::Eight };
    let has = |kind: &[u8; 4]| walked.iter().any(|c| &c.kind == kind);
    if has(b"acTL") {
        let help = "save one frame of it as a still picture first";
        return Err(unsupported_but(Format::Png, "an animation (APNG)", help));
    }
    if !has(b"IDAT") {
        return Err(broken(Format::Png, "it has no picture data"));
    }
    let depths: &[u8] = match head[9] {
        0 => &[1, 2, 4, 8, 16],
        3 => &[1, 2, 4, 8],
        _ => &[8, 16],
    };
    let (channels, has_alpha) = match head[9] {
        kind @ (0 | 2 | 3 | 4 | 6) if !depths.contains(&head[8]) => {
            let text = format!("{} bits do not exist for colour type {kind}", head[8]);
            return Err(broken(Format::Png, text));
        }
        0 => (Channels::Grey, has(b"tRNS")),
        2 | 3 => (Channels::Rgb, has(b"tRNS")),
        4 => (Channels::Grey, true),
        6 => (Channels::Rgb, true),
        kind => return Err(broken(Format::Png, format!("colour type {kind} does not exist"))),
    };
    // Alpha is split off by rows, but not that of interlaced files.
    let is_interlaced = head[12] != 0;
    let split =
        if is_interlaced { interlaced_bytes(n_pixels(width, height), channels, has_alpha, depth) } else { 0 };
    let turned = chunks::orientation(bytes, walked) != 1;
    let samples = pixels::samples_per_pixel(channels, has_alpha);
    // Besides the picture, the decoder holds some filtered rows, and a copy of the coded data if other chunks come between.
    let rows = (4 * (samples * depth.bytes()) as u64).saturating_mul(width as u64);
    let working = (bytes.len() as u64).saturating_add(rows).saturating_add(split);
    let decoded_bytes = match depth {
        Depth::Eight => limits::decoded_bytes,
        Depth::Sixteen => limits::deep_decoded_bytes,
    };
    Ok(Header {
        format: Format::Png,
        width,
        height,
        channels,
        has_alpha,
        depth,
        decoded_bytes: decoded_bytes(width, height, samples, turned, working),
        metadata_bytes: chunks::metadata_bytes(bytes, walked),
        jpeg_subsampling: None,
        names_colours: chunks::names_colours(bytes, walked),
        lossless: true,
    })
}

/// Bytes that an interlaced picture takes besides its samples, for alpha while it is split off. With 16 bits the decoder's
/// bytes are another copy of all samples.
fn interlaced_bytes(n_pixels: u64, channels: Channels, has_alpha: bool, depth: Depth) -> u64 {
    let samples = match depth {
        Depth::Eight => usize::from(has_alpha),
        Depth::Sixteen => 2 * (pixels::samples_per_pixel(channels, has_alpha) + usize::from(has_alpha)),
    };
    n_pixels.saturating_mul(samples as u64)
}

/// Number of pixels.
fn n_pixels(width: usize, height: usize) -> u64 {
    (width as u64).saturating_mul(height as u64)
}

/// Finds the chunks.
fn walk(bytes: &[u8], checks: Checks, lenient: bool) -> Result<Walked, DecodeError> {
    chunks::walk(bytes, checks, lenient).map_err(|reason| {
        match reason.starts_with("it ends before") || reason.starts_with("the check sum") {
            true => cut_off(Format::Png, reason),
            false => broken(Format::Png, reason),
        }
    })
}

/// Decodes the pixels of a probed file. The decoder gets the chunks of the picture only, so texts and profiles cost nothing.
///
/// Rows are decoded one by one, straight into the picture; alpha is split off row by row. Interlaced files come in one piece.
/// If `lenient`, rows that are missing or damaged are zeros, and damaged data are tolerated; both with a note.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    lenient: bool,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<StoredImage, DecodeError> {
    match header.depth {
        Depth::Eight => decode_as::<u8>(bytes, header, lenient, notes, cancel).map(StoredImage::from),
        Depth::Sixteen => decode_as::<u16>(bytes, header, lenient, notes, cancel).map(StoredImage::from),
    }
}

/// A sample as PNG stores it.
trait PngSample: Sample {
    /// The depth as the decoder names it.
    const BITS: png::BitDepth;

    /// Makes samples of the decoder's bytes. For 8 bits these are the same buffer.
    fn of_bytes(bytes: Vec<u8>) -> Vec<Self>;

    /// Whether the decoder can write straight into a row of the picture. Returns the bytes of the row if so.
    fn as_bytes(row: &mut [Self]) -> Option<&mut [u8]>;

    /// Splits the decoder's bytes of a row into `n` colours per pixel, and alpha unless `alpha` is empty.
    fn split_row(bytes: &[u8], n: usize, row: &mut [Self], alpha: &mut [Self]);
}

impl PngSample for u8 {
    const BITS: png::BitDepth = png::BitDepth::Eight;

    fn of_bytes(bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn as_bytes(row: &mut [u8]) -> Option<&mut [u8]> {
        Some(row)
    }

    fn split_row(bytes: &[u8], n: usize, row: &mut [u8], alpha: &mut [u8]) {
        pixels::split_row(bytes, n, row, alpha);
    }
}

impl PngSample for u16 {
    const BITS: png::BitDepth = png::BitDepth::Sixteen;

    fn of_bytes(bytes: Vec<u8>) -> Vec<u16> {
        bytes.as_chunks::<2>().0.iter().map(|&v| u16::from_be_bytes(v)).collect()
    }

    fn as_bytes(_: &mut [u16]) -> Option<&mut [u8]> {
        None
    }

    fn split_row(bytes: &[u8], n: usize, row: &mut [u16], alpha: &mut [u16]) {
        let mut samples = bytes.as_chunks::<2>().0.iter().map(|&v| u16::from_be_bytes(v));
        if alpha.is_empty() {
            row.iter_mut().zip(samples).for_each(|(v, sample)| *v = sample);
            return;
        }
        for (pixel, alpha) in row.chunks_exact_mut(n).zip(alpha) {
            pixel.iter_mut().chain([alpha]).zip(&mut samples).for_each(|(v, sample)| *v = sample);
        }
    }
}

fn decode_as<S: PngSample>(
    bytes: &[u8],
    header: &Header,
    lenient: bool,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<Image<S>, DecodeError> {
    let walked = walk(bytes, Checks::All, lenient)?;
    note_damage(&walked, notes);
    let bare = chunks::bare(bytes, &walked).map_err(|e| broken(Format::Png, e))?;
    let limits = png::Limits { bytes: usize::try_from(header.decoded_bytes).unwrap_or(usize::MAX) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bare), limits);
    decoder.set_transformations(png::Transformations::EXPAND);
    let error = |e: png::DecodingError| defect(&e, lenient);
    let mut reader = decoder.read_info().map_err(error)?;
    let expected = match (header.channels, header.has_alpha) {
        (Channels::Grey, false) => png::ColorType::Grayscale,
        (Channels::Grey, true) => png::ColorType::GrayscaleAlpha,
        (Channels::Rgb, false) => png::ColorType::Rgb,
        (Channels::Rgb, true) => png::ColorType::Rgba,
    };
    let (width, height, n) = (header.width, header.height, header.channels.count());
    let info = reader.info();
    let stride = width * pixels::samples_per_pixel(header.channels, header.has_alpha) * S::DEPTH.bytes();
    let coded_stride = info.raw_row_length() - 1;
    let agrees = (info.width as usize, info.height as usize) == (width, height)
        && reader.output_color_type() == (expected, S::BITS)
        && reader.output_line_size(info.width) == Some(stride);
    if !agrees {
        return Err(contradiction(Format::Png));
    }
    if info.interlaced {
        let mut interleaved = zeroed(stride * height);
        match reader.next_frame(&mut interleaved) {
            Err(e) if lenient => {
                notes.add(
                    NoteKind::Tolerated,
                    format_args!("a part of the interlaced picture is missing: {}", meaning(&e)),
                );
            }
            frame => {
                frame.map_err(error)?;
            }
        }
        let interleaved = S::of_bytes(interleaved);
        return pixels::split(width, height, header.channels, header.has_alpha, interleaved, cancel)?
            .ok_or_else(|| contradiction(Format::Png));
    }
    let mut samples = zeroed::<S>(width * n * height);
    let mut alpha = if header.has_alpha { zeroed::<S>(width * height) } else { Vec::new() };
    let is_direct = !header.has_alpha && S::DEPTH == Depth::Eight;
    let mut mixed = vec![0; if is_direct { 0 } else { stride }];
    let mut is_whole = true;
    for (y, row) in samples.chunks_exact_mut(width * n).enumerate() {
        if y * stride % BYTES_PER_CHECK < stride {
            cancel.check()?;
        }
        let target = if is_direct { S::as_bytes(row) } else { None };
        match reader.read_row(target.unwrap_or(&mut mixed)) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(contradiction(Format::Png)),
            Err(e) if lenient && y > 0 => {
                let text = format!(
                    "only {y} of {height} rows can be decoded: {}; the others are zeros",
                    meaning(&e)
                );
                notes.add(NoteKind::Tolerated, text);
                is_whole = false;
                break;
            }
            Err(e) => {
                let mend = || png_mend::mended(bytes, &walked, coded_stride, height);
                let Some(Mended { bytes, rows }) = lenient.then(mend).flatten() else { return Err(error(e)) };
                let text = format!(
                    "only {rows} of {height} rows can be decoded: {}; the others are zeros",
                    meaning(&e)
                );
                notes.add(NoteKind::Tolerated, text);
                return decode_as(&bytes, header, false, notes, cancel);
            }
        }
        if !is_direct {
            let alpha = if header.has_alpha { &mut alpha[y * width..][..width] } else { &mut [] };
            S::split_row(&mixed, n, row, alpha);
        }
    }
    // The call after the last row reads the end of the compressed data, and finds what is wrong there.
    if is_whole {
        match reader.read_row(&mut mixed) {
            Ok(None) => {}
            Ok(Some(_)) => return Err(contradiction(Format::Png)),
            Err(e) if lenient => notes.add(NoteKind::Tolerated, meaning(&e)),
            Err(e) => return Err(error(e)),
        }
    }
    Image::of(width, height, header.channels, samples, header.has_alpha.then_some(alpha))
        .map_err(|e| broken(Format::Png, e))
}

/// What an error of the decoder means, in plain words.
fn meaning(error: &png::DecodingError) -> String {
    let text = error.to_string();
    if text.contains("deflate") {
        return "its compressed data are wrong or end too early".to_owned();
    }
    text.trim_end_matches('.').to_owned()
}

/// The refusal for an error of the decoder. A lenient caller has tried to restore what is there.
fn defect(error: &png::DecodingError, lenient: bool) -> DecodeError {
    let is_cut = error.to_string().contains("deflate");
    if is_cut && !lenient {
        cut_off(Format::Png, meaning(error))
    } else {
        broken(Format::Png, meaning(error))
    }
}

/// Notes the chunks of the picture that are damaged. Only a lenient caller gets them.
fn note_damage(walked: &Walked, notes: &mut Notes) {
    if walked.is_cut {
        notes.add(NoteKind::Tolerated, "the file ends before its IEND chunk");
    }
    let damaged = walked.chunks.iter().filter(|chunk| !chunk.is_sound && !chunk.is_dispensable());
    for chunk in damaged.filter(|_| !walked.is_cut) {
        let kind = chunk.kind.escape_ascii();
        notes.add(NoteKind::Tolerated, format_args!("the check sum of its {kind} chunk is wrong"));
    }
}

/// Bytes of samples that are decoded between two looks at the flag: about two milliseconds.
const BYTES_PER_CHECK: usize = 1 << 18;

fn contradiction(format: Format) -> DecodeError {
    broken(format, "its headers contradict each other")
}

/// Reads the pixels of a decoder. Its sides and colours must agree with the checked header.
pub(super) fn read(
    format: Format,
    decoder: impl ImageDecoder,
    header: &Header,
    expected: ColorType,
    cancel: &Cancel,
) -> Result<Image, DecodeError> {
    let (width, height) = (header.width, header.height);
    let samples = usize::from(expected.channel_count());
    let agrees = decoder.dimensions() == (width as u32, height as u32) && decoder.color_type() == expected;
    if !agrees || decoder.total_bytes() != (width * height * samples) as u64 {
        return Err(contradiction(format));
    }
    let mut interleaved = zeroed(width * height * samples);
    decoder.read_image(&mut interleaved).map_err(|e| broken(format, e))?;
    let channels = if samples < 3 { Channels::Grey } else { Channels::Rgb };
    pixels::split(width, height, channels, samples % 2 == 0, interleaved, cancel)?
        .ok_or_else(|| contradiction(format))
}

/// Reads the metadata.
pub(super) fn metadata(bytes: &[u8], lenient: bool, notes: &mut Notes) -> Metadata {
    let walked = chunks::walk(bytes, Checks::Dispensable, lenient);
    walked.map(|walked| chunks::metadata(bytes, &walked, notes)).unwrap_or_default()
}

/// Encodes PNG of 8 or 16 bits, grey or RGB, with or without alpha: fast compression, adaptive filters. The rows are written after
/// the metadata, in place; the data chunk gets its length and check sum at the end.
pub(super) fn encode(
    image: ImageRef,
    metadata: &Metadata,
    bytes_max: u64,
    cancel: &Cancel,
) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = image.size();
    if width.max(height) > i32::MAX as usize {
        return Err(EncodeError::TooLarge { format: Format::Png, width, height, max: i32::MAX as usize });
    }
    let mut file = chunks::head(image, metadata);
    let at = file.len();
    file.extend_from_slice(b"\0\0\0\0IDAT");
    const AFTER: u64 = 4 + 12; // the check sum, and the end chunk
    let mut file = png_rows::append(file, image, bytes_max.saturating_sub(AFTER), cancel)
        .map_err(|error| whole_length(error, AFTER))?;
    let length = i32::try_from(file.len() - at - 8).map_err(|_| failed(Format::Png, "it outgrows 2 GiB"))?;
    file[at..at + 4].copy_from_slice(&length.to_be_bytes());
    let mut sum = crc32fast::Hasher::new();
    for part in file[at + 4..].chunks(1 << 22) {
        cancel.check()?;
        sum.update(part);
    }
    file.extend_from_slice(&sum.finalize().to_be_bytes());
    chunks::push_end(&mut file);
    file.shrink_to_fit();
    Ok(file)
}

/// Adds the bytes that follow to the lengths in an error.
fn whole_length(error: EncodeError, after: u64) -> EncodeError {
    match error {
        EncodeError::TooManyBytes { got, max } => {
            EncodeError::TooManyBytes { got: got + after, max: max.saturating_add(after) }
        }
        other => other,
    }
}

/// Returns the same coded picture with other metadata.
pub(super) fn with_metadata(bytes: &[u8], metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let walked = chunks::walk(bytes, Checks::None, false).map_err(|reason| failed(Format::Png, reason))?;
    chunks::with_metadata(bytes, &walked, metadata)
}
