//! The boxes of ISO base media files (ISO/IEC 14496-12), which AVIF, JPEG XL, JPEG 2000 and HEIC are made of.

use std::ops::Range;

use super::{endian::Endian, limits::PARTS_MAX};

/// One box. The body has no header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BmffBox {
    pub(super) kind: [u8; 4],
    pub(super) body: Range<usize>,
}

/// Finds the boxes in a part of a file, in their order. A box that names no length goes to the end.
///
/// # Errors
/// When a box is longer than the part, or there are too many.
pub(super) fn walk(bytes: &[u8], part: Range<usize>) -> Result<Vec<BmffBox>, &'static str> {
    let (mut boxes, mut at) = (Vec::new(), part.start);
    let end = part.end.min(bytes.len());
    while at < end {
        let found = read(bytes, at, end)?;
        at = found.body.end;
        boxes.push(found);
        if boxes.len() > PARTS_MAX {
            return Err("it has too many boxes");
        }
    }
    Ok(boxes)
}

/// Finds the boxes of a whole file, up to the first bytes that are none: other writers put things there. Also returns where that is.
pub(super) fn walk_file(bytes: &[u8]) -> (Vec<BmffBox>, usize) {
    let (mut boxes, mut at) = (Vec::new(), 0);
    while boxes.len() <= PARTS_MAX {
        let Ok(found) = read(bytes, at, bytes.len()) else { break };
        at = found.body.end;
        boxes.push(found);
    }
    (boxes, at)
}

/// Reads the box at `at`.
fn read(bytes: &[u8], at: usize, end: usize) -> Result<BmffBox, &'static str> {
    const CUT: &str = "a box is longer than the file";
    let length = Endian::Big.u32(bytes, at).ok_or(CUT)?;
    let mut kind = [0; 4];
    kind.copy_from_slice(bytes.get(at + 4..at + 8).ok_or(CUT)?);
    let (head, length) = match length {
        0 => (8, end - at),
        1 => (16, usize::try_from(Endian::Big.u64(bytes, at + 8).ok_or(CUT)?).map_err(|_| CUT)?),
        length => (8, length as usize),
    };
    let after = at.checked_add(length).filter(|&after| after <= end && length >= head).ok_or(CUT)?;
    Ok(BmffBox { kind, body: at + head..after })
}

/// Returns the body of the first box of a kind.
pub(super) fn find(boxes: &[BmffBox], kind: &[u8; 4]) -> Option<Range<usize>> {
    boxes.iter().find(|b| &b.kind == kind).map(|b| b.body.clone())
}

/// Appends a box.
pub(super) fn push(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    match u32::try_from(body.len() + 8) {
        Ok(length) => {
            out.extend(length.to_be_bytes());
            out.extend_from_slice(kind);
        }
        Err(_) => {
            out.extend(1_u32.to_be_bytes());
            out.extend_from_slice(kind);
            out.extend((body.len() as u64 + 16).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
}

/// Returns the brands of a file: the major one first. Empty without an `ftyp` box at the beginning.
pub(super) fn brands(bytes: &[u8]) -> Vec<[u8; 4]> {
    if bytes.get(4..8) != Some(b"ftyp") {
        return Vec::new();
    }
    let length = Endian::Big.u32(bytes, 0).unwrap_or(0) as usize;
    let body = bytes.get(8..length.clamp(8, 1024).min(bytes.len())).unwrap_or_default();
    let mut brands: Vec<[u8; 4]> = body.as_chunks::<4>().0.to_vec();
    if brands.len() > 1 {
        brands.remove(1); // the minor version
    }
    brands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_found_and_lies_about_lengths_are_errors() {
        let mut bytes = Vec::new();
        push(&mut bytes, b"abcd", b"12345");
        bytes.extend(b"\0\0\0\x01long\0\0\0\0\0\0\0\x12xy");
        bytes.extend(b"\0\0\0\0restzzz");
        let boxes = walk(&bytes, 0..bytes.len()).unwrap();
        assert_eq!(
            boxes.iter().map(|b| &bytes[b.body.clone()]).collect::<Vec<_>>(),
            [&b"12345"[..], b"xy", b"zzz"]
        );
        assert_eq!(find(&boxes, b"long"), Some(29..31));
        for broken in [
            &b"\0\0\0\x07abcd"[..],
            b"\0\0\0\x20abcd",
            b"\0\0\0\x01abcd\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
            b"\0\0",
        ] {
            assert!(walk(broken, 0..broken.len()).is_err());
        }
        assert_eq!(brands(b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf"), [*b"avif", *b"mif1", *b"miaf"]);
        assert!(brands(b"\0\0\0\x18moov").is_empty());
    }
}
