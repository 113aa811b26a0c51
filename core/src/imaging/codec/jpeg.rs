//! JPEG by libjpeg-turbo, with accurate inverse DCT and smooth chroma upsampling: the pixels that OpenCV reads.

use turbojpeg::{Compressor, Decompressor, PixelFormat, ScalingFactor, Subsamp};

use super::endian::Endian;
use super::error::{DecodeError, EncodeError, broken, cut_off, failed, unsupported};
use super::format::Format;
use super::header::Header;
use super::jpeg_extras as extras;
use super::jpeg_segments::{self as segments, OWN_HEAD, Segment, Walked};
use super::limits;
use super::memory::zeroed;
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use super::subsampling::Subsampling;
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image, color_space::Inks},
};

/// Longest side that libjpeg codes (`JPEG_MAX_DIMENSION`). The format allows 65535.
const SIDE_MAX: usize = 65_500;
/// Most scans of a file. Encoders write about ten; a bomb of empty scans has thousands.
pub(super) const SCANS_MAX: u32 = 100;

/// The start of frame (T.81 B.2.2).
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Identifier and sampling factors of each component.
    pub(super) components: Vec<(u8, u8, u8)>,
    progressive: bool,
    lossless: bool,
}

/// Reads the header from the segments. Pixels stay coded.
pub(super) fn probe(bytes: &[u8], lenient: bool) -> Result<Header, DecodeError> {
    let file = walk(bytes, lenient)?;
    extras::check(bytes, &file)?;
    let walked = &file.segments;
    let frame = frame(bytes, walked)?;
    if frame.lacks_scans(bytes, walked, lenient) {
        return Err(cut_off(Format::Jpeg, LACKS_SCANS));
    }
    check_scans(walked)?;
    let channels = match frame.components.len() {
        1 => Channels::Grey,
        3 => Channels::Rgb,
        // Inks become sRGB.
        4 => Channels::Rgb,
        n => return Err(unsupported(Format::Jpeg, format!("{n} colour components"))),
    };
    // A file with stray bytes is copied without them.
    let inks = if frame.components.len() == 4 { 4 * frame.width as u64 * frame.height as u64 } else { 0 };
    let working = bytes.len() as u64 + frame.buffered_bytes(bytes, walked) + inks;
    let turned = segments::orientation(bytes, walked) != 1;
    // The fourth one is black, which is stored as finely as luma.
    let factors: Vec<_> = frame.components.iter().take(3).map(|c| (c.1, c.2)).collect();
    Ok(Header {
        format: Format::Jpeg,
        width: frame.width,
        height: frame.height,
        channels,
        has_alpha: false,
        depth: Depth::Eight,
        decoded_bytes: limits::decoded_bytes(frame.width, frame.height, channels.count(), turned, working),
        metadata_bytes: segments::metadata_bytes(bytes, &file),
        jpeg_subsampling: Some(Subsampling::from_factors(&factors)),
        names_colours: inks == 0 && segments::names_colours(bytes, walked),
        lossless: frame.lossless,
    })
}

impl Frame {
    /// Whether scans leave a component out, or all if `lenient`.
    pub(super) fn lacks_scans(&self, bytes: &[u8], walked: &[Segment], lenient: bool) -> bool {
        let scans = scanned_components(bytes, walked);
        let is_scanned = |c: &(u8, u8, u8)| scans.iter().flatten().any(|id| *id == c.0);
        scans.is_empty() || (!lenient && !self.components.iter().all(is_scanned))
    }

    /// Returns the bytes of the coefficients that the decoder holds. It keeps all of them until the last scan of a
    /// progressive file, and of one whose first scan lacks a component; else none.
    pub(super) fn buffered_bytes(&self, bytes: &[u8], walked: &[Segment]) -> u64 {
        let scans = scanned_components(bytes, walked);
        let lacks_one = scans.first().is_some_and(|ids| ids.len() < self.components.len());
        if self.progressive || lacks_one { coefficient_bytes(self) } else { 0 }
    }
}

/// The reason why a file is refused whose scans leave a component out.
pub(super) const LACKS_SCANS: &str = "a colour component is in none of its scans";

/// Refuses too many scans.
pub(super) fn check_scans(walked: &[Segment]) -> Result<(), DecodeError> {
    if walked.iter().filter(|s| s.marker == segments::SOS).count() > SCANS_MAX as usize {
        return Err(unsupported(Format::Jpeg, format!("more than {SCANS_MAX} scans")));
    }
    Ok(())
}

/// Finds the segments.
fn walk(bytes: &[u8], lenient: bool) -> Result<Walked, DecodeError> {
    segments::walk(bytes, lenient).map_err(|reason| match reason {
        segments::CUT => cut_off(Format::Jpeg, reason),
        _ => broken(Format::Jpeg, reason),
    })
}

/// Reads the only start of frame.
pub(super) fn frame(bytes: &[u8], walked: &[Segment]) -> Result<Frame, DecodeError> {
    let mut frames =
        walked.iter().filter(|s| matches!(s.marker, 0xC0..=0xCF) && ![0xC4, 0xC8, 0xCC].contains(&s.marker));
    let segment = frames.next().ok_or_else(|| broken(Format::Jpeg, "it has no frame header"))?;
    if frames.next().is_some() {
        return Err(unsupported(Format::Jpeg, "more than one frame"));
    }
    let kind = segment.marker - 0xC0;
    if !matches!(kind, 0..=3 | 9 | 10) {
        return Err(unsupported(Format::Jpeg, format!("coding process SOF{kind}")));
    }
    let payload = &bytes[segment.payload.clone()];
    let cut = || broken(Format::Jpeg, "its frame header is too short");
    let [precision, _, _, _, _, count, components @ ..] = payload else { return Err(cut()) };
    if *precision != 8 {
        return Err(unsupported(Format::Jpeg, format!("{precision}-bit samples")));
    }
    let side = |at| Endian::Big.u16(payload, at).map(usize::from).ok_or_else(cut);
    let (height, width) = (side(1)?, side(3)?);
    if width == 0 || height == 0 {
        return Err(match width {
            0 => broken(Format::Jpeg, "its width is zero"),
            _ => unsupported(Format::Jpeg, "a height that it announces after the picture"),
        });
    }
    let n_components = usize::from(*count);
    if components.len() < 3 * n_components || n_components == 0 {
        return Err(cut());
    }
    let components: Vec<_> =
        components.chunks_exact(3).take(n_components).map(|c| (c[0], c[1] >> 4, c[1] & 15)).collect();
    if components.iter().any(|c| !(1..=4).contains(&c.1) || !(1..=4).contains(&c.2)) {
        return Err(broken(Format::Jpeg, "a sampling factor is out of 1 to 4"));
    }
    Ok(Frame { width, height, components, progressive: matches!(kind, 2 | 10), lossless: kind == 3 })
}

/// The component identifiers of every scan.
fn scanned_components(bytes: &[u8], walked: &[Segment]) -> Vec<Vec<u8>> {
    let scan = |segment: &Segment| {
        let payload = &bytes[segment.payload.clone()];
        let n = payload.first().map_or(0, |n| usize::from(*n));
        payload.get(1..).unwrap_or_default().chunks_exact(2).take(n).map(|c| c[0]).collect()
    };
    walked.iter().filter(|s| s.marker == segments::SOS).map(scan).collect()
}

/// Returns the colour transform of the Adobe segment.
fn adobe_transform(bytes: &[u8], walked: &[Segment]) -> Option<u8> {
    let payloads = walked.iter().filter(|s| s.marker == segments::APP14).map(|s| &bytes[s.payload.clone()]);
    payloads.filter(|p| p.starts_with(b"Adobe")).find_map(|p| p.get(11).copied())
}

/// Returns the bytes of all coefficients: two each, every component padded to whole units of the frame.
fn coefficient_bytes(frame: &Frame) -> u64 {
    let max = |f: fn(&(u8, u8, u8)) -> u8| u64::from(frame.components.iter().map(f).max().unwrap_or(1));
    let (h_max, v_max) = (max(|c| c.1), max(|c| c.2));
    let units = (frame.width as u64).div_ceil(8 * h_max) * (frame.height as u64).div_ceil(8 * v_max);
    let blocks: u64 = frame.components.iter().map(|c| u64::from(c.1) * u64::from(c.2)).sum();
    units * blocks * 64 * 2
}

/// Decodes the pixels of a probed file. With `side_min` to an eighth, a quarter, a half or all of the sides: the smallest size whose
/// longer side has at least so many pixels. The inverse DCT makes fewer samples of each block then.
///
/// libjpeg-turbo reports its first warning as an error after decoding. One warning is harmless: stray bytes before the
/// final marker, when everything is decoded. After any other warning the file is decoded once more without the bytes
/// between its segments and with mended scan headers. What libjpeg warns of then is tolerated with a note, unless it says that
/// a part of the picture is missing: such a file is refused, or noted too if `lenient`.
pub(super) fn decode(
    bytes: &[u8],
    header: &Header,
    side_min: Option<usize>,
    lenient: bool,
    notes: &mut Notes,
) -> Result<Image, DecodeError> {
    let scale = scale(header, side_min);
    let file = walk(bytes, lenient)?;
    let format = match frame(bytes, &file.segments)?.components.len() {
        1 => PixelFormat::GRAY,
        4 => PixelFormat::CMYK,
        _ => PixelFormat::RGB,
    };
    let mut samples = decode_at((bytes, &file), (header, format), scale, lenient, notes)?;
    if format == PixelFormat::CMYK {
        samples = inks_to_srgb(bytes, &file, samples, notes)?;
    }
    Image::new(scale.scale(header.width), scale.scale(header.height), header.channels, samples, None)
        .map_err(|e| broken(Format::Jpeg, e))
}

/// Returns the scale at which a file is decoded.
fn scale(header: &Header, side_min: Option<usize>) -> ScalingFactor {
    let Some(side_min) = side_min else { return ScalingFactor::ONE };
    let reductions = [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF];
    let suffices = |scale: &ScalingFactor| scale.scale(header.width.max(header.height)) >= side_min;
    // Lossless JPEG has no DCT.
    let reduction = reductions.into_iter().find(suffices).filter(|_| !header.lossless);
    reduction.unwrap_or(ScalingFactor::ONE)
}

/// Decodes at a scale.
fn decode_at(
    (bytes, file): (&[u8], &Walked),
    (header, format): (&Header, PixelFormat),
    scale: ScalingFactor,
    lenient: bool,
    notes: &mut Notes,
) -> Result<Vec<u8>, DecodeError> {
    let tolerate = |notes: &mut Notes, what: &str| notes.add(NoteKind::Tolerated, what);
    let mut first = String::new();
    if file.is_cut {
        tolerate(
            notes,
            "the file ends before its end-of-image marker; what is missing of the picture is filled in",
        );
    } else {
        match decompress(bytes, header, format, scale) {
            Ok((samples, None)) => return Ok(samples),
            Ok((samples, Some(warning))) if is_harmless(&warning) => {
                tolerate(notes, &format!("a defect of the file ({warning})"));
                return Ok(samples);
            }
            Ok((_, Some(message))) | Err(message) => first = message,
        }
    }
    let bare = segments::bare(bytes, &file.segments);
    let (samples, warning) =
        decompress(&bare, header, format, scale).map_err(|reason| broken(Format::Jpeg, reason))?;
    match warning {
        None if file.is_cut => {}
        None => tolerate(notes, &format!("a defect of the file ({first})")),
        Some(warning) if says_missing(&warning) => {
            if !lenient {
                return Err(cut_off(
                    Format::Jpeg,
                    format_args!("a part of the picture is missing ({warning})"),
                ));
            }
            if !file.is_cut {
                tolerate(notes, &format!("a part of the picture is missing and filled in ({warning})"));
            }
        }
        Some(warning) => tolerate(notes, &format!("a part of the picture may be damaged ({warning})")),
    }
    Ok(samples)
}

/// Converts inks to sRGB by the profile of the file. Writers with Adobe's segment store what an ink leaves of the light; others store
/// the ink. libjpeg-turbo has made CMYK of YCCK.
fn inks_to_srgb(
    bytes: &[u8],
    file: &Walked,
    mut inks: Vec<u8>,
    notes: &mut Notes,
) -> Result<Vec<u8>, DecodeError> {
    let transform = adobe_transform(bytes, &file.segments);
    if transform.is_some() {
        inks.iter_mut().for_each(|v| *v = !*v);
    }
    let profile = segments::metadata(bytes, file, &mut Notes::default()).icc;
    let stored = if transform == Some(2) { "YCCK" } else { "CMYK" };
    let how = Inks::describe(profile.as_deref());
    notes.add(NoteKind::Converted, format_args!("{stored} colours to sRGB, {how}"));
    Ok(Inks::new(profile.as_deref()).to_srgb(&inks, &Cancel::never())?)
}

/// Runs libjpeg-turbo. Returns the samples with its first warning, or the message of an error.
fn decompress(
    bytes: &[u8],
    header: &Header,
    format: PixelFormat,
    scale: ScalingFactor,
) -> Result<(Vec<u8>, Option<String>), String> {
    let (width, height) = (scale.scale(header.width), scale.scale(header.height));
    let mut decompressor = Decompressor::new().map_err(|e| e.to_string())?;
    decompressor.set_scan_limit(SCANS_MAX).map_err(|e| e.to_string())?;
    if scale != ScalingFactor::ONE {
        decompressor.set_scaling_factor(scale).map_err(|e| e.to_string())?;
    }
    let pitch = width * format.size();
    let mut samples = zeroed(pitch * height);
    let target = turbojpeg::Image { pixels: &mut samples[..], width, pitch, height, format };
    decompress_into(&mut decompressor, bytes, target).map(|warning| (samples, warning))
}

/// Decodes into `target`. Returns the first warning, or the message of an error.
pub(super) fn decompress_into(
    decompressor: &mut Decompressor,
    bytes: &[u8],
    target: turbojpeg::Image<&mut [u8]>,
) -> Result<Option<String>, String> {
    match decompressor.decompress(bytes, target) {
        Ok(()) => Ok(None),
        Err(turbojpeg::Error::TurboJpegError(message)) if is_warning(&message) => Ok(Some(message)),
        Err(turbojpeg::Error::TurboJpegError(message)) => Err(message),
        Err(error) => Err(error.to_string()),
    }
}

/// Beginnings of the messages that libjpeg-turbo calls warnings (`JWRN_…` of its jerror.h): it decodes on. The binding does not tell
/// warnings from errors.
const WARNINGS: [&str; 6] = [
    "Corrupt JPEG data: ",
    "Premature end of JPEG file",
    "Invalid SOS parameters for sequential JPEG",
    "Inconsistent progression sequence for component ",
    "Warning: unknown JFIF revision number ",
    "Unknown Adobe color transform code ",
];

fn is_warning(message: &str) -> bool {
    WARNINGS.iter().any(|begin| message.starts_with(begin))
}

/// Whether a warning says that coded data end too early.
fn says_missing(message: &str) -> bool {
    message.starts_with("Premature end of JPEG file") || message.contains("premature end of data segment")
}

/// Whether a warning is harmless. libjpeg-turbo reports only the first warning, so a harmless one must be the last
/// possible.
pub(super) fn is_harmless(message: &str) -> bool {
    message.starts_with("Corrupt JPEG data: ") && message.ends_with(" extraneous bytes before marker 0xd9")
}

/// Reads the metadata.
pub(super) fn metadata(bytes: &[u8], lenient: bool, notes: &mut Notes) -> Metadata {
    let Ok(file) = segments::walk(bytes, lenient) else { return Metadata::default() };
    let mut metadata = segments::metadata(bytes, &file, notes);
    let has_inks = frame(bytes, &file.segments).is_ok_and(|frame| frame.components.len() == 4);
    // A profile for other colours does not fit the sRGB that comes of inks. That for inks is needed where they stay.
    metadata.icc = metadata.icc.filter(|icc| !has_inks || icc.get(16..20) == Some(b"CMYK"));
    metadata
}

/// Encodes baseline JPEG with standard Huffman tables. Grey stays one component.
///
/// libjpeg-turbo writes into the final buffer, after room for the metadata, so nothing is copied:
///
/// ```text
/// | head with metadata                | tables, coded pixels …
///                | head of libjpeg    | tables, coded pixels …
///                begin                head.len()
/// ```
///
/// The head of libjpeg has a known length ([`OWN_HEAD`]) and is overwritten. The buffer is as long as the longest possible
/// file, but the system only provides the pages that are written.
pub(super) fn encode(
    image: &Image,
    quality: u8,
    subsampling: Option<Subsampling>,
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = (image.width(), image.height());
    if image.alpha().is_some() {
        return Err(EncodeError::AlphaIntoJpeg);
    }
    if width.max(height) > SIDE_MAX {
        return Err(EncodeError::TooLarge { format: Format::Jpeg, width, height, max: SIDE_MAX });
    }
    let head = segments::head(true, metadata)?;
    let begin = head.len() - OWN_HEAD;
    let compress = || {
        let mut compressor = Compressor::new()?;
        compressor.set_quality(quality.into())?;
        let (format, subsamp) = coding(image.channels(), subsampling);
        compressor.set_subsamp(subsamp)?;
        let mut out = vec![0; begin + turbojpeg::compressed_buf_len(width, height, subsamp)?];
        let pitch = width * image.channels().count();
        let picture = turbojpeg::Image { pixels: image.samples(), width, pitch, height, format };
        let n = compressor.compress_to_slice(picture, &mut out[begin..])?;
        out.truncate(begin + n);
        Ok(out)
    };
    let mut out = compress().map_err(|e: turbojpeg::Error| failed(Format::Jpeg, e))?;
    if !segments::has_own_head(&out[begin..]) {
        return Err(failed(Format::Jpeg, "its encoder begins a file as it never did"));
    }
    out[..head.len()].copy_from_slice(&head);
    out.extend_from_slice(metadata.video.as_deref().unwrap_or_default());
    out.shrink_to_fit();
    Ok(out)
}

/// Returns the pixel format and the subsampling in the terms of libjpeg-turbo.
fn coding(channels: Channels, subsampling: Option<Subsampling>) -> (PixelFormat, Subsamp) {
    match (channels, subsampling) {
        (Channels::Grey, _) => (PixelFormat::GRAY, Subsamp::Gray),
        (Channels::Rgb, Some(Subsampling::S422)) => (PixelFormat::RGB, Subsamp::Sub2x1),
        (Channels::Rgb, Some(Subsampling::S420)) => (PixelFormat::RGB, Subsamp::Sub2x2),
        (Channels::Rgb, Some(Subsampling::S440)) => (PixelFormat::RGB, Subsamp::Sub1x2),
        (Channels::Rgb, Some(Subsampling::S411)) => (PixelFormat::RGB, Subsamp::Sub4x1),
        (Channels::Rgb, Some(Subsampling::S441)) => (PixelFormat::RGB, Subsamp::Sub1x4),
        (Channels::Rgb, Some(Subsampling::S444 | Subsampling::Grey | Subsampling::Unknown) | None) => {
            (PixelFormat::RGB, Subsamp::None)
        }
    }
}

/// Returns the same coded picture with other metadata.
pub(super) fn with_metadata(bytes: &[u8], metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let walked = segments::walk(bytes, false).map_err(|reason| failed(Format::Jpeg, reason))?;
    segments::with_metadata(bytes, &walked.segments, metadata)
}
