//! The chunks of a PNG file (W3C PNG, third edition), and the metadata in the ancillary chunks.
//!
//! Carried: iCCP, eXIf, XMP (iTXt, or ImageMagick's `Raw profile type xmp`), IPTC (`Raw profile type iptc` and `8bim`), pHYs, raw
//! gAMA, cHRM, sRGB, cICP, mDCV and cLLI, and as they are: texts, tIME, bKGD, and every chunk that may stay when the pixels change.
//! Left out with a note: chunks with a wrong check sum, and chunks that depend on the pixels.

use std::borrow::Cow;
use std::ops::Range;

use super::block::{BLOCK_BYTES_MAX, deflate, inflate, kept};
use super::endian::Endian;
use super::error::EncodeError;
use super::limits::PARTS_MAX;
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use super::png_text::{self, RawProfile, keyword};
use super::resolution::{Resolution, ResolutionUnit};
use super::{exif, iptc};
use crate::imaging::{Channels, ImageRef};

pub(super) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
const XMP: &[u8] = b"XML:com.adobe.xmp";
const IPTC: &[u8] = b"Raw profile type iptc";
/// Chunks that define the colours of the samples, in the order in which they are written.
const COLOUR: [&[u8; 4]; 6] = [b"cICP", b"mDCV", b"cLLI", b"sRGB", b"gAMA", b"cHRM"];
/// Chunks that belong to the pixels, in their order: sBIT before the palette, transparency and background after it.
const PICTURE: [&[u8; 4]; 6] = [b"sBIT", b"PLTE", b"tRNS", b"bKGD", b"IDAT", b"IEND"];

/// One chunk.
#[derive(Clone, Debug)]
pub(super) struct PngChunk {
    pub(super) kind: [u8; 4],
    pub(super) data: Range<usize>,
    /// The chunk with its length and check sum.
    whole: Range<usize>,
    /// Whether the check sum is right, as far as it was looked at.
    pub(super) is_sound: bool,
}

impl PngChunk {
    /// Whether the picture can be decoded without the chunk. tRNS makes the alpha of the picture, so it cannot.
    pub(super) fn is_dispensable(&self) -> bool {
        self.kind[0].is_ascii_lowercase() && &self.kind != b"tRNS"
    }
}

/// The chunks of a file.
#[derive(Clone, Debug)]
pub(super) struct Walked {
    pub(super) chunks: Vec<PngChunk>,
    /// Position after IEND.
    pub(super) end: usize,
    /// Whether the file ends before IEND.
    pub(super) is_cut: bool,
}

/// The check sums that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    None,
    /// Those of chunks that the picture can be decoded without.
    Dispensable,
    All,
}

/// Finds the chunks up to IEND. A file that is cut off gives the chunks that are there if `lenient`, and wrong check sums are only
/// marked then. Those of dispensable chunks are always only marked.
///
/// # Errors
/// When the file ends before IEND, does not begin with IHDR, has too many chunks or a wrong check sum.
pub(super) fn walk(bytes: &[u8], checks: Checks, lenient: bool) -> Result<Walked, String> {
    let mut chunks: Vec<PngChunk> = Vec::new();
    let mut at = SIGNATURE.len();
    loop {
        let Some(mut chunk) = chunk_at(bytes, at) else {
            // The first chunk must be whole, and of the last one data are only of use if they are those of the picture.
            if !lenient || chunks.is_empty() {
                return Err("it ends before its IEND chunk".to_owned());
            }
            chunks.extend(cut_data(bytes, at));
            return Ok(Walked { chunks, end: bytes.len(), is_cut: true });
        };
        let looks = match checks {
            Checks::None => false,
            Checks::Dispensable => chunk.is_dispensable(),
            Checks::All => true,
        };
        let sum = Endian::Big.u32(bytes, chunk.data.end).unwrap_or(0);
        chunk.is_sound = !looks || crc32fast::hash(&bytes[at + 4..chunk.data.end]) == sum;
        if !chunk.is_sound && !lenient && !chunk.is_dispensable() {
            return Err(format!("the check sum of its {} chunk is wrong", chunk.kind.escape_ascii()));
        }
        if chunks.is_empty() && (&chunk.kind != b"IHDR" || chunk.data.len() != 13) {
            return Err("it does not begin with an IHDR chunk".to_owned());
        }
        at = chunk.whole.end;
        let is_end = &chunk.kind == b"IEND";
        chunks.push(chunk);
        if chunks.len() > PARTS_MAX {
            return Err("it has too many chunks".to_owned());
        }
        if is_end {
            return Ok(Walked { chunks, end: at, is_cut: false });
        }
    }
}

/// Returns the chunk at a position, if it is whole.
fn chunk_at(bytes: &[u8], at: usize) -> Option<PngChunk> {
    let len = Endian::Big.u32(bytes, at)? as usize;
    let data = at + 8..(at + 8).checked_add(len)?;
    Endian::Big.u32(bytes, data.end)?;
    let kind = bytes[at + 4..at + 8].try_into().ok()?;
    Some(PngChunk { kind, whole: at..data.end + 4, data, is_sound: true })
}

/// Returns the data of the picture that a file ends in.
fn cut_data(bytes: &[u8], at: usize) -> Option<PngChunk> {
    let rest = bytes.get(at + 8..).filter(|_| bytes[at + 4..].starts_with(b"IDAT"))?;
    let data = at + 8..at + 8 + rest.len();
    Some(PngChunk { kind: *b"IDAT", whole: at..data.end, data, is_sound: false })
}

/// Reads the metadata. Damaged and malformed blocks are left out with a note; they never refuse a picture. Only the first block of a
/// kind is read, so a file of many compression bombs costs no more than one of each kind.
pub(super) fn metadata(bytes: &[u8], walked: &Walked, notes: &mut Notes) -> Metadata {
    let mut reading = Reading::new(bytes, walked, notes);
    for chunk in walked.chunks.iter().filter(|chunk| chunk.is_dispensable()) {
        match chunk.is_sound {
            true => reading.read(chunk),
            false => {
                reading.lose(&format!("the PNG chunk {}: its check sum is wrong", chunk.kind.escape_ascii()))
            }
        }
    }
    reading.read_raw_profiles();
    let metadata = reading.metadata;
    let after = &bytes[walked.end..];
    if after.iter().any(|&byte| byte != 0) {
        notes.add_trailing(after.len());
    }
    metadata.resolution_from_exif()
}

/// Metadata while they are read.
struct Reading<'a, 'n> {
    bytes: &'a [u8],
    walked: &'a Walked,
    metadata: Metadata,
    /// Whether an iCCP, an eXIf and an XMP chunk were met.
    seen: [bool; 3],
    /// The first text with a profile of each kind.
    raw: [Option<(&'a PngChunk, RawProfile)>; RawProfile::N],
    /// Bytes of chunks that may still be kept as they are.
    budget: usize,
    notes: &'n mut Notes,
}

impl<'a, 'n> Reading<'a, 'n> {
    fn new(bytes: &'a [u8], walked: &'a Walked, notes: &'n mut Notes) -> Self {
        let (metadata, raw) = (Metadata::default(), Default::default());
        Self { bytes, walked, metadata, seen: [false; 3], raw, budget: BLOCK_BYTES_MAX, notes }
    }

    fn lose(&mut self, what: &str) {
        self.notes.add(NoteKind::NotKept, what);
    }

    /// Reads one chunk.
    fn read(&mut self, chunk: &'a PngChunk) {
        let data = &self.bytes[chunk.data.clone()];
        let name = keyword(data).filter(|_| png_text::is_text(&chunk.kind)).map(|(name, _)| name);
        if let Some(profile) = name.and_then(RawProfile::of) {
            self.raw[profile as usize].get_or_insert((chunk, profile));
            return;
        }
        match &chunk.kind {
            b"iCCP" => {
                let block = self.first(0, "a second ICC profile").then(|| profile(data));
                self.metadata.icc = self.filled(block, self.metadata.icc.clone(), "the ICC profile");
            }
            b"eXIf" => {
                let block = self.first(1, "a second EXIF block").then(|| exif::checked(data));
                self.metadata.exif = self.filled(block, self.metadata.exif.clone(), "the EXIF block");
            }
            b"iTXt" if name == Some(XMP) => {
                let read = || png_text::text_bytes(b"iTXt", data, BLOCK_BYTES_MAX);
                let block = self.first(2, "a second XMP packet").then(read);
                self.metadata.xmp = self.filled(block, self.metadata.xmp.clone(), "the XMP packet");
            }
            b"pHYs" => self.metadata.resolution = physical(data),
            b"bKGD" => self.metadata.png_chunks.extend(self.background(data).map(|data| (*b"bKGD", data))),
            kind if COLOUR.contains(&kind) => {
                if data.len() <= 32 {
                    self.metadata.png_colour.push((*kind, data.to_vec()));
                }
            }
            // The number of significant bits and the histogram of a palette are facts of the coding, as is where Apple's decoder
            // may begin a second thread.
            b"sBIT" | b"hIST" | b"iDOT" => {}
            // The fourth letter says whether a chunk may stay when the pixels change (W3C PNG, 5.4).
            kind if kind == b"tIME" || kind[3].is_ascii_lowercase() => match self
                .budget
                .checked_sub(data.len())
            {
                Some(rest) => {
                    self.budget = rest;
                    self.metadata.png_chunks.push((*kind, data.to_vec()));
                }
                None => self.lose(&format!("the PNG chunk {}: the file has too many", kind.escape_ascii())),
            },
            kind => {
                self.lose(&format!("the PNG chunk {}: it may not fit changed pixels", kind.escape_ascii()))
            }
        }
    }

    /// Whether a block is the first of its kind; a second one is noted.
    fn first(&mut self, index: usize, second: &str) -> bool {
        if std::mem::replace(&mut self.seen[index], true) {
            self.lose(second);
            return false;
        }
        true
    }

    /// The block that was read, or the earlier one if nothing was tried.
    fn filled(
        &mut self,
        read: Option<Option<Vec<u8>>>,
        earlier: Option<Vec<u8>>,
        name: &str,
    ) -> Option<Vec<u8>> {
        let Some(block) = read else { return earlier };
        if block.is_none() {
            self.lose(&format!("{name}: it is damaged"));
        }
        block
    }

    /// The background colour for samples of 8 bits without a palette.
    fn background(&self, data: &[u8]) -> Option<Vec<u8>> {
        let head = &self.bytes[self.walked.chunks[0].data.clone()];
        let (depth, kind) = (u32::from(head[8]), head[9]);
        match (kind, depth, data) {
            (2 | 6, 8.., [_, _, _, _, _, _]) | (0 | 4, 8.., [_, _]) => Some(data.to_vec()),
            (0, 1..8, &[_, value]) => {
                Some(vec![0, (u32::from(value) * 255 / ((1 << depth) - 1)).min(255) as u8])
            }
            (3, _, &[index]) => {
                let palette = self.walked.chunks.iter().find(|chunk| &chunk.kind == b"PLTE")?;
                let colours = self.bytes[palette.data.clone()].as_chunks::<3>().0;
                Some(colours.get(usize::from(index))?.iter().flat_map(|&value| [0, value]).collect())
            }
            _ => None,
        }
    }

    /// Reads the profiles that stand in texts, where no chunk of their own has given them.
    fn read_raw_profiles(&mut self) {
        for (chunk, kind) in std::mem::take(&mut self.raw).into_iter().flatten() {
            let data = &self.bytes[chunk.data.clone()];
            let Some(profile) = png_text::raw_profile(&chunk.kind, data) else {
                let name = keyword(data).map_or(&[][..], |(name, _)| name);
                self.lose(&format!("the PNG text \"{}\": it is damaged", name.escape_ascii()));
                continue;
            };
            let metadata = &mut self.metadata;
            match kind {
                RawProfile::Iptc | RawProfile::Photoshop if profile.starts_with(b"8BIM") => {
                    let parts = iptc::from_photoshop(&profile);
                    metadata.iptc = metadata.iptc.take().or(parts.iptc);
                    metadata.photoshop = metadata.photoshop.take().or(parts.others);
                }
                RawProfile::Iptc => metadata.iptc = metadata.iptc.take().or(Some(profile)),
                RawProfile::Photoshop => {}
                RawProfile::Icc => metadata.icc = metadata.icc.take().or(Some(profile)),
                RawProfile::Xmp => metadata.xmp = metadata.xmp.take().or(Some(profile)),
                RawProfile::Exif => metadata.exif = metadata.exif.take().or_else(|| exif::checked(&profile)),
                RawProfile::App1 => match profile.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                    Some(packet) => metadata.xmp = metadata.xmp.take().or_else(|| kept(packet)),
                    None => metadata.exif = metadata.exif.take().or_else(|| exif::checked(&profile)),
                },
            }
        }
    }
}

/// Returns the most bytes of the metadata once they are read. Inflates nothing.
pub(super) fn metadata_bytes(bytes: &[u8], chunks: &[PngChunk]) -> u64 {
    // Deflate makes at most 1032 bytes of one.
    let inflated = |len: usize| (len as u64).saturating_mul(1032).min(BLOCK_BYTES_MAX as u64);
    let mut sum = 0_u64;
    let (mut has_profile, mut has_packet, mut raw) = (false, false, [false; RawProfile::N]);
    let first = |seen: &mut bool| !std::mem::replace(seen, true);
    let mut budget = BLOCK_BYTES_MAX as u64;
    for chunk in chunks.iter().filter(|chunk| chunk.is_dispensable()) {
        let (data, len) = (&bytes[chunk.data.clone()], chunk.data.len());
        let name = keyword(data).filter(|_| png_text::is_text(&chunk.kind)).map(|(name, _)| name);
        let is_packet = name == Some(XMP);
        sum += match &chunk.kind {
            b"iCCP" if first(&mut has_profile) => inflated(len),
            b"iTXt" if is_packet && first(&mut has_packet) => inflated(len),
            b"eXIf" => len as u64,
            kind => match name.and_then(RawProfile::of) {
                Some(profile) if first(&mut raw[profile as usize]) => {
                    if kind == b"tEXt" {
                        len as u64
                    } else {
                        inflated(len)
                    }
                }
                Some(_) => 0,
                None => {
                    let kept = budget.min(len as u64);
                    budget -= kept;
                    kept
                }
            },
        };
    }
    sum
}

/// Returns the orientation. Inflates nothing.
pub(super) fn orientation(bytes: &[u8], chunks: &[PngChunk]) -> u8 {
    let block =
        chunks.iter().find(|c| &c.kind == b"eXIf").and_then(|c| exif::checked(&bytes[c.data.clone()]));
    block.map_or(1, |block| exif::orientation(&block))
}

/// Whether a chunk may name another colour space than sRGB. Inflates nothing.
pub(super) fn names_colours(bytes: &[u8], chunks: &[PngChunk]) -> bool {
    let has = |kind: &[u8; 4]| chunks.iter().any(|chunk| &chunk.kind == kind);
    let is_raw = |chunk: &PngChunk| {
        let name = keyword(&bytes[chunk.data.clone()]).filter(|_| png_text::is_text(&chunk.kind));
        name.and_then(|(name, _)| RawProfile::of(name)).is_some()
    };
    let is_adobe = |chunk: &PngChunk| {
        &chunk.kind == b"eXIf"
            && exif::checked(&bytes[chunk.data.clone()]).is_some_and(|block| exif::is_adobe_rgb(&block))
    };
    has(b"cICP")
        || has(b"iCCP")
        || has(b"gAMA") && !has(b"sRGB")
        || chunks.iter().any(|chunk| is_raw(chunk) || is_adobe(chunk))
}

/// Returns the profile in an iCCP chunk.
fn profile(data: &[u8]) -> Option<Vec<u8>> {
    match keyword(data)?.1 {
        [0, packed @ ..] => inflate(packed, BLOCK_BYTES_MAX),
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

/// Returns the file with the chunks of the picture only. Borrowed when the file has no others.
pub(super) fn bare<'a>(bytes: &'a [u8], walked: &Walked) -> Result<Cow<'a, [u8]>, EncodeError> {
    let chunks = &walked.chunks[1..];
    let places = chunks.iter().map(|chunk| PICTURE.iter().position(|kind| **kind == chunk.kind));
    let is_sound = !walked.is_cut && walked.chunks.iter().all(|chunk| chunk.is_sound);
    if is_sound && places.clone().all(|place| place.is_some()) && places.is_sorted() {
        return Ok(Cow::Borrowed(bytes));
    }
    with_metadata(bytes, walked, &Metadata::default()).map(Cow::Owned)
}

/// Returns the same coded picture with other metadata.
pub(super) fn with_metadata(
    bytes: &[u8],
    walked: &Walked,
    metadata: &Metadata,
) -> Result<Vec<u8>, EncodeError> {
    let mut out = SIGNATURE.to_vec();
    let copy = |out: &mut Vec<u8>, kind: &[u8; 4]| {
        for chunk in walked.chunks.iter().filter(|c| &c.kind == kind) {
            if chunk.is_sound {
                out.extend_from_slice(&bytes[chunk.whole.clone()]);
            } else if !chunk.is_dispensable() {
                push(out, kind, &[&bytes[chunk.data.clone()]]);
            }
        }
    };
    copy(&mut out, b"IHDR");
    // The background stays where it is among the chunks of the picture.
    push_metadata(&mut out, metadata, |kind| kind != b"bKGD");
    for kind in PICTURE {
        copy(&mut out, kind);
    }
    if walked.is_cut {
        push_end(&mut out);
    }
    Ok(out)
}

/// Returns the data of the chunks of a kind.
pub(super) fn data_of<'a>(
    bytes: &'a [u8],
    walked: &'a Walked,
    kind: &'a [u8; 4],
) -> impl Iterator<Item = &'a [u8]> {
    walked.chunks.iter().filter(move |chunk| &chunk.kind == kind).map(|chunk| &bytes[chunk.data.clone()])
}

/// Returns a file with the chunks of the picture before its pixels, and with these filtered rows as pixels.
pub(super) fn with_pixels(bytes: &[u8], walked: &Walked, filtered: &[u8]) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    for kind in [b"IHDR", b"PLTE", b"tRNS"] {
        for data in data_of(bytes, walked, kind) {
            push(&mut out, kind, &[data]);
        }
    }
    push(&mut out, b"IDAT", &[&deflate(filtered)]);
    push_end(&mut out);
    out
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
    push_metadata(&mut out, metadata, |_| true);
    out
}

/// Appends the chunk that ends a file.
pub(super) fn push_end(out: &mut Vec<u8>) {
    push(out, b"IEND", &[]);
}

/// Appends the chunks of the metadata; of those that are kept as they are, only the kinds that `takes` names. A picture with an ICC
/// profile gets no sRGB chunk, as PNG demands.
fn push_metadata(out: &mut Vec<u8>, metadata: &Metadata, takes: impl Fn(&[u8; 4]) -> bool) {
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
    let photoshop = iptc::to_photoshop(metadata.iptc.as_deref(), metadata.photoshop.as_deref());
    if !photoshop.is_empty() {
        push(out, b"zTXt", &[IPTC, b"\0\0", &deflate(&png_text::to_raw_profile("iptc", &photoshop))]);
    }
    for (kind, data) in metadata.png_chunks.iter().filter(|(kind, _)| takes(kind)) {
        push(out, kind, &[data]);
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

    fn walked(bytes: &[u8]) -> Walked {
        walk(bytes, Checks::All, false).unwrap()
    }

    fn read(bytes: &[u8]) -> Metadata {
        metadata(bytes, &walked(bytes), &mut Notes::default())
    }

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
        assert_eq!(walked(&bytes).chunks.len(), 3);
        for end in 8..bytes.len() {
            assert!(walk(&bytes[..end], Checks::None, false).is_err(), "cut at {end}");
        }
        let mut wrong = bytes.clone();
        wrong[41] ^= 1; // in IDAT
        assert!(walk(&wrong, Checks::Dispensable, false).is_ok());
        assert!(walk(&wrong, Checks::All, false).unwrap_err().contains("IDAT"));
        assert!(!walk(&wrong, Checks::All, true).unwrap().chunks[1].is_sound);
    }

    #[test]
    fn a_compression_bomb_is_no_profile() {
        let bomb = deflate(&vec![0; BLOCK_BYTES_MAX + 1]);
        assert!(bomb.len() < 100_000);
        let bytes = file(&[(b"iCCP", &[b"x\0\0", &bomb[..]].concat())]);
        assert_eq!(read(&bytes).icc, None);
        assert_eq!(inflate(&deflate(b"profile"), 7).as_deref(), Some(&b"profile"[..]));
    }

    #[test]
    fn only_the_first_block_of_a_kind_is_tried() {
        let (bad, good) = (deflate(b"no profile"), png_text::to_raw_profile("iptc", &iptc::tests::sample()));
        let text = |rest: &[u8]| [IPTC, b"\0", rest].concat();
        let packed = text(&[b"\0", &bad[..]].concat());
        let bytes = file(&[
            (b"zTXt", &packed),
            (b"tEXt", &text(&good)),
            (b"iCCP", b"x\0\0?"),
            (b"iCCP", &[b"x\0\0", &bad[..]].concat()),
        ]);
        let metadata = read(&bytes);
        assert_eq!((metadata.iptc, metadata.icc), (None, None));
    }

    #[test]
    fn compressed_packets_and_plain_raw_profiles_are_read() {
        let packed = [XMP, b"\0\x01\0\0\0", &deflate(b"<xmp/>")].concat();
        let raw = [IPTC, b"\0", &png_text::to_raw_profile("iptc", &iptc::tests::sample())].concat();
        let bytes = file(&[(b"iTXt", b"Title\0\0\0\0\0text"), (b"iTXt", &packed), (b"tEXt", &raw)]);
        let metadata = read(&bytes);
        assert_eq!(metadata.xmp.as_deref(), Some(&b"<xmp/>"[..]));
        assert_eq!(metadata.iptc, Some(iptc::tests::sample()));
    }

    #[test]
    fn a_bare_file_is_itself_unless_chunks_must_go_or_move() {
        let bare_of = |list: &[(&[u8; 4], &[u8])]| {
            let bytes = file(list);
            let bare = bare(&bytes, &walked(&bytes)).unwrap();
            let kinds: Vec<[u8; 4]> = walked(&bare).chunks.iter().map(|c| c.kind).collect();
            (matches!(bare, Cow::Borrowed(_)), kinds)
        };
        assert!(bare_of(&[(b"PLTE", b"abc"), (b"IDAT", b"1")]).0);
        let sorted = vec![*b"IHDR", *b"PLTE", *b"tRNS", *b"IDAT", *b"IEND"];
        assert_eq!(bare_of(&[(b"tRNS", b"a"), (b"PLTE", b"abc"), (b"IDAT", b"1")]), (false, sorted));
        let picture = vec![*b"IHDR", *b"IDAT", *b"IEND"];
        assert_eq!(bare_of(&[(b"tEXt", b"a\0b"), (b"IDAT", b"1")]), (false, picture));
    }
}
