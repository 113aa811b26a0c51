//! Windows bitmaps by the `image` crate. The header is read and checked here first.
//!
//! In: 1 to 8 bits with palette, RLE, 16, 24 and 32 bits, bit fields of at most 8 bits, alpha where its mask is given.
//! A palette with nothing but greys makes a grey picture. Out: grey with palette, RGB with 24 bits, alpha with 32 bits
//! (grey with alpha becomes RGB). Carried: the resolution, nothing else.

use std::io::Cursor;

use image::codecs::bmp::{BmpDecoder, BmpEncoder};
use image::{ColorType, ExtendedColorType};

use super::endian::Endian;
use super::error::{DecodeError, EncodeError, broken, failed, unsupported};
use super::format::Format;
use super::header::Header;
use super::metadata::Metadata;
use super::resolution::Resolution;
use super::{limits, pixels, png};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image},
};

/// Longest side that the decoder reads.
const SIDE_MAX: usize = 65_535;
const X_DENSITY_AT: usize = 38;
const Y_DENSITY_AT: usize = 42;

/// Reads the headers and the palette.
pub(super) fn probe(bytes: &[u8]) -> Result<Header, DecodeError> {
    let cut = || broken(Format::Bmp, "its header is cut off");
    let u32_at = |at| Endian::Little.u32(bytes, at).ok_or_else(cut);
    let u16_at = |at| Endian::Little.u16(bytes, at).map(usize::from).ok_or_else(cut);
    let (data_at, header_size) = (u32_at(10)? as usize, u32_at(14)? as usize);
    let core = header_size == 12;
    let (width, height, bits, compression) = if core {
        (u16_at(18)?, u16_at(20)?, u16_at(24)?, 0)
    } else {
        let (width, height) = (u32_at(18)? as i32, u32_at(22)? as i32);
        let width = usize::try_from(width).map_err(|_| broken(Format::Bmp, "its width is negative"))?;
        (width, height.unsigned_abs() as usize, u16_at(28)?, u32_at(30)?)
    };
    match compression {
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
    let stride = (width as u64 * bits as u64).div_ceil(32) * 4;
    let needed = stride.saturating_mul(height as u64).saturating_add(data_at as u64);
    if matches!(compression, 0 | 3) && needed > bytes.len() as u64 {
        return Err(broken(Format::Bmp, "it is shorter than its rows"));
    }
    let channels = match bits {
        1..=8 if has_grey_palette(bytes, header_size, bits) => Channels::Grey,
        _ => Channels::Rgb,
    };
    let samples = pixels::samples_per_pixel(Channels::Rgb, has_alpha);
    let copied = has_alpha || channels == Channels::Grey;
    Ok(Header {
        format: Format::Bmp,
        width,
        height,
        channels,
        has_alpha,
        depth: Depth::Eight,
        decoded_bytes: limits::decoded_bytes(width, height, samples, copied, 0),
        metadata_bytes: 0,
        jpeg_subsampling: None,
        lossless: true,
    })
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
pub(super) fn decode(bytes: &[u8], header: &Header, cancel: &Cancel) -> Result<Image, DecodeError> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(|e| match e {
        image::ImageError::Unsupported(what) => unsupported(Format::Bmp, what),
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

/// Reads the resolution. Short headers have none.
pub(super) fn metadata(bytes: &[u8]) -> Metadata {
    let density = |at| Endian::Little.u32(bytes, at).filter(|&v| v > 0 && v <= i32::MAX as u32);
    let stated = Endian::Little.u32(bytes, 14).is_some_and(|size| size >= 40);
    let both = density(X_DENSITY_AT).zip(density(Y_DENSITY_AT)).filter(|_| stated);
    Metadata { resolution: both.and_then(|(x, y)| Resolution::from_per_metre(x, y)), ..Metadata::default() }
}

/// Returns the length of the file that [`encode`] writes: headers, the palette of grey, rows of whole words.
pub(super) fn encoded_bytes((width, height): (usize, usize), channels: Channels, has_alpha: bool) -> u64 {
    let (headers, pixel_bytes) = match (channels, has_alpha) {
        (Channels::Grey, false) => (54 + 4 * 256, 1),
        (Channels::Rgb, false) => (54, 3),
        (_, true) => (14 + 108, 4),
    };
    let row_bytes = (width as u64).saturating_mul(pixel_bytes).div_ceil(4).saturating_mul(4);
    row_bytes.saturating_mul(height as u64).saturating_add(headers)
}

/// Encodes the picture with its resolution.
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
    Ok(out)
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
        decode(bytes, &probe(bytes).unwrap(), &Cancel::never()).unwrap()
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
            decode(&cut, &probe(&cut).unwrap(), &Cancel::never()),
            Err(DecodeError::Broken { .. })
        ));
    }

    #[test]
    fn masks_wider_than_eight_bits_are_refused() {
        let masks = |red: u32, green: u32, blue: u32| [red, green, blue].map(u32::to_le_bytes).concat();
        let five_six_five = file(1, 16, 3, &masks(0xF800, 0x07E0, 0x001F), &[0x1F, 0xF8, 0xE0, 0x07]);
        assert_eq!(decoded(&five_six_five).samples(), [255, 0, 255, 0, 255, 0]);
        let ten = file(1, 32, 3, &masks(0x3FF0_0000, 0x000F_FC00, 0x0000_03FF), &[0; 8]);
        assert_eq!(probe(&ten), Err(unsupported(Format::Bmp, "more than 8 bits per colour")));
    }
}
