//! TIFF and BigTIFF with one page. The `tiff` crate decodes the pixels; the directory is read here (`ifd`).
//!
//! In: grey (1, 2, 4, 8, 16 bits), palettes, RGB (8 and 16 bits), with one channel of unassociated alpha; chunky or planar; uncompressed,
//! LZW, Deflate, PackBits or Group 4. JPEG-compressed files are refused: the decoder misreads some valid ones.
//! Out: grey or RGB of 8 or 16 bits, with or without alpha, LZW with horizontal differences.
//!
//! Carried: ICC (34675), XMP (700), IPTC (33723), resolution, the descriptive tags, the Exif and GPS directories. Not
//! carried: maker notes (their offsets do not survive a move), Photoshop's own block, private tags.

use std::io::Cursor;

use tiff::decoder::{Decoder, Limits as TiffLimits};
use tiff::encoder::colortype::ColorType as EncoderColour;
use tiff::encoder::{Compression, Predictor, TiffEncoder, TiffValue};
use tiff::tags::ExtraSamples;

use super::block::{BLOCK_BYTES_MAX, kept};
use super::error::{DecodeError, EncodeError, broken, failed, unsupported};
use super::exif;
use super::format::Format;
use super::header::Header;
use super::ifd::{self, Directory, Stream, Value};
use super::metadata::Metadata;
use super::pixels::StoredImage;
use super::portable_tags::PortableTags;
use super::resolution::{Resolution, ResolutionUnit};
use super::tags::{EXIF_DIRECTORY, GPS_DIRECTORY};
use super::tiff_deep::{self, DeepLayout, TiffSample};
use super::{bounds, limits, pixels};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image},
};

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const STRIP_OFFSETS: u16 = 273;
const SAMPLES: u16 = 277;
const STRIP_LENGTHS: u16 = 279;
const PLANAR: u16 = 284;
const COLOUR_MAP: u16 = 320;
const TILE_OFFSETS: u16 = 324;
const TILE_LENGTHS: u16 = 325;
const EXTRA_SAMPLES: u16 = 338;
const SAMPLE_FORMAT: u16 = 339;
const XMP: u16 = 700;
const IPTC: u16 = 33723;
const ICC: u16 = 34675;

/// Layout of the samples in a supported file.
struct TiffLayout {
    width: usize,
    height: usize,
    bits: usize,
    palette: bool,
    planar: bool,
    channels: Channels,
    has_alpha: bool,
}

/// Reads the header from the directory. Pixels stay coded.
pub(super) fn probe(bytes: &[u8]) -> Result<Header, DecodeError> {
    let (stream, directory) = open(bytes)?;
    let TiffLayout { width, height, channels, has_alpha, palette, planar, bits } =
        layout(&stream, &directory)?;
    let depth = if bits == 16 { Depth::Sixteen } else { Depth::Eight };
    let decoded_bytes = match depth {
        Depth::Eight => limits::decoded_bytes,
        Depth::Sixteen => limits::deep_decoded_bytes,
    };
    let samples = pixels::samples_per_pixel(channels, has_alpha);
    let turned = exif::orientation(bytes) != 1;
    // A palette needs a copy of the file whose directory says grey.
    let working = if palette { (bytes.len() + width * height) as u64 } else { 0 };
    let copied = has_alpha || turned || planar || bits < 8;
    Ok(Header {
        format: Format::Tiff,
        width,
        height,
        channels,
        has_alpha,
        depth,
        decoded_bytes: decoded_bytes(width, height, samples, copied, working),
        metadata_bytes: metadata_bytes(&stream, &directory),
        jpeg_subsampling: None,
        lossless: true,
    })
}

/// Returns the most bytes of the values that are copied out of the directories, those for the decoder included. Values may
/// overlap, so they can be longer than the file.
fn metadata_bytes(stream: &Stream<'_>, directory: &Directory) -> u64 {
    /// Bytes that an entry takes besides its value.
    const ENTRY_BYTES: usize = 64;
    /// Longest value that the decoder reads, in bytes.
    const DECODED_MAX: usize = 1 << 20;
    /// Bytes that the decoder takes for a byte of a value.
    const DECODER_BYTES: u64 = 32;
    let tables = [EXIF_DIRECTORY, GPS_DIRECTORY].map(|tag| ifd::sub_directory(stream, directory, tag));
    let fields = tables.iter().flatten().chain([directory]).flat_map(|table| &table.fields);
    let lengths = fields.map(|field| field.len).filter(|len| *len <= BLOCK_BYTES_MAX);
    let copied: u64 = lengths.map(|len| (len + ENTRY_BYTES) as u64).sum();
    let lengths = directory.fields.iter().map(|field| field.len).filter(|len| *len <= DECODED_MAX);
    copied + lengths.max().unwrap_or(0) as u64 * DECODER_BYTES
}

/// Opens a file of one page whose directory and coded data lie within it.
fn open(bytes: &[u8]) -> Result<(Stream<'_>, Directory), DecodeError> {
    let stream = Stream::open(bytes).ok_or_else(|| broken(Format::Tiff, "its header is cut off"))?;
    let directory =
        stream.first().ok_or_else(|| broken(Format::Tiff, "its directory lies beyond the end"))?;
    if directory.n_outside > 0 {
        return Err(broken(Format::Tiff, "values of its directory lie beyond the end"));
    }
    if directory.next != 0 {
        return Err(unsupported(Format::Tiff, "more than one page"));
    }
    if !data_is_inside(&stream, &directory) {
        return Err(broken(Format::Tiff, "its strips or tiles lie beyond the end"));
    }
    Ok((stream, directory))
}

/// Whether all coded data lie within the file. The decoder stops at the last pixel and would not notice that an end is
/// missing.
fn data_is_inside(stream: &Stream<'_>, directory: &Directory) -> bool {
    let inside = |offsets: u16, lengths: u16| {
        let (Some(offsets), Some(lengths)) = (directory.field(offsets), directory.field(lengths)) else {
            return true;
        };
        let size = stream.bytes.len() as u64;
        (0..)
            .map_while(|i| Some((stream.unsigned(offsets, i)?, stream.unsigned(lengths, i)?)))
            .all(|(at, len)| at.checked_add(len).is_some_and(|end| end <= size))
    };
    inside(STRIP_OFFSETS, STRIP_LENGTHS) && inside(TILE_OFFSETS, TILE_LENGTHS)
}

/// Reads how the samples are stored, and refuses files that are not supported.
fn layout(stream: &Stream<'_>, directory: &Directory) -> Result<TiffLayout, DecodeError> {
    let number = |tag| directory.field(tag).and_then(|f| stream.unsigned(f, 0));
    let side = |tag| number(tag).filter(|v| (1..=u32::MAX.into()).contains(v)).map(|v| v as usize);
    let (Some(width), Some(height)) = (side(WIDTH), side(HEIGHT)) else {
        return Err(broken(Format::Tiff, "a side is missing or zero"));
    };
    check_coding(number)?;
    let (colours, palette) = colours(number(PHOTOMETRIC))?;
    let samples = number(SAMPLES).unwrap_or(1);
    let bits = number(BITS).unwrap_or(1);
    match bits {
        8 => {}
        16 if !palette => {}
        1 | 2 | 4 if colours == 1 && samples == 1 => {}
        other => return refused(&format!("{other}-bit samples")),
    }
    let extra = directory.field(EXTRA_SAMPLES).and_then(|f| stream.unsigned(f, 0));
    let has_alpha = match (samples.checked_sub(colours), extra) {
        (Some(0), _) => false,
        // Three colours and one extra sample without a description are RGBA by custom.
        (Some(1), Some(2)) | (Some(1), None) if colours == 3 || extra.is_some() => !palette,
        (Some(1), Some(1)) => return refused("premultiplied alpha"),
        (Some(1), _) => return refused("an extra sample of unspecified meaning"),
        (Some(_), _) => return refused("more than one extra sample"),
        (None, _) => return Err(broken(Format::Tiff, "it has fewer samples than colours")),
    };
    if has_alpha && number(PHOTOMETRIC) == Some(0) || palette && samples != 1 {
        return refused("alpha with a palette or with inverted grey");
    }
    let channels = if colours == 3 || palette { Channels::Rgb } else { Channels::Grey };
    let planar = number(PLANAR) == Some(2) && samples > 1;
    Ok(TiffLayout { width, height, bits: bits as usize, palette, planar, channels, has_alpha })
}

fn refused<T>(property: &str) -> Result<T, DecodeError> {
    Err(unsupported(Format::Tiff, property))
}

/// Refuses compressions, sample formats and bit orders that are not supported. `number` reads the number of a tag.
fn check_coding(number: impl Fn(u16) -> Option<u64>) -> Result<(), DecodeError> {
    match number(COMPRESSION).unwrap_or(1) {
        1 | 4 | 5 | 8 | 32946 | 32773 => {}
        6 | 7 => return refused("JPEG compression"),
        other => return refused(&format!("compression {other}")),
    }
    if number(SAMPLE_FORMAT).unwrap_or(1) != 1 {
        return refused("signed or floating-point samples");
    }
    if number(FILL_ORDER).unwrap_or(1) != 1 {
        return refused("bits in reversed order");
    }
    Ok(())
}

/// Returns the number of colours of a photometric interpretation, and whether it is a palette.
fn colours(photometric: Option<u64>) -> Result<(u64, bool), DecodeError> {
    match photometric {
        Some(0 | 1) => Ok((1, false)),
        Some(2) => Ok((3, false)),
        Some(3) => Ok((1, true)),
        Some(5) => refused("CMYK colours"),
        Some(6) => refused("YCbCr colours"),
        Some(8..=10) => refused("Lab colours"),
        Some(other) => refused(&format!("photometric interpretation {other}")),
        None => Err(broken(Format::Tiff, "its photometric interpretation is missing")),
    }
}

/// Decodes the pixels of a probed file.
pub(super) fn decode(bytes: &[u8], header: &Header, cancel: &Cancel) -> Result<StoredImage, DecodeError> {
    let (stream, directory) = open(bytes)?;
    let layout = layout(&stream, &directory)?;
    let incomplete = || broken(Format::Tiff, "its samples do not fill the picture");
    if header.depth == Depth::Sixteen {
        let n_samples = pixels::samples_per_pixel(layout.channels, layout.has_alpha);
        let TiffLayout { width, height, planar: is_planar, .. } = layout;
        let samples = tiff_deep::read(bytes, DeepLayout { width, height, n_samples, is_planar })?;
        let image = pixels::split(width, height, header.channels, header.has_alpha, samples, cancel)?;
        return image.map(StoredImage::from).ok_or_else(incomplete);
    }
    let samples = if layout.palette {
        let table = palette(&stream, &directory, layout.bits)?;
        let indices = read(&says_grey(bytes, &stream, &directory), &layout, 1)?;
        indices.iter().flat_map(|&i| table[usize::from(i)]).collect()
    } else {
        let mut samples = read(bytes, &layout, pixels::samples_per_pixel(layout.channels, layout.has_alpha))?;
        if layout.bits < 8 {
            let scale = 255 / ((1u16 << layout.bits) - 1) as u8;
            samples.iter_mut().for_each(|v| *v *= scale);
        }
        samples
    };
    pixels::split(header.width, header.height, header.channels, header.has_alpha, samples, cancel)?
        .map(StoredImage::from)
        .ok_or_else(incomplete)
}

/// The samples as stored, one byte each, interleaved.
fn read(bytes: &[u8], layout: &TiffLayout, n_samples: usize) -> Result<Vec<u8>, DecodeError> {
    let TiffLayout { width, height, bits, .. } = *layout;
    let row_bytes = (width * bits).div_ceil(8);
    let plane_bytes = row_bytes * height;
    let expected = plane_bytes * n_samples;
    let mut limits = TiffLimits::default();
    limits.decoding_buffer_size = expected;
    limits.intermediate_buffer_size = bytes.len();
    let error = |e: tiff::TiffError| match e {
        tiff::TiffError::UnsupportedError(what) => unsupported(Format::Tiff, what),
        other => broken(Format::Tiff, other),
    };
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(error)?.with_limits(limits);
    let found = decoder.image_buffer_layout().map_err(error)?;
    let agrees = decoder.dimensions().map_err(error)? == (width as u32, height as u32);
    if !agrees || found.complete_len != expected {
        return Err(broken(Format::Tiff, "its directory contradicts itself"));
    }
    let mut samples = vec![0; expected];
    decoder.read_image_bytes(&mut samples).map_err(error)?;
    if bits < 8 {
        return Ok(pixels::unpack_bits(&samples, width, height, bits));
    }
    if layout.planar {
        let mut interleaved = vec![0; expected];
        for (channel, plane) in samples.chunks_exact(plane_bytes).enumerate() {
            let places = interleaved.iter_mut().skip(channel).step_by(n_samples);
            places.zip(plane).for_each(|(place, v)| *place = *v);
        }
        return Ok(interleaved);
    }
    Ok(samples)
}

/// Returns the colour map as 8-bit colours. Its 16-bit values must be a byte twice (TIFF 6.0) or a byte and a zero (old
/// writers). Other values would lose precision and are refused.
fn palette(stream: &Stream<'_>, directory: &Directory, bits: usize) -> Result<Vec<[u8; 3]>, DecodeError> {
    let n = 1 << bits;
    let missing = || broken(Format::Tiff, "its colour map is missing or too short");
    let field = directory.field(COLOUR_MAP).ok_or_else(missing)?;
    let values: Option<Vec<u64>> = (0..3 * n).map(|i| stream.unsigned(field, i)).collect();
    let values = values.ok_or_else(missing)?;
    let narrow = |v: u64| (v >> 8) as u8;
    let doubled = values.iter().all(|&v| v == u64::from(narrow(v)) * 257);
    let shifted = values.iter().all(|&v| v & 0xFF == 0);
    if !doubled && !shifted {
        return Err(unsupported(Format::Tiff, "16-bit palette colours"));
    }
    Ok((0..n).map(|i| [narrow(values[i]), narrow(values[n + i]), narrow(values[2 * n + i])]).collect())
}

/// Returns a copy of the file whose directory says grey instead of palette. The decoder reads indices only from such files.
fn says_grey(bytes: &[u8], stream: &Stream<'_>, directory: &Directory) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    if let Some(field) = directory.field(PHOTOMETRIC).filter(|f| f.kind == ifd::SHORT) {
        copy[field.at..field.at + 2].copy_from_slice(&stream.endian.u16_bytes(1));
    }
    copy
}

/// Reads the metadata. The descriptive tags and the Exif and GPS directories become an EXIF block.
pub(super) fn metadata(bytes: &[u8]) -> Metadata {
    let Ok((stream, directory)) = open(bytes) else { return Metadata::default() };
    let block = |tag| directory.field(tag).and_then(|f| kept(stream.value(f)));
    let tables = PortableTags::read(&stream);
    Metadata {
        icc: block(ICC),
        exif: (!tables.is_empty()).then(|| tables.to_exif()),
        xmp: block(XMP),
        iptc: block(IPTC),
        resolution: exif::directory_resolution(&stream, &directory),
        ..Metadata::default()
    }
}

/// Encodes the picture with its metadata.
pub(super) fn encode<S: TiffSample>(image: &Image<S>, metadata: &Metadata) -> Result<Vec<u8>, EncodeError>
where
    [S]: TiffValue,
{
    let out = match image.channels() {
        Channels::Grey => encode_pixels::<S, S::Grey>(image),
        Channels::Rgb => encode_pixels::<S, S::Rgb>(image),
    };
    let mut file = describe(out.map_err(|e| failed(Format::Tiff, e))?, metadata)
        .ok_or_else(|| failed(Format::Tiff, "the file outgrows 4 GiB"))?;
    file.shrink_to_fit();
    Ok(file)
}

/// Encodes the pixels: LZW, and horizontal differences without alpha.
fn encode_pixels<S: TiffSample, C: EncoderColour<Inner = S>>(
    image: &Image<S>,
) -> Result<Vec<u8>, tiff::TiffError>
where
    [S]: TiffValue,
{
    // Room for the longest file, so that it never moves: the system only provides the pages that are written.
    let mut out = Cursor::new(Vec::with_capacity(bounds::tiff_bytes_max(image)));
    // The encoder takes differences three samples apart (grey: one). With alpha these would mix channels, so there are none.
    let predictor = if image.alpha().is_some() { Predictor::None } else { Predictor::Horizontal };
    let mut encoder =
        TiffEncoder::new(&mut out)?.with_compression(Compression::Lzw).with_predictor(predictor);
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
    let resolution = [282, 283, 296];
    let kept = directory.fields.iter().filter(|f| !resolution.contains(&f.tag));
    let mut values: Vec<Value> = kept.map(|f| stream.copy(f)).collect();
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
    ];
    for (tag, kind, bytes) in blocks {
        values.extend(bytes.iter().map(|bytes| Value { tag, kind, bytes: bytes.clone() }));
    }
    let exif = metadata.exif.as_deref().and_then(Stream::open);
    let tables = exif.map(|stream| PortableTags::read(&stream)).unwrap_or_default();
    let at = tables.append_to(&mut file, values)?;
    file[4..8].copy_from_slice(&at.to_le_bytes());
    Some(file)
}
