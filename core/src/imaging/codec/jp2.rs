//! JPEG 2000 (ISO/IEC 15444-1), in a JP2 file or bare: decoded by `hayro-jpeg2000`. Not written.
//!
//! Up to 8 bits are stretched to 8, 9 to 16 bits to 16. Carried: ICC, EXIF, XMP, IPTC, resolution. CMYK and other colours that are
//! neither grey nor RGB are refused by name. The decoder keeps tables of code blocks, packets and layers. So their numbers are read
//! here first, of which hostile files could state millions.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image as Stream};

use super::{
    block::kept,
    bmff::{self, BmffBox},
    endian::Endian,
    error::{DecodeError, broken, cut_off, unsupported, unsupported_but},
    exif,
    format::Format,
    header::Header,
    limits,
    memory::zeroed,
    metadata::Metadata,
    notes::{NoteKind, Notes},
    pixels::StoredImage,
    resolution::{Resolution, ResolutionUnit},
    yuv::Quantized,
};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image},
};

const EXIF: &[u8] = b"JpgTiffExif->JP2";
const XMP: &[u8] = b"\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8\x9C\x71\x99\x94\x91\xE3\xAF\xAC";
const IPTC: &[u8] = b"\x33\xC7\xA4\xD2\xB8\x1D\x47\x23\xA0\xBA\xF1\xA3\xE0\x97\xAD\x38";
const TO_PLAIN: &str = "save it as PNG or TIFF first";
/// Bytes that the decoder takes for a sample: the result, and two rows of transforms.
const BYTES_PER_SAMPLE: u64 = 16;
/// Bytes of the tables for a code block, for each of its layers, and for a precinct.
const BYTES_PER_BLOCK: u64 = 192;
const BYTES_PER_LAYER: u64 = 96;
const BYTES_PER_PRECINCT: u64 = 256;
const DECODER_BYTES_FIXED: u64 = 4 << 20;

/// What a file states about its picture.
struct Opened<'a> {
    stream: Stream<'a>,
    channels: Channels,
    bits: u8,
    icc: Option<Vec<u8>>,
}

/// Numbers that decide how much memory the decoder takes.
#[derive(Clone, Copy, Debug)]
struct Tables {
    n_components: u64,
    n_tiles: u64,
    /// Pixels of the smallest code block.
    block_pixels: u64,
    /// Precincts in 2^40 samples, over all levels.
    precincts: u64,
    n_layers: u64,
}

/// Returns the boxes of a JP2 file. None for a bare stream.
fn boxes(bytes: &[u8]) -> Vec<BmffBox> {
    if bytes.starts_with(&[0xFF, 0x4F]) {
        return Vec::new();
    }
    bmff::walk_file(bytes).0
}

/// Returns the coded picture of a file.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.starts_with(&[0xFF, 0x4F]) {
        return Some(bytes);
    }
    bmff::find(&boxes(bytes), b"jp2c").map(|body| &bytes[body])
}

/// Reads the markers of a stream: those before the first tile, and those of every tile.
fn tables(stream: &[u8]) -> Option<Tables> {
    const SIZ: u16 = 0xFF51;
    const COD: u16 = 0xFF52;
    const COC: u16 = 0xFF53;
    const SOT: u16 = 0xFF90;
    const SOD: u16 = 0xFF93;
    const EOC: u16 = 0xFFD9;
    let mut found = Tables { n_components: 0, n_tiles: 0, block_pixels: 1 << 20, precincts: 0, n_layers: 1 };
    let (mut at, mut tile_end) = (2, None);
    loop {
        let marker = Endian::Big.u16(stream, at)?;
        match marker {
            EOC => return Some(found),
            SOD => {
                // The data of a tile have no markers. What follows the last of them is not looked for.
                match tile_end.filter(|&end| end > at && end < stream.len()) {
                    Some(end) => at = end,
                    None => return Some(found),
                }
                continue;
            }
            _ => {}
        }
        let length = usize::from(Endian::Big.u16(stream, at + 2)?);
        let data = stream.get(at + 4..(at + 2).checked_add(length)?)?;
        match marker {
            SIZ => {
                let number = |at| Endian::Big.u32(data, at).map(u64::from);
                let tiles = |size: u64, tile: u64| (tile > 0).then(|| size.div_ceil(tile).max(1));
                found.n_tiles =
                    tiles(number(2)?, number(18)?)?.saturating_mul(tiles(number(6)?, number(22)?)?);
                found.n_components = Endian::Big.u16(data, 34)?.into();
            }
            COD | COC => {
                let wide = usize::from(found.n_components > 256);
                let (style, rest) = match marker {
                    COD => {
                        found.n_layers = found.n_layers.max(Endian::Big.u16(data, 2)?.into());
                        (*data.first()?, data.get(5..)?)
                    }
                    _ => (*data.get(1 + wide)?, data.get(2 + wide..)?),
                };
                let exponent = |at: usize| Some(u32::from(*rest.get(at)? & 15) + 2);
                found.block_pixels = found.block_pixels.min(1 << (exponent(1)? + exponent(2)?));
                if style & 1 == 1 {
                    // From the smallest level to the whole picture. Each level has four times the pixels of the one before.
                    let sizes = rest.get(5..)?.iter().rev().enumerate();
                    let of_level = |(level, size): (usize, &u8)| {
                        let shift = 2 * level as u32 + u32::from(size & 15) + u32::from(size >> 4);
                        (1_u64 << 40).checked_shr(shift).unwrap_or(0)
                    };
                    found.precincts = found.precincts.max(sizes.map(of_level).sum());
                }
            }
            SOT => {
                let length = Endian::Big.u32(data, 2)? as usize;
                tile_end = if length == 0 { None } else { at.checked_add(length) };
            }
            _ => {}
        }
        at += 2 + length;
    }
}

impl Tables {
    /// The most bytes that the decoder takes for a picture.
    fn bytes(self, pixels: u64) -> u64 {
        // The levels of a picture have a third more pixels together. Each level of a tile has a precinct at least.
        let samples = pixels.saturating_mul(self.n_components);
        let levels = self.n_tiles.saturating_mul(self.n_components).saturating_mul(8);
        let precincts =
            u64::try_from((u128::from(samples) * u128::from(self.precincts)) >> 40).unwrap_or(u64::MAX);
        let precincts = precincts.saturating_mul(2).saturating_add(levels);
        let blocks =
            (samples / self.block_pixels).saturating_mul(2).saturating_add(precincts.saturating_mul(3));
        let of_block = BYTES_PER_BLOCK.saturating_add(self.n_layers.saturating_mul(BYTES_PER_LAYER));
        samples
            .saturating_mul(BYTES_PER_SAMPLE)
            .saturating_add(blocks.saturating_mul(of_block))
            .saturating_add(precincts.saturating_mul(BYTES_PER_PRECINCT))
            .saturating_add(DECODER_BYTES_FIXED)
    }
}

/// Reads the header, and refuses what would not survive.
fn open(bytes: &[u8]) -> Result<Opened<'_>, DecodeError> {
    let settings = DecodeSettings { strict: false, ..DecodeSettings::default() };
    let stream = Stream::new(bytes, &settings).map_err(|e| broken(Format::Jp2, e))?;
    let (channels, icc) = match stream.color_space() {
        ColorSpace::Gray => (Channels::Grey, None),
        ColorSpace::RGB => (Channels::Rgb, None),
        ColorSpace::Icc { profile, num_channels: 1 } => (Channels::Grey, kept(profile)),
        ColorSpace::Icc { profile, num_channels: 3 } if profile.get(16..20) == Some(b"RGB ") => {
            (Channels::Rgb, kept(profile))
        }
        ColorSpace::CMYK => return Err(unsupported_but(Format::Jp2, "CMYK colours", TO_PLAIN)),
        _ => return Err(unsupported_but(Format::Jp2, "colours that are neither grey nor RGB", TO_PLAIN)),
    };
    let bits = stream.original_bit_depth();
    if !(1..=16).contains(&bits) {
        return Err(unsupported(Format::Jp2, format_args!("{bits} bits per sample")));
    }
    Ok(Opened { stream, channels, bits, icc })
}

/// Reads the header.
pub(super) fn probe(bytes: &[u8], lenient: bool) -> Result<Header, DecodeError> {
    let coded = codestream(bytes).ok_or_else(|| broken(Format::Jp2, "it has no picture"))?;
    let tables = tables(coded).ok_or_else(|| broken(Format::Jp2, "its header is too short"))?;
    // The decoder takes what is there.
    let is_whole = coded.ends_with(&[0xFF, 0xD9]) || coded.ends_with(&[0xFF, 0xD9, 0]);
    if !is_whole && !lenient {
        return Err(cut_off(Format::Jp2, "it ends before its last marker"));
    }
    let opened = open(bytes)?;
    let (width, height) = (opened.stream.width() as usize, opened.stream.height() as usize);
    let has_alpha = opened.stream.has_alpha();
    let samples = opened.channels.count() + usize::from(has_alpha);
    let depth = if opened.bits > 8 { Depth::Sixteen } else { Depth::Eight };
    // A palette of colours makes more components than are coded.
    let pixels = (width as u64).saturating_mul(height as u64);
    let of_palette = pixels.saturating_mul(4 * samples as u64);
    let working = tables.bytes(pixels).saturating_add(of_palette).saturating_add(bytes.len() as u64);
    let decoded_bytes = match depth {
        Depth::Eight => limits::decoded_bytes(width, height, samples, false, working),
        Depth::Sixteen => limits::deep_decoded_bytes(width, height, samples, false, working),
    };
    let of_boxes =
        boxes(bytes).iter().filter(|b| &b.kind == b"uuid").map(|b| b.body.len() as u64).sum::<u64>();
    Ok(Header {
        format: Format::Jp2,
        width,
        height,
        channels: opened.channels,
        has_alpha,
        depth,
        decoded_bytes,
        metadata_bytes: of_boxes + opened.icc.map_or(0, |icc| icc.len() as u64),
        jpeg_subsampling: None,
        names_colours: true,
        lossless: true,
    })
}

/// Decodes the pixels of a probed file.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<StoredImage, DecodeError> {
    let opened = open(bytes)?;
    if !codestream(bytes)
        .is_some_and(|coded| coded.ends_with(&[0xFF, 0xD9]) || coded.ends_with(&[0xFF, 0xD9, 0]))
    {
        notes.add(
            NoteKind::Tolerated,
            "the file ends before its last marker; parts of the picture may be missing",
        );
    }
    if ![1, 8, 16].contains(&opened.bits) {
        let to = header.depth.bits();
        notes.add(NoteKind::Converted, format_args!("samples of {} bits: stretched to {to}", opened.bits));
    }
    match header.depth {
        Depth::Eight => decode_as::<u8>(&opened, header, cancel).map(StoredImage::from),
        Depth::Sixteen => decode_as::<u16>(&opened, header, cancel).map(StoredImage::from),
    }
}

fn decode_as<S: Quantized>(
    opened: &Opened,
    header: &Header,
    cancel: &Cancel,
) -> Result<Image<S>, DecodeError> {
    let contradiction = || broken(Format::Jp2, "its headers contradict each other");
    let mut context = DecoderContext::default();
    let decoded = opened.stream.decode(&mut context).map_err(|e| broken(Format::Jp2, e))?;
    cancel.check()?;
    let (width, height, n) = (header.width, header.height, header.channels.count());
    let components = decoded.components();
    let n_wanted = n + usize::from(header.has_alpha);
    let is_whole = components.iter().all(|component| component.samples().len() == width * height);
    if components.len() != n_wanted || !is_whole {
        return Err(contradiction());
    }
    let quantize = |component: &hayro_jpeg2000::ComponentData| {
        let max = ((1_u64 << component.bit_depth().min(31)) - 1) as f32;
        // Samples are whole numbers in the file.
        move |value: f32| S::of_unit((value + 0.5).floor() / max)
    };
    let mut samples = zeroed::<S>(width * height * n);
    for (channel, component) in components[..n].iter().enumerate() {
        cancel.check()?;
        let quantize = quantize(component);
        let of_channel = samples.iter_mut().skip(channel).step_by(n);
        of_channel.zip(component.samples()).for_each(|(sample, &value)| *sample = quantize(value));
    }
    let alpha = components.get(n).map(|component| {
        let quantize = quantize(component);
        component.samples().iter().map(|&value| quantize(value)).collect()
    });
    Image::of(width, height, header.channels, samples, alpha).map_err(|e| broken(Format::Jp2, e))
}

/// Reads the metadata, and notes the other boxes of the file.
pub(super) fn metadata(bytes: &[u8], notes: &mut Notes) -> Metadata {
    let boxes = boxes(bytes);
    let mut metadata =
        Metadata { icc: open(bytes).ok().and_then(|opened| opened.icc), ..Metadata::default() };
    for part in &boxes {
        let body = &bytes[part.body.clone()];
        match (&part.kind, body.split_at_checked(16)) {
            (b"uuid", Some((EXIF, block))) => metadata.exif = exif::checked(block),
            (b"uuid", Some((XMP, packet))) => metadata.xmp = kept(packet),
            (b"uuid", Some((IPTC, records))) => metadata.iptc = kept(records),
            (b"uuid", _) => notes.add(NoteKind::NotKept, "a block of unknown meaning (uuid)"),
            (b"xml ", _) => notes.add(NoteKind::NotKept, "a description in XML"),
            (b"jp2h", _) => {
                let inner = bmff::walk(bytes, part.body.clone()).unwrap_or_default();
                metadata.resolution = bmff::find(&inner, b"res ").and_then(|res| resolution(bytes, res));
            }
            _ => {}
        }
    }
    metadata.resolution_from_exif()
}

/// Reads the resolution: that of the capture, else that of the display, in pixels per metre.
fn resolution(bytes: &[u8], res: std::ops::Range<usize>) -> Option<Resolution> {
    let boxes = bmff::walk(bytes, res).ok()?;
    let body = &bytes[bmff::find(&boxes, b"resc").or_else(|| bmff::find(&boxes, b"resd"))?];
    let value = |at: usize, exponent: usize| {
        let (over, under) = (Endian::Big.u16(body, at)?, Endian::Big.u16(body, at + 2)?);
        let exponent = i32::from(*body.get(exponent)? as i8);
        Some(f64::from(over) / f64::from(under) * 10_f64.powi(exponent) / 100.0)
    };
    let (y, x) = (value(0, 8)?, value(4, 9)?);
    Resolution::new(x, y, ResolutionUnit::Centimetre)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The markers of a stream of 64×32 pixels in tiles of 32×32, three components, blocks of 64×64, twelve layers.
    fn stream(style: u8, precincts: &[u8]) -> Vec<u8> {
        let mut bytes = b"\xFF\x4F\xFF\x51\0\x2F\0\0".to_vec();
        for number in [64_u32, 32, 0, 0, 32, 32, 0, 0] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(b"\0\x03\x07\x01\x01\x07\x01\x01\x07\x01\x01");
        bytes.extend(b"\xFF\x52\0");
        bytes.push(12 + precincts.len() as u8);
        bytes.extend([style, 0, 0, 12, 1, 5, 4, 4, 0, 1]);
        bytes.extend(precincts);
        bytes.extend(b"\xFF\xD9");
        bytes
    }

    #[test]
    fn the_tables_of_the_decoder_are_known_from_the_markers() {
        let plain = tables(&stream(0, &[])).unwrap();
        assert_eq!((plain.n_components, plain.n_tiles, plain.n_layers), (3, 2, 12));
        assert_eq!((plain.block_pixels, plain.precincts), (4096, 0));
        let tiny = tables(&stream(1, &[0x77, 0x00])).unwrap();
        assert_eq!(tiny.precincts, (1 << 40) + (1 << 24));
        // Precincts of single pixels make the tables larger than any picture.
        assert!(tiny.bytes(1 << 20) > 4000 << 20 && plain.bytes(1 << 20) < 100 << 20);
        assert!(tables(&stream(0, &[])[..40]).is_none());
    }
}
