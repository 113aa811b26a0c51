//! JPEG XL (ISO/IEC 18181): decoded by `jxl`, the Rust decoder of the makers of libjxl. Written by `jxl_write`.
//!
//! The decoder is built without instructions of single CPUs, so any CPU gives the same samples. Up to 8 bits stay 8; 9 to 16 are
//! stretched to 16. The orientation of the picture replaces that of EXIF. Carried: ICC, EXIF, XMP. HDR curves, CMYK, gain maps,
//! floating-point samples and animations are refused by name.

use jxl::api::{
    AlphaMode, Event, ExtraChannel, JxlBitDepth, JxlColorEncoding, JxlColorProfile, JxlColorType,
    JxlDataFormat, JxlDecoder, JxlDecoderOptions, JxlOutputBuffer, JxlPixelFormat, JxlTransferFunction,
    ProfileLevel,
};

use super::{
    block::kept,
    bmff::{self, BmffBox},
    endian::Endian,
    error::{DecodeError, broken, cut_off, unsupported_but},
    exif,
    format::Format,
    header::Header,
    limits,
    memory::zeroed,
    metadata::Metadata,
    notes::{NoteKind, Notes},
    pixels::StoredImage,
};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image, Sample},
};

/// The first box of a file in a container.
const CONTAINER: &[u8] = b"\0\0\0\x0CJXL \r\n\x87\n";
/// Bytes that are decoded between two looks at the flag.
const BYTES_PER_CHECK: usize = 1 << 16;
/// Bytes that the decoder takes for a sample of a frame: a number of 4 bytes, and another while it is transformed.
const DECODER_BYTES_PER_SAMPLE: u64 = 8;
/// Bytes of a sample of the frames that it keeps for later ones, if there are any: four of them, and their smaller forms.
const STORED_BYTES_PER_SAMPLE: u64 = 4 * 4 + 2;
const DECODER_BYTES_FIXED: u64 = 16 << 20;
/// Samples that each frame may have in any case: frames that are kept may be larger than a small picture.
const FRAME_SAMPLES_MIN: usize = 1 << 20;
const TO_STILL: &str = "save one frame of it as a still picture first";
const TO_SDR: &str = "save it as a picture without HDR first";
const TO_PLAIN: &str = "save it as PNG or TIFF first";

/// Whether bytes begin as a JPEG XL file does: a bare stream or a container.
pub(super) fn is_jxl(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0x0A]) || bytes.starts_with(CONTAINER)
}

/// What a file states about its picture.
struct Opened<'a> {
    decoder: JxlDecoder,
    rest: &'a [u8],
    width: usize,
    height: usize,
    channels: Channels,
    depth: Depth,
    bits: u32,
    /// The place of alpha among the extra channels.
    alpha: Option<usize>,
    is_premultiplied: bool,
    n_extra: usize,
    n_others: usize,
}

/// Returns the boxes of a container. None for a bare stream.
fn boxes(bytes: &[u8]) -> Vec<BmffBox> {
    if bytes.starts_with(CONTAINER) { bmff::walk_file(bytes).0 } else { Vec::new() }
}

fn error(e: jxl::error::Error) -> DecodeError {
    broken(Format::Jxl, e)
}

fn options(sample_limit: Option<usize>, scan_frames_only: bool) -> JxlDecoderOptions {
    let mut options = JxlDecoderOptions::default();
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.max_profile_level = ProfileLevel::Main10;
    options.sample_limit = sample_limit.map(|limit| limit.saturating_add(1));
    options.scan_frames_only = scan_frames_only;
    options
}

/// Reads the header. Returns the decoder and the bytes that it has not read.
fn begin(bytes: &[u8], options: JxlDecoderOptions) -> Result<(JxlDecoder, &[u8]), DecodeError> {
    let mut decoder = JxlDecoder::new(options);
    let mut rest = bytes;
    match decoder.process(&mut rest, None, None).map_err(error)? {
        Event::BasicInfo => Ok((decoder, rest)),
        _ => Err(broken(Format::Jxl, "its header is too short")),
    }
}

/// Samples of a frame, as the decoder counts them.
fn frame_samples((width, height): (usize, usize), n_extra: usize) -> usize {
    width.max(16).saturating_mul(height.max(16)).saturating_mul(3 + n_extra)
}

/// Whether the picture is one frame, and none is kept for it. Only the heads of frames are read. False when that cannot be said.
fn is_single_frame(bytes: &[u8], sample_limit: usize) -> bool {
    let scan = || {
        let (mut decoder, mut rest) = begin(bytes, options(Some(sample_limit), true)).ok()?;
        while !matches!(
            decoder.process(&mut rest, None, None).ok()?,
            Event::FrameComplete { .. } | Event::Complete
        ) {
            if rest.is_empty() {
                break;
            }
        }
        let [frame] = decoder.scanned_frames() else { return None };
        let (start, target) = (frame.file_offset, frame.seek_target);
        // To begin with this frame, the decoder would have to begin with the first one that is kept for it.
        Some(decoder.start_new_frame(target).ok()? == start)
    };
    scan().unwrap_or(false)
}

/// Reads the header, and refuses what would not survive.
fn open(bytes: &[u8]) -> Result<Opened<'_>, DecodeError> {
    let but = |property: &str, help| Err(unsupported_but(Format::Jxl, property, help));
    let (first, _) = begin(bytes, options(None, false))?;
    let info = first.basic_info().ok_or_else(|| broken(Format::Jxl, "it has no header"))?.clone();
    let sample_limit = frame_samples(info.size, info.extra_channels.len()).max(FRAME_SAMPLES_MIN);
    let (decoder, rest) = begin(bytes, options(Some(sample_limit), false))?;
    if info.animation.is_some() {
        return but("an animation", TO_STILL);
    }
    let bits = match info.bit_depth {
        JxlBitDepth::Int { bits_per_sample } if bits_per_sample <= 16 => bits_per_sample,
        JxlBitDepth::Int { .. } => return but("more than 16 bits per sample", TO_PLAIN),
        JxlBitDepth::Float { .. } => return but("samples in floating point", TO_PLAIN),
    };
    let profile = decoder.embedded_color_profile();
    let channels = match profile {
        Some(JxlColorProfile::Simple(JxlColorEncoding::GrayscaleColorSpace { .. })) => Channels::Grey,
        Some(JxlColorProfile::Icc(icc)) if icc.get(16..20) == Some(b"GRAY") => Channels::Grey,
        Some(JxlColorProfile::Simple(JxlColorEncoding::XYB { .. })) => {
            return but("colours in XYB", TO_PLAIN);
        }
        _ => Channels::Rgb,
    };
    if let Some(JxlColorProfile::Simple(
        JxlColorEncoding::RgbColorSpace { transfer_function, .. }
        | JxlColorEncoding::GrayscaleColorSpace { transfer_function, .. },
    )) = profile
    {
        if matches!(transfer_function, JxlTransferFunction::PQ | JxlTransferFunction::HLG) {
            return but("an HDR curve (PQ or HLG)", TO_SDR);
        }
        if matches!(transfer_function, JxlTransferFunction::Linear) {
            return but("samples in proportion to light", TO_SDR);
        }
    }
    let is = |kind| info.extra_channels.iter().position(|channel| channel.ec_type == kind);
    if is(ExtraChannel::Black).is_some() {
        return but("CMYK colours", TO_PLAIN);
    }
    let alpha = is(ExtraChannel::Alpha);
    if boxes(bytes).iter().any(|b| &b.kind == b"jhgm") {
        return but("a gain map", TO_SDR);
    }
    let (width, height) = info.size;
    Ok(Opened {
        decoder,
        rest,
        width,
        height,
        channels,
        depth: if bits > 8 { Depth::Sixteen } else { Depth::Eight },
        bits,
        is_premultiplied: alpha.is_some_and(|at| info.extra_channels[at].alpha_associated),
        alpha,
        n_extra: info.extra_channels.len(),
        n_others: info.extra_channels.len() - usize::from(alpha.is_some()),
    })
}

/// Reads the header.
pub(super) fn probe(bytes: &[u8]) -> Result<Header, DecodeError> {
    let opened = open(bytes)?;
    let Opened { width, height, channels, depth, .. } = opened;
    let has_alpha = opened.alpha.is_some();
    let samples = channels.count() + usize::from(has_alpha);
    // Grey is decoded as three channels where it is coded so.
    let frame = frame_samples((width, height), opened.n_extra);
    let is_single = is_single_frame(bytes, frame.max(FRAME_SAMPLES_MIN));
    let stored = if is_single { 0 } else { STORED_BYTES_PER_SAMPLE };
    let working = (if is_single { frame } else { frame.max(FRAME_SAMPLES_MIN) } as u64)
        .saturating_mul(DECODER_BYTES_PER_SAMPLE + stored)
        .saturating_add(DECODER_BYTES_FIXED)
        .saturating_add(2 * bytes.len() as u64);
    let decoded_bytes = match depth {
        Depth::Eight => limits::decoded_bytes(width, height, samples, false, working),
        Depth::Sixteen => limits::deep_decoded_bytes(width, height, samples, false, working),
    };
    Ok(Header {
        format: Format::Jxl,
        width,
        height,
        channels,
        has_alpha,
        depth,
        decoded_bytes,
        metadata_bytes: metadata_bytes(bytes, &opened),
        jpeg_subsampling: None,
        // Whether a stream is lossless cannot be seen from its header; we write it losslessly.
        names_colours: true,
        lossless: true,
    })
}

/// Decodes the pixels of a probed file.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    lenient: bool,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<StoredImage, DecodeError> {
    let opened = open(bytes)?;
    if opened.n_others > 0 {
        notes.add(NoteKind::LeftOut, "channels besides colours and alpha");
    }
    if opened.is_premultiplied {
        notes.add(NoteKind::Converted, "colours multiplied by alpha: divided again");
    }
    match header.depth {
        Depth::Eight => decode_as::<u8>(opened, lenient, notes, cancel).map(StoredImage::from),
        Depth::Sixteen => {
            if opened.bits < 16 {
                let text = format_args!("samples of {} bits: stretched to 16", opened.bits);
                notes.add(NoteKind::Converted, text);
            }
            decode_as::<u16>(opened, lenient, notes, cancel).map(StoredImage::from)
        }
    }
}

/// A sample that the decoder writes.
trait JxlSample: Sample + bytemuck::Pod {
    const FORMAT: JxlDataFormat;
}

impl JxlSample for u8 {
    const FORMAT: JxlDataFormat = JxlDataFormat::U8 { bit_depth: 8 };
}

impl JxlSample for u16 {
    #[cfg(target_endian = "little")]
    const FORMAT: JxlDataFormat =
        JxlDataFormat::U16 { endianness: jxl::api::Endianness::LittleEndian, bit_depth: 16 };
    #[cfg(target_endian = "big")]
    const FORMAT: JxlDataFormat =
        JxlDataFormat::U16 { endianness: jxl::api::Endianness::BigEndian, bit_depth: 16 };
}

fn decode_as<S: JxlSample>(
    opened: Opened,
    lenient: bool,
    notes: &mut Notes,
    cancel: &Cancel,
) -> Result<Image<S>, DecodeError> {
    let Opened { mut decoder, mut rest, width, height, channels, alpha, n_extra, .. } = opened;
    let n = channels.count();
    let color_type = if n == 1 { JxlColorType::Grayscale } else { JxlColorType::Rgb };
    let mut extra_channel_format = vec![None; n_extra];
    if let Some(format) = alpha.and_then(|at| extra_channel_format.get_mut(at)) {
        *format = Some(S::FORMAT);
    }
    let format = JxlPixelFormat { color_type, color_data_format: Some(S::FORMAT), extra_channel_format };
    decoder.set_pixel_format(format).map_err(error)?;
    let mut samples = zeroed::<S>(width * height * n);
    let mut plane = if alpha.is_some() { zeroed::<S>(width * height) } else { Vec::new() };
    {
        let row = width * size_of::<S>();
        let colours = JxlOutputBuffer::new(bytemuck::cast_slice_mut(&mut samples), height, row * n);
        let mut buffers = vec![colours];
        if alpha.is_some() {
            buffers.push(JxlOutputBuffer::new(bytemuck::cast_slice_mut(&mut plane), height, row));
        }
        loop {
            cancel.check()?;
            let (mut part, after) = rest.split_at(rest.len().min(BYTES_PER_CHECK));
            let given = part.len();
            match decoder.process(&mut part, Some(&mut buffers), None) {
                Ok(Event::NeedMoreInput { .. }) if given == 0 || after.is_empty() && part.len() == given => {
                    let reason = "it ends before its picture";
                    // What is there is drawn.
                    if !lenient || !decoder.flush_pixels(&mut buffers, None).is_ok_and(|is_drawn| is_drawn) {
                        return Err(cut_off(Format::Jxl, reason));
                    }
                    notes.add(NoteKind::Tolerated, "a part of the picture is missing (the file is cut off)");
                    break;
                }
                Ok(Event::FrameComplete { has_more_frames: false } | Event::Complete) => break,
                Ok(Event::FrameComplete { has_more_frames: true }) => {
                    return Err(broken(Format::Jxl, "it has several frames and no animation"));
                }
                Ok(_) => {}
                Err(e) => return Err(error(e)),
            }
            rest = &rest[given - part.len()..];
        }
    }
    Image::of(width, height, channels, samples, alpha.map(|_| plane)).map_err(|e| broken(Format::Jxl, e))
}

/// Returns the profile of the samples as they are decoded. None for sRGB.
fn icc(opened: &mut Opened) -> Option<Vec<u8>> {
    let color_type =
        if opened.channels == Channels::Grey { JxlColorType::Grayscale } else { JxlColorType::Rgb };
    let format = JxlPixelFormat {
        color_type,
        color_data_format: Some(<u8 as JxlSample>::FORMAT),
        extra_channel_format: vec![None; opened.n_extra],
    };
    opened.decoder.set_pixel_format(format).ok()?;
    let profile = opened.decoder.output_color_profile()?;
    let is_srgb = match profile {
        JxlColorProfile::Simple(encoding) => is_srgb(encoding),
        JxlColorProfile::Icc(_) => false,
    };
    if is_srgb { None } else { profile.try_as_icc().map(|icc| icc.into_owned()) }
}

fn is_srgb(encoding: &JxlColorEncoding) -> bool {
    use jxl::api::{JxlPrimaries, JxlWhitePoint};
    match encoding {
        JxlColorEncoding::RgbColorSpace { white_point, primaries, transfer_function, .. } => {
            matches!(white_point, JxlWhitePoint::D65)
                && matches!(primaries, JxlPrimaries::SRGB)
                && matches!(transfer_function, JxlTransferFunction::SRGB)
        }
        JxlColorEncoding::GrayscaleColorSpace { transfer_function, .. } => {
            matches!(transfer_function, JxlTransferFunction::SRGB)
        }
        JxlColorEncoding::XYB { .. } => false,
    }
}

/// Returns the most bytes of the metadata.
fn metadata_bytes(bytes: &[u8], opened: &Opened) -> u64 {
    let blocks = boxes(bytes);
    let blocks = blocks.iter().filter(|b| [b"Exif", b"xml "].contains(&&b.kind)).map(|b| b.body.len() as u64);
    let icc = match opened.decoder.embedded_color_profile() {
        Some(JxlColorProfile::Icc(icc)) => icc.len() as u64,
        _ => 1024,
    };
    blocks.sum::<u64>() + icc
}

/// Reads the metadata, and notes the other boxes of the file.
pub(super) fn metadata(bytes: &[u8], notes: &mut Notes) -> Metadata {
    let boxes = boxes(bytes);
    let find = |kind| bmff::find(&boxes, kind).map(|body| &bytes[body]);
    let block = find(b"Exif");
    let exif = block.and_then(|block| {
        // The block begins with the distance to the TIFF stream, which some writers leave out.
        let skipped = Endian::Big.u32(block, 0)? as usize;
        let stream = skipped.checked_add(4).and_then(|at| block.get(at..)).and_then(exif::checked);
        stream.or_else(|| exif::checked(block))
    });
    if exif.is_none() && block.is_some() {
        notes.add(NoteKind::NotKept, "the EXIF block: it is damaged");
    }
    for compressed in boxes.iter().filter(|b| &b.kind == b"brob") {
        let kind = bytes[compressed.body.clone()].get(..4).unwrap_or_default();
        let name = match kind {
            b"Exif" => "the EXIF block",
            b"xml " => "the XMP packet",
            _ => "a block",
        };
        notes.add(NoteKind::NotKept, format_args!("{name}: it is compressed by Brotli, which is not read"));
    }
    for other in &boxes {
        match &other.kind {
            b"jbrd" => {
                notes.add(NoteKind::LeftOut, "the data to make the JPEG again that the picture was made of")
            }
            b"jumb" => notes.add(
                NoteKind::NotKept,
                "the box jumb (content credentials), which holds for the file as it was",
            ),
            _ => {}
        }
    }
    let mut opened = open(bytes).ok();
    let icc = opened.as_mut().and_then(icc);
    if let Some(JxlColorProfile::Icc(embedded)) =
        opened.as_ref().and_then(|o| o.decoder.embedded_color_profile())
        && icc.as_deref() != Some(&embedded[..])
    {
        notes.add(
            NoteKind::Converted,
            "colours of an ICC profile: they are decoded to the profile of the output",
        );
    }
    let metadata = Metadata { icc, exif, xmp: find(b"xml ").and_then(kept), ..Metadata::default() };
    // The decoder has turned the pixels. What EXIF says about it does not hold here.
    let metadata = if metadata.exif.is_some() { metadata.with_orientation(1) } else { metadata };
    metadata.resolution_from_exif()
}
