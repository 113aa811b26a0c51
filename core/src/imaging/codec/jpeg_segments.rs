//! The segments of a JPEG file (ITU T.81 annex B), and the metadata in the application segments.
//!
//! Carried: JFIF density, Exif in any number of segments, XMP, ICC in any number of segments, IPTC and other Photoshop resources,
//! comments, and segments that nothing here understands, among them the rest of long XMP packets ("extended XMP"). Left out with a
//! note: thumbnails, multi-picture indices, content credentials (JUMBF), which no longer hold for a changed picture.

use std::ops::Range;

use super::block::{BLOCK_BYTES_MAX, kept};
use super::endian::Endian;
use super::error::EncodeError;
use super::format::Format;
use super::limits::PARTS_MAX;
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use super::resolution::{Resolution, ResolutionUnit};
use super::{
    exif, iptc,
    jpeg_extras::{self, Trailer},
};

pub(super) const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
pub(super) const APP2: u8 = 0xE2;
const APP11: u8 = 0xEB;
const APP13: u8 = 0xED;
pub(super) const APP14: u8 = 0xEE;
const COM: u8 = 0xFE;
pub(super) const SOS: u8 = 0xDA;
const EOI: u8 = 0xD9;

const JFIF: &[u8] = b"JFIF\0";
const JFXX: &[u8] = b"JFXX\0";
pub(super) const MPF: &[u8] = b"MPF\0";
const JUMBF: &[u8] = b"JP";
const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Longest payload of a segment in bytes. The 16-bit length of a segment counts itself.
pub(super) const PAYLOAD_MAX: usize = 65_533;

/// A marker with its payload and, for a start of scan, the coded data after it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) marker: u8,
    /// The payload without marker and length.
    pub(super) payload: Range<usize>,
    /// Marker, length, payload and coded data.
    pub(super) whole: Range<usize>,
}

/// The segments of a file.
#[derive(Clone, Debug)]
pub(super) struct Walked {
    pub(super) segments: Vec<Segment>,
    /// Position after the end-of-image marker.
    pub(super) end: usize,
    /// Whether the file ends before that marker.
    pub(super) is_cut: bool,
}

/// Finds all segments between start and end of the image. Bytes between segments are skipped, as every decoder does. A file that
/// is cut off gives its whole segments if `lenient`.
///
/// # Errors
/// When the file ends before its end marker, has a second image or a wrong length, or too many segments.
pub(super) fn walk(bytes: &[u8], lenient: bool) -> Result<Walked, &'static str> {
    let mut segments = Vec::new();
    match walk_into(&mut segments, bytes) {
        Ok(end) => Ok(Walked { segments, end, is_cut: false }),
        Err(CUT) if lenient => Ok(Walked { segments, end: bytes.len(), is_cut: true }),
        Err(reason) => Err(reason),
    }
}

/// The reason why a file that is cut off is refused.
pub(super) const CUT: &str = "it ends before its end-of-image marker";

/// Finds the segments and returns the position after the end marker.
fn walk_into(segments: &mut Vec<Segment>, bytes: &[u8]) -> Result<usize, &'static str> {
    let mut at = 2;
    loop {
        let start = next_marker(bytes, at).ok_or(CUT)?;
        let marker = bytes[start + 1];
        match marker {
            EOI => return Ok(start + 2),
            // Restart markers and TEM have no payload. Outside of scans they mean nothing.
            0x01 | 0xD0..=0xD7 => at = start + 2,
            0xD8 => return Err("a second image starts before the first has ended"),
            _ => {
                let len = usize::from(Endian::Big.u16(bytes, start + 2).ok_or(CUT)?);
                let payload = start + 4..start + 2 + len;
                if len < 2 {
                    return Err("a segment claims less than its own length");
                }
                if payload.end > bytes.len() {
                    return Err(CUT);
                }
                at = if marker == SOS { end_of_scan(bytes, payload.end) } else { payload.end };
                segments.push(Segment { marker, payload, whole: start..at });
                if segments.len() > PARTS_MAX {
                    return Err("it has too many segments");
                }
            }
        }
    }
}

/// Returns the position of the next `FF` before a marker code.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(0xFF, bytes.get(at..)?)?;
        match bytes.get(at + 1)? {
            0x00 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

/// Returns where coded data ends: at the first marker that is no restart.
fn end_of_scan(bytes: &[u8], mut at: usize) -> usize {
    while let Some(marker) = next_marker(bytes, at) {
        if !(0xD0..=0xD7).contains(&bytes[marker + 1]) {
            return marker;
        }
        at = marker + 2;
    }
    bytes.len()
}

/// Returns the file with nothing but the picture: no bytes between segments, and only those application data that state
/// how colours are stored. Scans of a sequential file get the parameters that it must have (T.81 B.2.3); decoders do not look at
/// them, but libjpeg warns, and its first warning hides all others.
pub(super) fn bare(bytes: &[u8], segments: &[Segment]) -> Vec<u8> {
    let is_sequential = segments.iter().any(|s| matches!(s.marker, 0xC0 | 0xC1 | 0xC9));
    let mut out = vec![0xFF, 0xD8];
    for segment in segments.iter().filter(|s| is_picture(s.marker)) {
        match segment.marker {
            APP0 if !bytes[segment.payload.clone()].starts_with(JFIF) => {}
            APP0 => out.extend(jfif(None)),
            _ => {
                let at = out.len() + segment.payload.end - segment.whole.start;
                out.extend_from_slice(&bytes[segment.whole.clone()]);
                if segment.marker == SOS && is_sequential && segment.payload.len() >= 4 {
                    out[at - 3..at].copy_from_slice(&[0, 63, 0]);
                }
            }
        }
    }
    out.extend([0xFF, EOI]);
    out
}

/// Whether a segment belongs to the picture. Comments and application data do not, except for those of APP0 and Adobe.
pub(super) fn is_picture(marker: u8) -> bool {
    !matches!(marker, APP1..=0xEF | COM) || marker == APP14
}

/// Returns the most bytes of the metadata: those of all application segments and comments, and of what follows the picture.
pub(super) fn metadata_bytes(bytes: &[u8], walked: &Walked) -> u64 {
    let is_metadata = |s: &&Segment| matches!(s.marker, 0xE0..=0xEF | COM);
    let segments = walked.segments.iter().filter(is_metadata).map(|s| s.payload.len() as u64).sum::<u64>();
    segments + (bytes.len() - walked.end) as u64
}

/// Returns the orientation. Copies nothing.
pub(super) fn orientation(bytes: &[u8], segments: &[Segment]) -> u8 {
    let payloads = segments.iter().filter(|s| s.marker == APP1).map(|s| &bytes[s.payload.clone()]);
    payloads.filter_map(|payload| payload.strip_prefix(EXIF)).map(exif::orientation).next().unwrap_or(1)
}

/// Whether a profile or EXIF may name another colour space than sRGB. Copies nothing.
pub(super) fn names_colours(bytes: &[u8], segments: &[Segment]) -> bool {
    let of = |marker| segments.iter().filter(move |s| s.marker == marker).map(|s| &bytes[s.payload.clone()]);
    let mut exif = of(APP1).filter_map(|payload| payload.strip_prefix(EXIF));
    let first = exif.next();
    // A block of several segments is read only once they are joined.
    of(APP2).any(|payload| payload.starts_with(ICC))
        || first.is_some_and(exif::is_adobe_rgb)
        || exif.next().is_some()
}

/// Returns the XMP packet, or a part of its extension, that a segment holds.
pub(super) fn extends(marker: u8, payload: &[u8]) -> Option<&[u8]> {
    (marker == APP1).then(|| payload.strip_prefix(XMP).or_else(|| payload.strip_prefix(EXTENDED_XMP)))?
}

/// The beginning of a segment with a part of a long XMP packet.
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// Reads the metadata. Malformed blocks are left out with a note; they never refuse a picture.
pub(super) fn metadata(bytes: &[u8], walked: &Walked, notes: &mut Notes) -> Metadata {
    let mut metadata = Metadata::default();
    let (mut block, mut profile, mut photoshop) = (Vec::new(), Vec::new(), Vec::new());
    let thumbnail = "which shows the picture before its restoration";
    for segment in &walked.segments {
        let payload = &bytes[segment.payload.clone()];
        let after = |prefix| payload.strip_prefix(prefix);
        match segment.marker {
            APP0 if payload.starts_with(JFIF) => {
                metadata.resolution = metadata.resolution.or_else(|| after(JFIF).and_then(density));
                if payload.get(12..14).is_some_and(|sides| sides[0] > 0 && sides[1] > 0) {
                    notes.add(NoteKind::LeftOut, format_args!("the JFIF thumbnail, {thumbnail}"));
                }
            }
            APP0 if payload.starts_with(JFXX) => {
                notes.add(NoteKind::LeftOut, format_args!("the JFIF thumbnail, {thumbnail}"));
            }
            APP1 if payload.starts_with(EXIF) => {
                let part = &payload[EXIF.len()..];
                // A block over 64 KB goes on in further segments. What begins like a block is another one.
                if block.is_empty() || !(part.starts_with(b"II*\0") || part.starts_with(b"MM\0*")) {
                    block.extend_from_slice(part);
                } else {
                    notes.add(NoteKind::NotKept, "a second EXIF block");
                }
            }
            APP1 if payload.starts_with(XMP) && metadata.xmp.is_none() => {
                metadata.xmp = after(XMP).and_then(kept)
            }
            APP2 if payload.starts_with(ICC) => profile.extend(after(ICC)),
            APP2 if payload.starts_with(MPF) => {}
            APP11 if payload.starts_with(JUMBF) => {
                notes.add(
                    NoteKind::NotKept,
                    "content credentials (JUMBF): they do not hold for a changed picture",
                );
            }
            APP13 if payload.starts_with(PHOTOSHOP) => {
                photoshop.extend_from_slice(after(PHOTOSHOP).unwrap_or_default());
            }
            APP14 if payload.starts_with(b"Adobe") => {}
            COM if payload.is_empty() => {}
            COM => metadata.comments.push(payload.to_vec()),
            0xE0..=0xEF => metadata.jpeg_segments.push((segment.marker, payload.to_vec())),
            _ => {}
        }
    }
    metadata.exif = exif::checked(&block);
    if metadata.exif.is_none() && !block.is_empty() {
        notes.add(NoteKind::NotKept, "the EXIF block: it is damaged");
    }
    metadata.icc = join_profile(&profile);
    if metadata.icc.is_none() && !profile.is_empty() {
        notes.add(NoteKind::NotKept, "the ICC profile: its segments do not fit together");
    }
    let parts = iptc::from_photoshop(&photoshop);
    if parts.had_thumbnail {
        notes.add(NoteKind::LeftOut, format_args!("the Photoshop thumbnail, {thumbnail}"));
    }
    metadata.iptc = parts.iptc.filter(|records| records.len() <= BLOCK_BYTES_MAX);
    metadata.photoshop = parts.others.filter(|others| others.len() <= BLOCK_BYTES_MAX);
    read_trailer(&mut metadata, bytes, walked, notes);
    metadata.resolution_from_exif()
}

/// Keeps or notes what follows the picture.
fn read_trailer(metadata: &mut Metadata, bytes: &[u8], walked: &Walked, notes: &mut Notes) {
    let rest = &bytes[walked.end..];
    match jpeg_extras::trailer(bytes, walked, metadata.xmp.as_deref()) {
        Trailer::None => {}
        Trailer::Video => metadata.video = Some(rest.to_vec()),
        Trailer::Previews => {
            notes.add(
                NoteKind::LeftOut,
                "the previews after the picture, which show it before its restoration",
            );
        }
        Trailer::Unknown => {
            notes.add_trailing(rest.len());
        }
    }
}

/// The name of an application segment in notes.
pub(super) fn name_of((marker, payload): &(u8, Vec<u8>)) -> String {
    let end = payload.iter().take(40).position(|b| !b.is_ascii_graphic()).unwrap_or(payload.len().min(40));
    let number = marker - APP0;
    match &payload[..end] {
        [] => format!("the JPEG segment APP{number}"),
        name => format!("the JPEG segment APP{number} {:?}", String::from_utf8_lossy(name)),
    }
}

/// Reads the density of a JFIF 1.02 segment: version, unit, horizontal and vertical density.
fn density(jfif: &[u8]) -> Option<Resolution> {
    let unit = match jfif.get(2)? {
        0 => ResolutionUnit::Aspect,
        1 => ResolutionUnit::Inch,
        2 => ResolutionUnit::Centimetre,
        _ => return None,
    };
    Resolution::new(Endian::Big.u16(jfif, 3)?.into(), Endian::Big.u16(jfif, 5)?.into(), unit)
}

/// Joins a profile from its numbered parts (ICC.1 annex B.4). `None` when a part is missing, doubled or extra.
fn join_profile(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut ordered: Vec<(u8, &[u8])> = Vec::with_capacity(parts.len());
    for part in parts {
        let [number, total, data @ ..] = part else { return None };
        if usize::from(*total) != parts.len() {
            return None;
        }
        ordered.push((*number, data));
    }
    ordered.sort_by_key(|part| part.0);
    if !ordered.iter().zip(1u8..).all(|(part, number)| part.0 == number) {
        return None;
    }
    kept(&ordered.iter().flat_map(|part| part.1).copied().collect::<Vec<_>>())
}

/// Returns the same coded picture with other metadata.
///
/// JFIF is only written when the file had it, because decoders read colours by it.
pub(super) fn with_metadata(
    bytes: &[u8],
    segments: &[Segment],
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError> {
    let has_jfif = segments.iter().any(|s| s.marker == APP0 && bytes[s.payload.clone()].starts_with(JFIF));
    let mut out = head(has_jfif, metadata)?;
    out.reserve(bytes.len());
    for segment in segments.iter().filter(|s| is_picture(s.marker) && s.marker != APP0) {
        out.extend_from_slice(&bytes[segment.whole.clone()]);
    }
    out.extend([0xFF, EOI]);
    out.extend_from_slice(metadata.video.as_deref().unwrap_or_default());
    Ok(out)
}

/// Returns the beginning of a file up to its tables: start of image, JFIF, metadata.
pub(super) fn head(has_jfif: bool, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let mut out = vec![0xFF, 0xD8];
    if has_jfif {
        out.extend(jfif(metadata.resolution));
    }
    if let Some(exif) = &metadata.exif {
        for part in exif.chunks(PAYLOAD_MAX - EXIF.len()) {
            push_segment(&mut out, APP1, &[EXIF, part]);
        }
    }
    if let Some(xmp) = &metadata.xmp {
        push(&mut out, APP1, "XMP packet", &[XMP, xmp])?;
    }
    if let Some(icc) = &metadata.icc {
        push_profile(&mut out, icc)?;
    }
    let photoshop = iptc::to_photoshop(metadata.iptc.as_deref(), metadata.photoshop.as_deref());
    for part in photoshop.chunks(PAYLOAD_MAX - PHOTOSHOP.len()) {
        push_segment(&mut out, APP13, &[PHOTOSHOP, part]);
    }
    for (marker, payload) in &metadata.jpeg_segments {
        push_segment(&mut out, *marker, &[payload]);
    }
    for comment in &metadata.comments {
        push_segment(&mut out, COM, &[comment]);
    }
    Ok(out)
}

/// Length in bytes of the beginning that libjpeg writes: start of image and JFIF.
pub(super) const OWN_HEAD: usize = 20;

/// Whether `bytes` begin with start of image and JFIF, [`OWN_HEAD`] bytes, without other application data after them.
pub(super) fn has_own_head(bytes: &[u8]) -> bool {
    let [0xFF, 0xD8, 0xFF, APP0, 0, 16, identifier @ ..] = bytes else { return false };
    let next = bytes.get(OWN_HEAD..OWN_HEAD + 2);
    identifier.starts_with(JFIF) && next.is_some_and(|next| next[0] == 0xFF && is_picture(next[1]))
}

/// Makes a JFIF 1.01 segment. Densities are whole numbers, so others are given per inch, rounded.
fn jfif(resolution: Option<Resolution>) -> Vec<u8> {
    let (unit, x, y) = match resolution {
        None => (0, 1.0, 1.0),
        Some(Resolution { x, y, unit: ResolutionUnit::Aspect }) => (0, x, y),
        Some(Resolution { x, y, unit: ResolutionUnit::Inch }) => (1, x, y),
        Some(Resolution { x, y, .. }) if x.fract() == 0.0 && y.fract() == 0.0 => (2, x, y),
        Some(Resolution { x, y, .. }) => (1, x * 2.54, y * 2.54),
    };
    let mut out = vec![0xFF, APP0, 0, 16];
    out.extend_from_slice(JFIF);
    out.extend([1, 1, unit]);
    out.extend([x, y].iter().flat_map(|v| (v.round().clamp(1.0, 65535.0) as u16).to_be_bytes()));
    out.extend([0, 0]);
    out
}

/// Appends a block of metadata, a prefix and its data, as one segment.
fn push(out: &mut Vec<u8>, marker: u8, block: &'static str, parts: &[&[u8]]) -> Result<(), EncodeError> {
    let [prefix, data] = parts else { unreachable!("a prefix and its data") };
    let max = PAYLOAD_MAX - prefix.len();
    if data.len() > max {
        return Err(EncodeError::MetadataTooLarge { format: Format::Jpeg, block, got: data.len(), max });
    }
    push_segment(out, marker, parts);
    Ok(())
}

/// Appends a segment.
fn push_segment(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let len = 2 + parts.iter().map(|p| p.len()).sum::<usize>();
    out.extend([0xFF, marker]);
    out.extend((len as u16).to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// Appends an ICC profile in as many segments as it takes.
fn push_profile(out: &mut Vec<u8>, icc: &[u8]) -> Result<(), EncodeError> {
    const PART_MAX: usize = PAYLOAD_MAX - ICC.len() - 2;
    let total = icc.len().div_ceil(PART_MAX);
    let Ok(total) = u8::try_from(total) else {
        let (block, max) = ("ICC profile", 255 * PART_MAX);
        return Err(EncodeError::MetadataTooLarge { format: Format::Jpeg, block, got: icc.len(), max });
    };
    for (part, number) in icc.chunks(PART_MAX).zip(1u8..=255) {
        push_segment(out, APP2, &[ICC, &[number, total], part]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(segments: &[u8]) -> Vec<u8> {
        [b"\xFF\xD8", segments, b"\xFF\xDA\0\x03x\x12\xFF\0\xFF\xD3\x34\xFF\xFF\xD9"].concat()
    }

    #[test]
    fn scans_end_at_markers_and_not_at_stuffing_or_restarts() {
        let bytes = file(b"\xFF\xDB\0\x03q");
        let segments = walk(&bytes, false).unwrap().segments;
        assert_eq!(segments.iter().map(|s| s.marker).collect::<Vec<_>>(), [0xDB, SOS]);
        assert_eq!(&bytes[segments[1].whole.clone()], b"\xFF\xDA\0\x03x\x12\xFF\0\xFF\xD3\x34\xFF");
        for end in 2..bytes.len() {
            assert!(walk(&bytes[..end], false).is_err(), "cut at {end}");
            assert!(walk(&bytes[..end], true).unwrap().is_cut, "cut at {end}");
        }
    }

    #[test]
    fn profiles_are_split_and_joined() {
        for len in [1usize, 65_519, 65_520, 200_000] {
            let icc: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let metadata = Metadata { icc: Some(icc.clone()), ..Metadata::default() };
            let bytes = file(b"");
            let written = with_metadata(&bytes, &walk(&bytes, false).unwrap().segments, &metadata).unwrap();
            let walked = walk(&written, false).unwrap();
            let segments = &walked.segments;
            assert_eq!(segments.iter().filter(|s| s.marker == APP2).count(), len.div_ceil(65_519));
            assert_eq!(
                self::metadata(&written, &walked, &mut Notes::default()).icc.as_deref(),
                Some(&icc[..])
            );
        }
        assert_eq!(join_profile(&[b"\x02\x02b", b"\x01\x02a"]).as_deref(), Some(&b"ab"[..]));
        assert_eq!(join_profile(&[b"\x01\x02a"]), None, "a part is missing");
        assert_eq!(join_profile(&[b"\x01\x02a", b"\x01\x02a"]), None, "a part is doubled");
    }

    #[test]
    fn blocks_that_do_not_fit_are_an_error() {
        let bytes = file(b"");
        let metadata = Metadata { xmp: Some(vec![b'x'; 70_000]), ..Metadata::default() };
        let result = with_metadata(&bytes, &walk(&bytes, false).unwrap().segments, &metadata);
        assert!(
            matches!(result, Err(EncodeError::MetadataTooLarge { got: 70_000, max: 65_504, .. })),
            "{result:?}"
        );
    }

    #[test]
    fn jfif_is_only_written_where_it_was() {
        let resolution = Resolution::new(300.0, 300.0, ResolutionUnit::Inch);
        let metadata = Metadata { resolution, ..Metadata::default() };
        for (head, expected) in
            [(&b""[..], None), (b"\xFF\xE0\0\x10JFIF\0\x01\x02\0\0\x01\0\x01\0\0", resolution)]
        {
            let bytes = file(head);
            let written = with_metadata(&bytes, &walk(&bytes, false).unwrap().segments, &metadata).unwrap();
            assert_eq!(
                self::metadata(&written, &walk(&written, false).unwrap(), &mut Notes::default()).resolution,
                expected
            );
        }
        assert_eq!(jfif(Resolution::from_per_metre(11811, 11811))[11..16], [1, 1, 44, 1, 44]);
    }
}
