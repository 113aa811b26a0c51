//! Windows bitmaps by the `image` crate. The header is read and checked here first.
//!
//! In: 1 to 8 bits with palette, RLE, 16, 24 and 32 bits, bit fields of at most 8 bits, alpha where its mask is given; headers of
//! Windows, and of OS/2 without its own compressions. A palette with nothing but greys makes a grey picture. Out: grey with palette,
//! RGB with 24 bits, alpha with 32 bits (grey with alpha becomes RGB). Carried: the resolution and the ICC profile (header V5),
//! nothing else.

use std::borrow::Cow;
use std::io::Cursor;

use image::codecs::bmp::{BmpDecoder, BmpEncoder};
use image::{ColorType, ExtendedColorType};

use super::block::kept;
use super::endian::Endian;
use super::error::{DecodeError, EncodeError, broken, cut_off, failed, unsupported};
use super::format::Format;
use super::header::Header;
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use super::resolution::Resolution;
use super::{limits, pixels, png};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image},
};

/// Longest side that the decoder reads.
const SIDE_MAX: usize = 65_535;
/// Sizes of headers: of OS/2 1 and 2, of Windows 3, and of Windows 5, which has room for a profile.
const OS2_HEADER: usize = 12;
const OS2_2_HEADER: usize = 64;
const PLAIN_HEADER: usize = 40;
const V5_HEADER: usize = 124;
/// Where headers begin, after the file header.
const HEADER_AT: usize = 14;
const X_DENSITY_AT: usize = 38;
const Y_DENSITY_AT: usize = 42;
/// Positions in a header of version 4 or 5: the colour space, and in version 5 the intent, place and size of the profile.
const COLOUR_SPACE_AT: usize = HEADER_AT + 56;
const ENDPOINTS_AT: usize = HEADER_AT + 60;
const INTENT_AT: usize = HEADER_AT + 108;
const PROFILE_AT: usize = HEADER_AT + 112;
/// Colour spaces, as they stand in the file: calibrated by endpoints and gammas, an embedded profile, a profile in another file.
const CALIBRATED: &[u8] = &[0; 4];
const EMBEDDED: &[u8] = b"DEBM";
const LINKED: &[u8] = b"KNIL";
/// The intent of pictures: perceptual.
const INTENT_OF_PICTURES: u32 = 4;

/// Reads the headers and the palette.
pub(super) fn probe(bytes: &[u8], lenient: bool) -> Result<Header, DecodeError> {
    let cut = || broken(Format::Bmp, "its header is cut off");
    let u32_at = |at| Endian::Little.u32(bytes, at).ok_or_else(cut);
    let u16_at = |at| Endian::Little.u16(bytes, at).map(usize::from).ok_or_else(cut);
    let (data_at, header_size) = (u32_at(10)? as usize, u32_at(14)? as usize);
    let core = header_size == OS2_HEADER;
    let (width, height, bits, compression) = if core {
        (u16_at(18)?, u16_at(20)?, u16_at(24)?, 0)
    } else {
        let (width, height) = (u32_at(18)? as i32, u32_at(22)? as i32);
        let width = usize::try_from(width).map_err(|_| broken(Format::Bmp, "its width is negative"))?;
        (width, height.unsigned_abs() as usize, u16_at(28)?, u32_at(30)?)
    };
    match compression {
        3 if header_size == OS2_2_HEADER => return Err(unsupported(Format::Bmp, "Huffman compression")),
        4 if header_size == OS2_2_HEADER => return Err(unsupported(Format::Bmp, "RLE24 compression")),
        0..=3 => {}
        4 => return Err(unsupported(Format::Bmp, "JPEG compression")),
        5 => return Err(unsupported(Format::Bmp, "PNG compression")),
        11..=13 => return Err(unsupported(Format::Bmp, "CMYK colours")),
        other => return Err(unsupported(Format::Bmp, format!("compression {other}"))),
    }
    if width == 0 || height == 0 {
        return Err(broken(Format::Bmp, "a side is zero"));
    }
    let has_alpha = compression == 3 && masks_have_alpha(bytes, header_size)?;
    // Uncompressed rows must all be there. The decoder notices when run-length codes end early.
    let needed = rows_end(width, height, bits, data_at);
    let is_cut = matches!(compression, 0 | 3) && needed > bytes.len() as u64;
    if is_cut && (!lenient || bytes.len() <= data_at) {
        return Err(cut_off(Format::Bmp, "it is shorter than its rows"));
    }
    if profile_is_cut(bytes) && !lenient {
        return Err(cut_off(Format::Bmp, "it ends before its ICC profile does"));
    }
    let channels = match bits {
        1..=8 if has_grey_palette(bytes, header_size, bits) => Channels::Grey,
        _ => Channels::Rgb,
    };
    let samples = pixels::samples_per_pixel(Channels::Rgb, has_alpha);
    let copied = has_alpha || channels == Channels::Grey;
    // The decoder gets a copy of files that are cut off, or have a header that it does not know.
    let working = if is_cut { needed } else { bytes.len() as u64 };
    let working = if is_cut || header_size == OS2_2_HEADER { working } else { 0 };
    Ok(Header {
        format: Format::Bmp,
        width,
        height,
        channels,
        has_alpha,
        depth: Depth::Eight,
        decoded_bytes: limits::decoded_bytes(width, height, samples, copied, working),
        metadata_bytes: profile(bytes).map_or(0, |profile| profile.len() as u64),
        jpeg_subsampling: None,
        names_colours: profile(bytes).is_some(),
        lossless: true,
    })
}

/// The position after the uncompressed rows.
fn rows_end(width: usize, height: usize, bits: usize, data_at: usize) -> u64 {
    let stride = (width as u64).saturating_mul(bits as u64).div_ceil(32).saturating_mul(4);
    stride.saturating_mul(height as u64).saturating_add(data_at as u64)
}

/// Returns the file for the decoder. A header of OS/2 2 loses what it has more than one of Windows 3; both begin with the same fields. The rows that
/// are missing become zeros.
fn mended<'a>(bytes: &'a [u8], header: &Header, notes: &mut Notes) -> Cow<'a, [u8]> {
    let mut bytes = Cow::Borrowed(bytes);
    let u32_at = |bytes: &[u8], at| Endian::Little.u32(bytes, at).unwrap_or(0);
    if u32_at(&bytes, HEADER_AT) as usize == OS2_2_HEADER && bytes.len() > HEADER_AT + OS2_2_HEADER {
        let data_at = u32_at(&bytes, 10).saturating_sub((OS2_2_HEADER - PLAIN_HEADER) as u32);
        let mut plain = bytes.to_vec();
        plain.drain(HEADER_AT + PLAIN_HEADER..HEADER_AT + OS2_2_HEADER);
        plain[10..14].copy_from_slice(&data_at.to_le_bytes());
        plain[HEADER_AT..HEADER_AT + 4].copy_from_slice(&(PLAIN_HEADER as u32).to_le_bytes());
        bytes = Cow::Owned(plain);
    }
    let is_core = u32_at(&bytes, HEADER_AT) as usize == OS2_HEADER;
    let (bits_at, compression) = if is_core { (24, 0) } else { (28, u32_at(&bytes, 30)) };
    let bits = Endian::Little.u16(&bytes, bits_at).unwrap_or(0).into();
    let needed = rows_end(header.width, header.height, bits, u32_at(&bytes, 10) as usize);
    if matches!(compression, 0 | 3) && needed > bytes.len() as u64 {
        let missing = needed - bytes.len() as u64;
        notes.add(
            NoteKind::Tolerated,
            format_args!("the last {missing} bytes of its rows are missing; they are zeros"),
        );
        // The header's limits hold for as many bytes.
        let length = usize::try_from(needed).unwrap_or(bytes.len());
        bytes.to_mut().resize(length, 0);
    }
    bytes
}

/// Reads the bit masks of the colours, of at most 8 bits each. Returns whether there is one for alpha.
fn masks_have_alpha(bytes: &[u8], header_size: usize) -> Result<bool, DecodeError> {
    let mask_at =
        |at| Endian::Little.u32(bytes, at).ok_or_else(|| broken(Format::Bmp, "its header is cut off"));
    let alpha = if header_size >= 56 { mask_at(66)? } else { 0 };
    let masks = [mask_at(54)?, mask_at(58)?, mask_at(62)?, alpha];
    if masks.iter().any(|mask| mask.count_ones() > 8) {
        return Err(unsupported(Format::Bmp, "more than 8 bits per colour"));
    }
    Ok(alpha != 0)
}

/// Whether the palette has greys only.
fn has_grey_palette(bytes: &[u8], header_size: usize, bits: usize) -> bool {
    let (entry, used) =
        if header_size == 12 { (3, 0) } else { (4, Endian::Little.u32(bytes, 46).unwrap_or(0)) };
    let n = if used == 0 { 1 << bits } else { (used as usize).min(256) };
    let palette = bytes.get(14 + header_size..14 + header_size + n * entry);
    palette.is_some_and(|palette| palette.chunks_exact(entry).all(|c| c[0] == c[1] && c[1] == c[2]))
}

/// Decodes the pixels of a probed file.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<Image, DecodeError> {
    if profile_is_cut(bytes) {
        notes.add(NoteKind::Tolerated, "the file ends before its ICC profile does");
    }
    let decoder = BmpDecoder::new(Cursor::new(mended(bytes, header, notes))).map_err(|e| match e {
        image::ImageError::Unsupported(_) => {
            unsupported(Format::Bmp, "a kind of header or of compression that its decoder does not know")
        }
        other => broken(Format::Bmp, other),
    })?;
    let expected = if header.has_alpha { ColorType::Rgba8 } else { ColorType::Rgb8 };
    let image = png::read(Format::Bmp, decoder, header, expected, cancel)?;
    match header.channels {
        Channels::Rgb => Ok(image),
        Channels::Grey => {
            let grey = image.plane(0);
            let (_, alpha) = image.into_parts();
            Image::new(header.width, header.height, Channels::Grey, grey, alpha)
                .map_err(|e| broken(Format::Bmp, e))
        }
    }
}

/// Returns begin and end of the embedded profile, as the header states them.
fn profile_range(bytes: &[u8]) -> Option<(u64, u64)> {
    let number = |at| Endian::Little.u32(bytes, at).map(u64::from);
    let is_embedded = bytes.get(COLOUR_SPACE_AT..COLOUR_SPACE_AT + 4) == Some(EMBEDDED);
    if number(HEADER_AT)? != V5_HEADER as u64 || !is_embedded {
        return None;
    }
    let begin = HEADER_AT as u64 + number(PROFILE_AT)?;
    Some((begin, begin + number(PROFILE_AT + 4)?))
}

/// Whether the file ends before its profile does, and before the end that its header states. A header that lies about the profile alone
/// is no reason to refuse a picture.
fn profile_is_cut(bytes: &[u8]) -> bool {
    let length = bytes.len() as u64;
    let stated = Endian::Little.u32(bytes, 2).map_or(0, u64::from);
    stated > length && profile_range(bytes).is_some_and(|(_, end)| end > length)
}

/// Returns the embedded profile.
fn profile(bytes: &[u8]) -> Option<&[u8]> {
    let (begin, end) = profile_range(bytes)?;
    bytes.get(usize::try_from(begin).ok()?..usize::try_from(end).ok()?).filter(|profile| !profile.is_empty())
}

/// Notes what a header says about colours that is not read.
fn note_colours(bytes: &[u8], icc: Option<&[u8]>, notes: &mut Notes) {
    let has_colours = Endian::Little.u32(bytes, HEADER_AT).is_some_and(|size| size >= 108);
    let space = bytes.get(COLOUR_SPACE_AT..COLOUR_SPACE_AT + 4).filter(|_| has_colours);
    let is_calibrated = || bytes.get(ENDPOINTS_AT..INTENT_AT).is_some_and(|v| v.iter().any(|&b| b != 0));
    match space {
        Some(EMBEDDED) if icc.is_none() => {
            notes.add(NoteKind::NotKept, "the ICC profile: it is cut off or too long")
        }
        Some(LINKED) => notes.add(NoteKind::NotKept, "the ICC profile: it is in another file"),
        Some(CALIBRATED) if is_calibrated() => {
            notes.add(
                NoteKind::NotKept,
                "the endpoints and gammas of its colours: only ICC profiles are read",
            );
        }
        _ => {}
    }
}

/// Reads the resolution and the profile. Short headers have none.
pub(super) fn metadata(bytes: &[u8], notes: &mut Notes) -> Metadata {
    let density = |at| Endian::Little.u32(bytes, at).filter(|&v| v > 0 && v <= i32::MAX as u32);
    let stated = Endian::Little.u32(bytes, 14).is_some_and(|size| size >= 40);
    let both = density(X_DENSITY_AT).zip(density(Y_DENSITY_AT)).filter(|_| stated);
    let icc = profile(bytes).and_then(kept);
    note_colours(bytes, icc.as_deref(), notes);
    let resolution = both.and_then(|(x, y)| Resolution::from_per_metre(x, y));
    Metadata { icc, resolution, ..Metadata::default() }
}

/// Returns the length of the file that [`encode`] writes without a profile: headers, the palette of grey, rows of whole words.
pub(super) fn encoded_bytes((width, height): (usize, usize), channels: Channels, has_alpha: bool) -> u64 {
    let (headers, pixel_bytes) = match (channels, has_alpha) {
        (Channels::Grey, false) => (54 + 4 * 256, 1),
        (Channels::Rgb, false) => (54, 3),
        (_, true) => (14 + 108, 4),
    };
    let row_bytes = (width as u64).saturating_mul(pixel_bytes).div_ceil(4).saturating_mul(4);
    row_bytes.saturating_mul(height as u64).saturating_add(headers)
}

/// Encodes the picture with its resolution and its profile.
pub(super) fn encode(image: &Image, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (image.width(), image.height());
    if width.max(height) > SIDE_MAX {
        return Err(EncodeError::TooLarge { format: Format::Bmp, width, height, max: SIDE_MAX });
    }
    let (image, colour) = match (image.channels(), image.alpha()) {
        (Channels::Grey, None) => (std::borrow::Cow::Borrowed(image), ExtendedColorType::L8),
        (_, None) => (pixels::as_rgb(image), ExtendedColorType::Rgb8),
        (_, Some(_)) => (pixels::as_rgb(image), ExtendedColorType::Rgba8),
    };
    let length = encoded_bytes((width, height), image.channels(), image.alpha().is_some());
    let mut out = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    BmpEncoder::new(&mut out)
        .encode(&pixels::interleaved(&image), width as u32, height as u32, colour)
        .map_err(|e| failed(Format::Bmp, e))?;
    if let Some((x, y)) = metadata.resolution.and_then(|r| r.per_metre()) {
        out[X_DENSITY_AT..X_DENSITY_AT + 4].copy_from_slice(&x.to_le_bytes());
        out[Y_DENSITY_AT..Y_DENSITY_AT + 4].copy_from_slice(&y.to_le_bytes());
    }
    match &metadata.icc {
        Some(icc) => with_profile(&out, icc).ok_or_else(|| failed(Format::Bmp, "it outgrows 4 GiB")),
        None => Ok(out),
    }
}

/// Returns a file of [`BmpEncoder`] with a header V5, and the profile at its end. `None` for a file over 4 GiB.
fn with_profile(file: &[u8], icc: &[u8]) -> Option<Vec<u8>> {
    let header_end = HEADER_AT + Endian::Little.u32(file, HEADER_AT)? as usize;
    let longer = HEADER_AT + V5_HEADER - header_end;
    let mut out = Vec::with_capacity(file.len() + longer + icc.len());
    out.extend_from_slice(&file[..header_end]);
    out.resize(HEADER_AT + V5_HEADER, 0);
    out.extend_from_slice(&file[header_end..]);
    let profile_at = out.len() - HEADER_AT;
    out.extend_from_slice(icc);
    out[COLOUR_SPACE_AT..COLOUR_SPACE_AT + 4].copy_from_slice(EMBEDDED);
    let numbers = [
        (2, out.len()),
        (10, Endian::Little.u32(file, 10)? as usize + longer),
        (HEADER_AT, V5_HEADER),
        (INTENT_AT, INTENT_OF_PICTURES as usize),
        (PROFILE_AT, profile_at),
        (PROFILE_AT + 4, icc.len()),
    ];
    for (at, number) in numbers {
        out[at..at + 4].copy_from_slice(&u32::try_from(number).ok()?.to_le_bytes());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bitmap with the plain 40-byte header.
    fn file(height: i32, bits: u16, compression: u32, after_header: &[u8], data: &[u8]) -> Vec<u8> {
        let mut out = b"BM\0\0\0\0\0\0\0\0".to_vec();
        out.extend((54 + after_header.len() as u32).to_le_bytes());
        out.extend([40, 0, 0, 0, 2, 0, 0, 0]);
        out.extend(height.to_le_bytes());
        out.extend([1, 0]);
        out.extend(bits.to_le_bytes());
        out.extend(compression.to_le_bytes());
        out.extend([0; 20]);
        out.extend(after_header);
        out.extend(data);
        out
    }

    #[test]
    fn the_length_of_a_file_is_known_before_it_is_encoded() {
        for width in 1..6 {
            for (channels, alpha) in
                [Channels::Grey, Channels::Rgb].into_iter().flat_map(|c| [(c, false), (c, true)])
            {
                let samples = vec![7; width * 3 * channels.count()];
                let image =
                    Image::new(width, 3, channels, samples, alpha.then(|| vec![9; width * 3])).unwrap();
                let file = encode(&image, &Metadata::default()).unwrap();
                assert_eq!(
                    file.len() as u64,
                    encoded_bytes((width, 3), channels, alpha),
                    "{width} {channels:?} {alpha}"
                );
            }
        }
    }

    fn decoded(bytes: &[u8]) -> Image {
        decode(bytes, &probe(bytes, false).unwrap(), &mut Notes::default(), &Cancel::never()).unwrap()
    }

    #[test]
    fn rows_run_upwards_unless_the_height_is_negative() {
        let rows = [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0];
        let (first, second) = ([3, 2, 1, 6, 5, 4], [9, 8, 7, 12, 11, 10]);
        assert_eq!(decoded(&file(2, 24, 0, &[], &rows)).samples(), [second, first].concat());
        assert_eq!(decoded(&file(-2, 24, 0, &[], &rows)).samples(), [first, second].concat());
    }

    #[test]
    fn run_lengths_and_palettes_are_looked_up() {
        let mut palette = vec![0; 1024];
        palette[4..7].copy_from_slice(&[30, 20, 10]);
        let coloured = file(1, 8, 1, &palette, &[2, 1, 0, 1]);
        assert_eq!(decoded(&coloured).samples(), [10, 20, 30, 10, 20, 30]);
        palette[4..7].fill(50);
        let grey = decoded(&file(1, 8, 1, &palette, &[1, 0, 1, 1, 0, 1]));
        assert_eq!((grey.channels(), grey.samples()), (Channels::Grey, &[0, 50][..]));
        let cut = file(1, 8, 1, &palette, &[1]);
        assert!(matches!(
            decode(&cut, &probe(&cut, false).unwrap(), &mut Notes::default(), &Cancel::never()),
            Err(DecodeError::Broken { .. })
        ));
    }

    #[test]
    fn a_profile_is_written_and_read_with_every_shape() {
        for (channels, alpha) in
            [Channels::Grey, Channels::Rgb].into_iter().flat_map(|c| [(c, false), (c, true)])
        {
            let samples = (0..5 * 3 * channels.count()).map(|i| (i * 11) as u8).collect();
            let alpha = alpha.then(|| (0..15).map(|i| i * 9).collect());
            let image = Image::new(5, 3, channels, samples, alpha).unwrap();
            let resolution = Resolution::from_per_metre(2835, 2835);
            let metadata = Metadata { icc: Some(vec![3; 77]), resolution, ..Metadata::default() };
            let file = encode(&image, &metadata).unwrap();
            assert_eq!(Endian::Little.u32(&file, 2).map(|n| n as usize), Some(file.len()));
            assert_eq!(probe(&file, false).unwrap().metadata_bytes, 77);
            assert_eq!(self::metadata(&file, &mut Notes::default()), metadata);
            let plain = encode(&image, &Metadata::default()).unwrap();
            assert_eq!(decoded(&file), decoded(&plain));
        }
    }

    #[test]
    fn a_header_of_os2_is_read_and_its_own_compressions_are_not() {
        let rows = [1, 2, 3, 4, 5, 6, 0, 0];
        let plain = file(1, 24, 0, &[], &rows);
        let mut os2 = file(1, 24, 0, &[0; 24], &rows);
        os2[HEADER_AT] = 64;
        assert_eq!(decoded(&os2), decoded(&plain));
        os2[30] = 4;
        assert_eq!(probe(&os2, false), Err(unsupported(Format::Bmp, "RLE24 compression")));
    }

    #[test]
    fn missing_rows_are_zeros_for_a_lenient_caller() {
        let rows = [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0];
        let cut = file(-2, 24, 0, &[], &rows[..10]);
        assert!(matches!(probe(&cut, false), Err(DecodeError::Broken { .. })));
        let mut notes = Notes::default();
        let image = decode(&cut, &probe(&cut, true).unwrap(), &mut notes, &Cancel::never()).unwrap();
        assert_eq!(image.samples(), [3, 2, 1, 6, 5, 4, 0, 8, 7, 0, 0, 0]);
        assert!(notes.has(NoteKind::Tolerated));
    }

    #[test]
    fn masks_wider_than_eight_bits_are_refused() {
        let masks = |red: u32, green: u32, blue: u32| [red, green, blue].map(u32::to_le_bytes).concat();
        let five_six_five = file(1, 16, 3, &masks(0xF800, 0x07E0, 0x001F), &[0x1F, 0xF8, 0xE0, 0x07]);
        assert_eq!(decoded(&five_six_five).samples(), [255, 0, 255, 0, 255, 0]);
        let ten = file(1, 32, 3, &masks(0x3FF0_0000, 0x000F_FC00, 0x0000_03FF), &[0; 8]);
        assert_eq!(probe(&ten, false), Err(unsupported(Format::Bmp, "more than 8 bits per colour")));
    }
}
