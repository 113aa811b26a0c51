//! The segments of a JPEG file (ITU T.81 annex B), and the metadata in the application segments.
//!
//! Carried: JFIF density, Exif, XMP, ICC in any number of segments, IPTC within Photoshop's resources. Not carried:
//! the rest of XMP packets over 64 KiB ("extended XMP"), other Photoshop resources, comments, thumbnails,
//! multi-picture indices, maker-specific segments.

use std::ops::Range;

use super::block::{BLOCK_BYTES_MAX, kept};
use super::endian::Endian;
use super::error::EncodeError;
use super::format::Format;
use super::limits::PARTS_MAX;
use super::metadata::Metadata;
use super::resolution::{Resolution, ResolutionUnit};
use super::{exif, iptc};

pub(super) const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP13: u8 = 0xED;
pub(super) const APP14: u8 = 0xEE;
const COM: u8 = 0xFE;
pub(super) const SOS: u8 = 0xDA;
const EOI: u8 = 0xD9;

const JFIF: &[u8] = b"JFIF\0";
const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Longest payload of a segment in bytes. The 16-bit length of a segment counts itself.
const PAYLOAD_MAX: usize = 65_533;

/// A marker with its payload and, for a start of scan, the coded data after it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) marker: u8,
    /// The payload without marker and length.
    pub(super) payload: Range<usize>,
    /// Marker, length, payload and coded data.
    pub(super) whole: Range<usize>,
}

/// Finds all segments between start and end of the image. Bytes between segments are skipped, as every decoder does.
///
/// # Errors
/// When the file ends before its end marker, has a second image or a wrong length, or too many segments.
pub(super) fn walk(bytes: &[u8]) -> Result<Vec<Segment>, &'static str> {
    const CUT: &str = "it ends before its end-of-image marker";
    let mut segments = Vec::new();
    let mut at = 2;
    loop {
        let start = next_marker(bytes, at).ok_or(CUT)?;
        let marker = bytes[start + 1];
        match marker {
            EOI => return Ok(segments),
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
/// how colours are stored.
pub(super) fn bare(bytes: &[u8], segments: &[Segment]) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    for segment in segments.iter().filter(|s| is_picture(s.marker)) {
        match segment.marker {
            APP0 if !bytes[segment.payload.clone()].starts_with(JFIF) => {}
            APP0 => out.extend(jfif(None)),
            _ => out.extend_from_slice(&bytes[segment.whole.clone()]),
        }
    }
    out.extend([0xFF, EOI]);
    out
}

/// Whether a segment belongs to the picture. Comments and application data do not, except for those of APP0 and Adobe.
fn is_picture(marker: u8) -> bool {
    !matches!(marker, APP1..=0xEF | COM) || marker == APP14
}

/// Returns the most bytes of the metadata: those of all application segments.
pub(super) fn metadata_bytes(segments: &[Segment]) -> u64 {
    segments.iter().filter(|s| (0xE0..=0xEF).contains(&s.marker)).map(|s| s.payload.len() as u64).sum()
}

/// Reads the metadata. Malformed blocks are left out; they never refuse a picture.
pub(super) fn metadata(bytes: &[u8], segments: &[Segment]) -> Metadata {
    let mut metadata = Metadata::default();
    let (mut profile, mut photoshop) = (Vec::new(), Vec::new());
    for segment in segments {
        let payload = &bytes[segment.payload.clone()];
        let after = |prefix| payload.strip_prefix(prefix);
        match segment.marker {
            APP0 if metadata.resolution.is_none() => metadata.resolution = after(JFIF).and_then(density),
            APP1 if metadata.exif.is_none() && payload.starts_with(EXIF) => {
                metadata.exif = exif::checked(payload)
            }
            APP1 if metadata.xmp.is_none() => metadata.xmp = after(XMP).and_then(kept),
            APP2 => profile.extend(after(ICC)),
            APP13 => photoshop.extend_from_slice(after(PHOTOSHOP).unwrap_or_default()),
            _ => {}
        }
    }
    metadata.icc = join_profile(&profile);
    metadata.iptc = iptc::from_photoshop(&photoshop).filter(|records| records.len() <= BLOCK_BYTES_MAX);
    metadata.resolution_from_exif()
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
    Ok(out)
}

/// Returns the beginning of a file up to its tables: start of image, JFIF, metadata.
pub(super) fn head(has_jfif: bool, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let mut out = vec![0xFF, 0xD8];
    if has_jfif {
        out.extend(jfif(metadata.resolution));
    }
    if let Some(exif) = &metadata.exif {
        push(&mut out, APP1, "EXIF block", &[EXIF, exif])?;
    }
    if let Some(xmp) = &metadata.xmp {
        push(&mut out, APP1, "XMP packet", &[XMP, xmp])?;
    }
    if let Some(icc) = &metadata.icc {
        push_profile(&mut out, icc)?;
    }
    if let Some(iptc) = &metadata.iptc {
        push(&mut out, APP13, "IPTC block", &[PHOTOSHOP, &iptc::to_photoshop(iptc)])?;
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
        let segments = walk(&bytes).unwrap();
        assert_eq!(segments.iter().map(|s| s.marker).collect::<Vec<_>>(), [0xDB, SOS]);
        assert_eq!(&bytes[segments[1].whole.clone()], b"\xFF\xDA\0\x03x\x12\xFF\0\xFF\xD3\x34\xFF");
        for end in 2..bytes.len() {
            assert!(walk(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn profiles_are_split_and_joined() {
        for len in [1usize, 65_519, 65_520, 200_000] {
            let icc: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let metadata = Metadata { icc: Some(icc.clone()), ..Metadata::default() };
            let bytes = file(b"");
            let written = with_metadata(&bytes, &walk(&bytes).unwrap(), &metadata).unwrap();
            let segments = walk(&written).unwrap();
            assert_eq!(segments.iter().filter(|s| s.marker == APP2).count(), len.div_ceil(65_519));
            assert_eq!(self::metadata(&written, &segments).icc.as_deref(), Some(&icc[..]));
        }
        assert_eq!(join_profile(&[b"\x02\x02b", b"\x01\x02a"]).as_deref(), Some(&b"ab"[..]));
        assert_eq!(join_profile(&[b"\x01\x02a"]), None, "a part is missing");
        assert_eq!(join_profile(&[b"\x01\x02a", b"\x01\x02a"]), None, "a part is doubled");
    }

    #[test]
    fn blocks_that_do_not_fit_are_an_error() {
        let bytes = file(b"");
        let metadata = Metadata { xmp: Some(vec![b'x'; 70_000]), ..Metadata::default() };
        let result = with_metadata(&bytes, &walk(&bytes).unwrap(), &metadata);
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
            let written = with_metadata(&bytes, &walk(&bytes).unwrap(), &metadata).unwrap();
            assert_eq!(self::metadata(&written, &walk(&written).unwrap()).resolution, expected);
        }
        assert_eq!(jfif(Resolution::from_per_metre(11811, 11811))[11..16], [1, 1, 44, 1, 44]);
    }
}
