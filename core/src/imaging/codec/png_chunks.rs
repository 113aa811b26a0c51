//! The chunks of a PNG file (W3C PNG, third edition), and the metadata in the ancillary chunks.
//!
//! Carried: iCCP, eXIf, XMP (iTXt), IPTC (ImageMagick's `Raw profile type iptc`), pHYs, and raw gAMA, cHRM, sRGB and
//! cICP. Not carried: other texts, tIME, mDCV, cLLI.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::ops::Range;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::block::{BLOCK_BYTES_MAX, kept};
use super::endian::Endian;
use super::error::EncodeError;
use super::limits::PARTS_MAX;
use super::metadata::Metadata;
use super::resolution::{Resolution, ResolutionUnit};
use super::{exif, iptc};
use crate::imaging::{Channels, ImageRef};

pub(super) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
const XMP: &[u8] = b"XML:com.adobe.xmp";
const IPTC: &[u8] = b"Raw profile type iptc";
/// Chunks that define the colours of the samples, in the order in which they are written.
const COLOUR: [&[u8; 4]; 4] = [b"cICP", b"sRGB", b"gAMA", b"cHRM"];
/// Chunks that belong to the pixels, in their order: sBIT before the palette, transparency and background after it.
const PICTURE: [&[u8; 4]; 6] = [b"sBIT", b"PLTE", b"tRNS", b"bKGD", b"IDAT", b"IEND"];

/// One chunk.
#[derive(Clone, Debug)]
pub(super) struct PngChunk {
    pub(super) kind: [u8; 4],
    pub(super) data: Range<usize>,
    /// The chunk with its length and check sum.
    whole: Range<usize>,
}

/// Finds the chunks up to IEND. Bytes after it are ignored.
///
/// # Errors
/// When the file ends before IEND, does not begin with IHDR, has too many chunks or (`checked`) a wrong check sum.
pub(super) fn walk(bytes: &[u8], checked: bool) -> Result<Vec<PngChunk>, String> {
    let cut = || "it ends before its IEND chunk".to_owned();
    let mut chunks: Vec<PngChunk> = Vec::new();
    let mut at = SIGNATURE.len();
    loop {
        let len = Endian::Big.u32(bytes, at).ok_or_else(cut)? as usize;
        let data = at + 8..(at + 8).checked_add(len).ok_or_else(cut)?;
        let crc = Endian::Big.u32(bytes, data.end).ok_or_else(cut)?;
        let mut kind = [0; 4];
        kind.copy_from_slice(&bytes[at + 4..at + 8]);
        if checked && crc32fast::hash(&bytes[at + 4..data.end]) != crc {
            return Err(format!("the check sum of its {} chunk is wrong", kind.escape_ascii()));
        }
        if chunks.is_empty() && (&kind != b"IHDR" || len != 13) {
            return Err("it does not begin with an IHDR chunk".to_owned());
        }
        let whole = at..data.end + 4;
        at = whole.end;
        chunks.push(PngChunk { kind, data, whole });
        if chunks.len() > PARTS_MAX {
            return Err("it has too many chunks".to_owned());
        }
        if &kind == b"IEND" {
            return Ok(chunks);
        }
    }
}

/// Reads the metadata. Malformed blocks are left out; they never refuse a picture. Only the first block of a kind is read, so
/// a file of many compression bombs costs no more than one of each kind.
pub(super) fn metadata(bytes: &[u8], chunks: &[PngChunk]) -> Metadata {
    let mut metadata = Metadata::default();
    let (mut profile_seen, mut xmp_seen, mut iptc_seen) = (false, false, false);
    let first = |seen: &mut bool| !std::mem::replace(seen, true);
    let named = |data: &[u8], name: &[u8]| keyword(data).is_some_and(|(found, _)| found == name);
    for chunk in chunks {
        let data = &bytes[chunk.data.clone()];
        match &chunk.kind {
            b"iCCP" if first(&mut profile_seen) => metadata.icc = profile(data),
            b"eXIf" if metadata.exif.is_none() => metadata.exif = exif::checked(data),
            b"iTXt" if named(data, XMP) && first(&mut xmp_seen) => metadata.xmp = xmp(data),
            b"zTXt" | b"tEXt" if named(data, IPTC) && first(&mut iptc_seen) => {
                metadata.iptc = iptc_text(&chunk.kind, data);
            }
            b"pHYs" => metadata.resolution = physical(data),
            kind if COLOUR.contains(&kind) && data.len() <= 32 => {
                metadata.png_colour.push((*kind, data.to_vec()))
            }
            _ => {}
        }
    }
    metadata.resolution_from_exif()
}

/// Returns the most bytes of the metadata once they are read. Inflates nothing.
pub(super) fn metadata_bytes(chunks: &[PngChunk]) -> u64 {
    // Deflate makes at most 1032 bytes of one.
    let inflated = |len: u64| len.saturating_mul(1032).min(BLOCK_BYTES_MAX as u64);
    let bytes = |kind: &[u8; 4]| {
        let len = chunks.iter().filter(|c| &c.kind == kind).map(|c| c.data.len() as u64).max();
        len.unwrap_or(0)
    };
    let kept = [bytes(b"eXIf"), bytes(b"tEXt")].iter().sum::<u64>();
    kept + [b"iCCP", b"iTXt", b"zTXt"].into_iter().map(|kind| inflated(bytes(kind))).sum::<u64>()
}

/// Returns the orientation. Inflates nothing.
pub(super) fn orientation(bytes: &[u8], chunks: &[PngChunk]) -> u8 {
    let block =
        chunks.iter().find(|c| &c.kind == b"eXIf").and_then(|c| exif::checked(&bytes[c.data.clone()]));
    block.map_or(1, |block| exif::orientation(&block))
}

/// Splits data at the first NUL into keyword and rest.
fn keyword(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().take(80).position(|&b| b == 0)?;
    Some((&data[..end], &data[end + 1..]))
}

/// Returns the profile in an iCCP chunk.
fn profile(data: &[u8]) -> Option<Vec<u8>> {
    match keyword(data)?.1 {
        [0, packed @ ..] => inflate(packed),
        _ => None,
    }
}

/// Returns the packet in an iTXt chunk.
fn xmp(data: &[u8]) -> Option<Vec<u8>> {
    let (name, rest) = keyword(data)?;
    let [compressed, 0, rest @ ..] = rest else { return None };
    let language_end = rest.iter().position(|&b| b == 0)?;
    let rest = &rest[language_end + 1..];
    let translation_end = rest.iter().position(|&b| b == 0)?;
    let text = &rest[translation_end + 1..];
    if name != XMP {
        return None;
    }
    if *compressed == 1 { inflate(text) } else { kept(text) }
}

/// Returns the IPTC records in a text chunk.
fn iptc_text(kind: &[u8; 4], data: &[u8]) -> Option<Vec<u8>> {
    let (_, rest) = keyword(data).filter(|(name, _)| *name == IPTC)?;
    match (kind, rest) {
        (b"zTXt", [0, packed @ ..]) => iptc::from_raw_profile(&inflate(packed)?),
        (b"tEXt", text) if text.len() <= BLOCK_BYTES_MAX => iptc::from_raw_profile(text),
        _ => None,
    }
}

/// Returns the resolution in a pHYs chunk.
fn physical(data: &[u8]) -> Option<Resolution> {
    let (x, y) = (Endian::Big.u32(data, 0)?, Endian::Big.u32(data, 4)?);
    match data.get(8)? {
        1 => Resolution::from_per_metre(x, y),
        _ => Resolution::new(x.into(), y.into(), ResolutionUnit::Aspect),
    }
}

/// Inflates a zlib stream to at most [`BLOCK_BYTES_MAX`] bytes. `None` for longer ones: they may be bombs.
fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(packed).take(BLOCK_BYTES_MAX as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() <= BLOCK_BYTES_MAX && !out.is_empty()).then_some(out)
}

/// Compresses data to a zlib stream.
fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    encoder.write_all(data).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Returns the file with the chunks of the picture only. Borrowed when the file has no others.
pub(super) fn bare<'a>(bytes: &'a [u8], chunks: &[PngChunk]) -> Result<Cow<'a, [u8]>, EncodeError> {
    let places = chunks[1..].iter().map(|chunk| PICTURE.iter().position(|kind| **kind == chunk.kind));
    if places.clone().all(|place| place.is_some()) && places.is_sorted() {
        return Ok(Cow::Borrowed(bytes));
    }
    with_metadata(bytes, chunks, &Metadata::default()).map(Cow::Owned)
}

/// Returns the same coded picture with other metadata.
pub(super) fn with_metadata(
    bytes: &[u8],
    chunks: &[PngChunk],
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError> {
    let mut out = SIGNATURE.to_vec();
    let copy = |out: &mut Vec<u8>, kind: &[u8; 4]| {
        for chunk in chunks.iter().filter(|c| &c.kind == kind) {
            out.extend_from_slice(&bytes[chunk.whole.clone()]);
        }
    };
    copy(&mut out, b"IHDR");
    push_metadata(&mut out, metadata);
    for kind in PICTURE {
        copy(&mut out, kind);
    }
    Ok(out)
}

/// Returns the beginning of a file: signature, header and metadata.
pub(super) fn head(image: ImageRef, metadata: &Metadata) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    let colour_type = match (image.channels(), image.has_alpha()) {
        (Channels::Grey, false) => 0,
        (Channels::Rgb, false) => 2,
        (Channels::Grey, true) => 4,
        (Channels::Rgb, true) => 6,
    };
    let (width, height) = image.size();
    let sides = [width, height].map(|side| (side as u32).to_be_bytes());
    push(&mut out, b"IHDR", &[&sides[0], &sides[1], &[image.depth().bits(), colour_type, 0, 0, 0]]);
    push_metadata(&mut out, metadata);
    out
}

/// Appends the chunk that ends a file.
pub(super) fn push_end(out: &mut Vec<u8>) {
    push(out, b"IEND", &[]);
}

/// Appends the chunks of the metadata. A picture with an ICC profile gets no sRGB chunk, as PNG demands.
fn push_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    for kind in COLOUR {
        if kind == b"sRGB" && metadata.icc.is_some() {
            continue;
        }
        if let Some((_, data)) = metadata.png_colour.iter().find(|(k, _)| k == kind) {
            push(out, kind, &[data]);
        }
    }
    if let Some(icc) = &metadata.icc {
        push(out, b"iCCP", &[b"icc\0\0", &deflate(icc)]);
    }
    if let Some(resolution) = &metadata.resolution {
        push(out, b"pHYs", &[&physical_bytes(resolution)]);
    }
    if let Some(exif) = &metadata.exif {
        push(out, b"eXIf", &[exif]);
    }
    if let Some(xmp) = &metadata.xmp {
        push(out, b"iTXt", &[XMP, b"\0\0\0\0\0", xmp]);
    }
    if let Some(iptc) = &metadata.iptc {
        push(out, b"zTXt", &[IPTC, b"\0\0", &deflate(&iptc::to_raw_profile(iptc))]);
    }
}

/// Returns the data of a pHYs chunk.
fn physical_bytes(resolution: &Resolution) -> [u8; 9] {
    let whole = |v: f64| v.round().clamp(1.0, f64::from(i32::MAX)) as u32;
    let aspect = (whole(resolution.x), whole(resolution.y));
    let ((x, y), unit) = resolution.per_metre().map_or((aspect, 0), |per_metre| (per_metre, 1));
    let mut out = [0; 9];
    out[..4].copy_from_slice(&x.to_be_bytes());
    out[4..8].copy_from_slice(&y.to_be_bytes());
    out[8] = unit;
    out
}

/// Appends a chunk of these parts.
fn push(out: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|p| p.len()).sum();
    out.extend((len as u32).to_be_bytes());
    let start = out.len();
    out.extend_from_slice(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    let crc = crc32fast::hash(&out[start..]);
    out.extend(crc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut out = SIGNATURE.to_vec();
        push(&mut out, b"IHDR", &[&[0; 13]]);
        chunks.iter().for_each(|(kind, data)| push(&mut out, kind, &[data]));
        push(&mut out, b"IEND", &[]);
        out
    }

    #[test]
    fn every_cut_and_every_wrong_sum_is_noticed() {
        let bytes = file(&[(b"IDAT", b"123")]);
        assert_eq!(walk(&bytes, true).unwrap().len(), 3);
        for end in 8..bytes.len() {
            assert!(walk(&bytes[..end], false).is_err(), "cut at {end}");
        }
        let mut wrong = bytes.clone();
        wrong[41] ^= 1; // in IDAT
        assert!(walk(&wrong, false).is_ok());
        assert!(walk(&wrong, true).unwrap_err().contains("IDAT"));
    }

    #[test]
    fn a_compression_bomb_is_no_profile() {
        let bomb = deflate(&vec![0; BLOCK_BYTES_MAX + 1]);
        assert!(bomb.len() < 100_000);
        let bytes = file(&[(b"iCCP", &[b"x\0\0", &bomb[..]].concat())]);
        assert_eq!(metadata(&bytes, &walk(&bytes, true).unwrap()).icc, None);
        assert_eq!(inflate(&deflate(b"profile")).as_deref(), Some(&b"profile"[..]));
    }

    #[test]
    fn only_the_first_block_of_a_kind_is_tried() {
        let (bad, good) = (deflate(b"no profile"), iptc::to_raw_profile(&iptc::tests::sample()));
        let text = |rest: &[u8]| [IPTC, b"\0", rest].concat();
        let packed = text(&[b"\0", &bad[..]].concat());
        let bytes = file(&[
            (b"zTXt", &packed),
            (b"tEXt", &text(&good)),
            (b"iCCP", b"x\0\0?"),
            (b"iCCP", &[b"x\0\0", &bad[..]].concat()),
        ]);
        let metadata = metadata(&bytes, &walk(&bytes, true).unwrap());
        assert_eq!((metadata.iptc, metadata.icc), (None, None));
    }

    #[test]
    fn compressed_packets_and_plain_raw_profiles_are_read() {
        let packed = [XMP, b"\0\x01\0\0\0", &deflate(b"<xmp/>")].concat();
        let raw = [IPTC, b"\0", &iptc::to_raw_profile(&iptc::tests::sample())].concat();
        let bytes = file(&[(b"iTXt", b"Title\0\0\0\0\0text"), (b"iTXt", &packed), (b"tEXt", &raw)]);
        let metadata = metadata(&bytes, &walk(&bytes, true).unwrap());
        assert_eq!(metadata.xmp.as_deref(), Some(&b"<xmp/>"[..]));
        assert_eq!(metadata.iptc, Some(iptc::tests::sample()));
    }

    #[test]
    fn a_bare_file_is_itself_unless_chunks_must_go_or_move() {
        let bare_of = |list: &[(&[u8; 4], &[u8])]| {
            let bytes = file(list);
            let bare = bare(&bytes, &walk(&bytes, true).unwrap()).unwrap();
            let kinds: Vec<[u8; 4]> = walk(&bare, true).unwrap().iter().map(|c| c.kind).collect();
            (matches!(bare, Cow::Borrowed(_)), kinds)
        };
        assert!(bare_of(&[(b"PLTE", b"abc"), (b"IDAT", b"1")]).0);
        let sorted = vec![*b"IHDR", *b"PLTE", *b"tRNS", *b"IDAT", *b"IEND"];
        assert_eq!(bare_of(&[(b"tRNS", b"a"), (b"PLTE", b"abc"), (b"IDAT", b"1")]), (false, sorted));
        let picture = vec![*b"IHDR", *b"IDAT", *b"IEND"];
        assert_eq!(bare_of(&[(b"tEXt", b"a\0b"), (b"IDAT", b"1")]), (false, picture));
    }
}
