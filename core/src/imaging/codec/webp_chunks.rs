//! The RIFF chunks of a WebP file (RFC 9649), and the metadata in them.
//!
//! Carried: ICCP, EXIF, XMP. WebP has no place for IPTC, and for a resolution only the one in EXIF. Other chunks are left out with a
//! note.

use std::ops::Range;

use super::block::kept;
use super::endian::Endian;
use super::error::EncodeError;
use super::format::Format;
use super::limits::PARTS_MAX;
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use super::{error, exif};

const ICC_FLAG: u8 = 0x20;
const ALPHA_FLAG: u8 = 0x10;
const EXIF_FLAG: u8 = 0x08;
const XMP_FLAG: u8 = 0x04;
pub(super) const ANIMATION_FLAG: u8 = 0x02;

/// One chunk. The data have no padding.
#[derive(Clone, Debug)]
pub(super) struct WebpChunk {
    pub(super) kind: [u8; 4],
    pub(super) data: Range<usize>,
}

/// Finds the chunks of the RIFF container. Bytes after it are ignored.
///
/// # Errors
/// When the file is shorter than the container says, a chunk is longer than the container, or there are too many chunks.
pub(super) fn walk(bytes: &[u8]) -> Result<Vec<WebpChunk>, &'static str> {
    const CUT: &str = "it is shorter than its header says";
    let end = (Endian::Little.u32(bytes, 4).ok_or(CUT)? as usize).checked_add(8).ok_or(CUT)?;
    // Some writers leave out a last byte of padding.
    let bytes = bytes.get(..end).or_else(|| bytes.get(..end - 1)).ok_or(CUT)?;
    let mut chunks = Vec::new();
    let mut at = 12;
    while at + 8 <= bytes.len() {
        let mut kind = [0; 4];
        kind.copy_from_slice(&bytes[at..at + 4]);
        let len = Endian::Little.u32(bytes, at + 4).ok_or(CUT)? as usize;
        let data = at + 8..(at + 8).checked_add(len).ok_or(CUT)?;
        if data.end > bytes.len() {
            return Err("a chunk is longer than the file");
        }
        at = data.end + len % 2;
        chunks.push(WebpChunk { kind, data });
        if chunks.len() > PARTS_MAX {
            return Err("it has too many chunks");
        }
    }
    Ok(chunks)
}

/// Returns the most bytes of the metadata.
pub(super) fn metadata_bytes(chunks: &[WebpChunk]) -> u64 {
    let is_metadata = |c: &&WebpChunk| [b"ICCP", b"EXIF", b"XMP "].contains(&&c.kind);
    chunks.iter().filter(is_metadata).map(|c| c.data.len() as u64).sum()
}

/// Returns the data of the first chunk of a kind.
pub(super) fn find<'a>(bytes: &'a [u8], chunks: &[WebpChunk], kind: &[u8; 4]) -> Option<&'a [u8]> {
    chunks.iter().find(|c| &c.kind == kind).map(|c| &bytes[c.data.clone()])
}

/// Reads the metadata. Malformed blocks, other chunks and bytes after the container are left out with a note; they never refuse a
/// picture.
pub(super) fn metadata(bytes: &[u8], chunks: &[WebpChunk], notes: &mut Notes) -> Metadata {
    const KNOWN: [&[u8; 4]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"EXIF", b"XMP "];
    for chunk in chunks.iter().filter(|chunk| !KNOWN.contains(&&chunk.kind)) {
        notes.add(NoteKind::NotKept, format_args!("the WebP chunk {}", chunk.kind.escape_ascii()));
    }
    let end = Endian::Little.u32(bytes, 4).map_or(usize::MAX, |size| (size as usize).saturating_add(8));
    let after = bytes.get(end..).unwrap_or_default();
    if after.iter().any(|&byte| byte != 0) {
        notes.add_trailing(after.len());
    }
    let metadata = Metadata {
        icc: find(bytes, chunks, b"ICCP").and_then(kept),
        exif: find(bytes, chunks, b"EXIF").and_then(exif::checked),
        xmp: find(bytes, chunks, b"XMP ").and_then(kept),
        ..Metadata::default()
    };
    if metadata.exif.is_none() && find(bytes, chunks, b"EXIF").is_some_and(|block| !block.is_empty()) {
        notes.add(NoteKind::NotKept, "the EXIF block: it is damaged");
    }
    metadata.resolution_from_exif()
}

/// Returns width, height and alpha of a still picture. The canvas of the extended header gives the sides. Alpha comes from
/// the coded picture, because flags without an alpha plane are common.
pub(super) fn shape(bytes: &[u8], chunks: &[WebpChunk]) -> Option<(usize, usize, bool)> {
    let (width, height) = coded_sides(bytes, chunks)?;
    let has_alpha = match find(bytes, chunks, b"VP8L") {
        Some(lossless) => Endian::Little.u32(lossless, 1)? >> 28 & 1 == 1,
        None => find(bytes, chunks, b"ALPH").is_some(),
    };
    let Some(extended) = find(bytes, chunks, b"VP8X") else { return Some((width, height, has_alpha)) };
    let side = |at: usize| {
        let field = extended.get(at..at + 3)?;
        Some(1 + usize::from(field[0]) + (usize::from(field[1]) << 8) + (usize::from(field[2]) << 16))
    };
    Some((side(4)?, side(7)?, has_alpha))
}

/// Returns width and height of the coded picture, whatever the extended header says.
pub(super) fn coded_sides(bytes: &[u8], chunks: &[WebpChunk]) -> Option<(usize, usize)> {
    if let Some(lossless) = find(bytes, chunks, b"VP8L") {
        let bits = Endian::Little.u32(lossless, 1)?;
        let side = |shift: u32| 1 + (bits >> shift & 0x3FFF) as usize;
        return Some((side(0), side(14)));
    }
    let lossy = find(bytes, chunks, b"VP8 ")?;
    let side = |at| Some(usize::from(Endian::Little.u16(lossy, at)? & 0x3FFF));
    Some((side(6)?, side(8)?))
}

/// Returns the same coded picture with other metadata. The container is only extended when metadata or alpha need it.
pub(super) fn with_metadata(
    bytes: &[u8],
    chunks: &[WebpChunk],
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError> {
    let failed = |reason: &str| error::failed(Format::WebP, reason);
    let (width, height, has_alpha) =
        shape(bytes, chunks).ok_or_else(|| failed("no picture in the container"))?;
    let plane = find(bytes, chunks, b"ALPH");
    let coded = chunks.iter().find(|c| matches!(&c.kind, b"VP8 " | b"VP8L"));
    let coded = coded.ok_or_else(|| failed("no picture in the container"))?;
    let mut flags = 0;
    flags |= if metadata.icc.is_some() { ICC_FLAG } else { 0 };
    flags |= if metadata.exif.is_some() { EXIF_FLAG } else { 0 };
    flags |= if metadata.xmp.is_some() { XMP_FLAG } else { 0 };
    let mut body = b"WEBP".to_vec();
    if flags != 0 || plane.is_some() {
        flags |= if has_alpha { ALPHA_FLAG } else { 0 };
        let mut extended = vec![flags, 0, 0, 0];
        extended.extend_from_slice(&(width as u32 - 1).to_le_bytes()[..3]);
        extended.extend_from_slice(&(height as u32 - 1).to_le_bytes()[..3]);
        push(&mut body, b"VP8X", Some(&extended));
    }
    push(&mut body, b"ICCP", metadata.icc.as_deref());
    push(&mut body, b"ALPH", plane);
    push(&mut body, &coded.kind, Some(&bytes[coded.data.clone()]));
    push(&mut body, b"EXIF", metadata.exif.as_deref());
    push(&mut body, b"XMP ", metadata.xmp.as_deref());
    let size = u32::try_from(body.len()).map_err(|_| failed("more than 4 GiB"))?;
    let mut out = b"RIFF".to_vec();
    out.extend(size.to_le_bytes());
    out.extend(body);
    Ok(out)
}

/// Appends a chunk with its padding, if there are data.
fn push(body: &mut Vec<u8>, kind: &[u8; 4], data: Option<&[u8]>) {
    let Some(data) = data else { return };
    body.extend_from_slice(kind);
    body.extend((data.len() as u32).to_le_bytes());
    body.extend_from_slice(data);
    if data.len() % 2 == 1 {
        body.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lossless picture of 3×2 pixels (only its header) in an extended container with these flags.
    fn file(flags: u8) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        push(&mut body, b"VP8X", Some(&[flags, 0, 0, 0, 2, 0, 0, 1, 0, 0]));
        push(&mut body, b"VP8L", Some(&[0x2F, 2, 0x40, 0, 0x10]));
        let mut out = b"RIFF".to_vec();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    }

    #[test]
    fn alpha_is_what_the_picture_says_not_what_the_flag_says() {
        for flags in [0, ALPHA_FLAG] {
            let bytes = file(flags);
            assert_eq!(shape(&bytes, &walk(&bytes).unwrap()), Some((3, 2, true)), "flags {flags}");
        }
    }

    #[test]
    fn flags_of_missing_chunks_do_not_survive_a_rewrite() {
        let bytes = file(ICC_FLAG | EXIF_FLAG | XMP_FLAG);
        let plain = with_metadata(&bytes, &walk(&bytes).unwrap(), &Metadata::default()).unwrap();
        assert_eq!(walk(&plain).unwrap().len(), 1, "only the picture");
        let metadata = Metadata { xmp: Some(b"odd".to_vec()), ..Metadata::default() };
        let extended = with_metadata(&plain, &walk(&plain).unwrap(), &metadata).unwrap();
        let chunks = walk(&extended).unwrap();
        assert_eq!(
            find(&extended, &chunks, b"VP8X").unwrap(),
            [XMP_FLAG | ALPHA_FLAG, 0, 0, 0, 2, 0, 0, 1, 0, 0]
        );
        assert_eq!(self::metadata(&extended, &chunks, &mut Notes::default()), metadata);
    }

    #[test]
    fn a_file_of_empty_chunks_is_not_collected() {
        let mut bytes = b"RIFF\xF8\xFF\x0F\0WEBP".to_vec();
        bytes.resize(8 + 0x000F_FFF8, 0);
        assert_eq!(walk(&bytes).unwrap_err(), "it has too many chunks");
    }
}
