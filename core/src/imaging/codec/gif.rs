//! GIF (GIF89a): still pictures, decoded by the `gif` crate. GIF is not written: 256 colours cannot hold a restored picture.
//!
//! The picture has the size of the logical screen, or more if its frame is larger. What the frame does not cover is transparent.
//! A palette of nothing but greys is grey. Carried: comments, ICC profile, XMP.

use std::{io::Cursor, num::NonZeroU64};

use super::block::kept;
use super::endian::Endian;
use super::error::{DecodeError, broken, cut_off, unsupported_but};
use super::format::Format;
use super::header::Header;
use super::limits::{self, PARTS_MAX};
use super::memory::zeroed;
use super::metadata::Metadata;
use super::notes::{NoteKind, Notes};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, Image},
};

/// Longest list of bytes that LZW and the decoder hold besides the indices.
const DECODER_BYTES: u64 = 1 << 20;

/// The first frame and what stands around it.
#[derive(Debug, Default)]
struct Walked {
    screen: (usize, usize),
    /// Left, top, width, height.
    frame: (usize, usize, usize, usize),
    n_frames: usize,
    is_transparent: bool,
    is_grey: bool,
    comments: Vec<Vec<u8>>,
    icc: Vec<u8>,
    xmp: Vec<u8>,
    has_plain_text: bool,
    aspect: u8,
}

impl Walked {
    /// Width and height of the picture.
    fn size(&self) -> (usize, usize) {
        let (left, top, width, height) = self.frame;
        (self.screen.0.max(left + width), self.screen.1.max(top + height))
    }

    /// Whether some pixels lie outside of the frame.
    fn has_margin(&self) -> bool {
        (self.frame.2, self.frame.3) != self.size()
    }
}

/// Reads the blocks. Pixels stay coded.
fn walk(bytes: &[u8], lenient: bool) -> Result<Walked, DecodeError> {
    const CUT: &str = "it ends before its last block";
    let cut = || cut_off(Format::Gif, CUT);
    let byte = |at: usize| bytes.get(at).copied().ok_or_else(cut);
    let side = |at| Endian::Little.u16(bytes, at).map(usize::from).ok_or_else(cut);
    let mut walked = Walked { screen: (side(6)?, side(8)?), aspect: byte(12)?, ..Walked::default() };
    let table = |flags: u8, at: usize| {
        let length = if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 };
        bytes.get(at..at + length).ok_or_else(cut)
    };
    let global = table(byte(10)?, 13)?;
    let mut at = 13 + global.len();
    let mut is_transparent = false;
    for _ in 0..PARTS_MAX {
        match bytes.get(at) {
            Some(0x3B) => return Ok(walked),
            Some(0x21) => {
                let label = byte(at + 1)?;
                let (blocks, end) = sub_blocks(bytes, at + 2, lenient).ok_or_else(cut)?;
                match label {
                    0xF9 => {
                        is_transparent =
                            blocks.first().and_then(|b| b.first()).is_some_and(|flags| flags & 1 == 1)
                    }
                    0xFE => walked.comments.push(blocks.concat()),
                    0x01 => walked.has_plain_text = true,
                    0xFF => match blocks.split_first() {
                        Some((&b"ICCRGBG1012", data)) => walked.icc = data.concat(),
                        // The packet is written without blocks. A trailer of 256 bytes makes readers of blocks come out right.
                        Some((&b"XMP DataXMP", _)) => {
                            let packet = bytes.get(at + 14..end).unwrap_or_default();
                            walked.xmp = packet.strip_suffix(&[0]).unwrap_or(packet).to_vec();
                            walked.xmp.truncate(walked.xmp.len().saturating_sub(257));
                        }
                        _ => {}
                    },
                    _ => {}
                }
                at = end;
            }
            Some(0x2C) => {
                let flags = byte(at + 9)?;
                let local = table(flags, at + 10)?;
                walked.n_frames += 1;
                if walked.n_frames == 1 {
                    walked.frame = (side(at + 1)?, side(at + 3)?, side(at + 5)?, side(at + 7)?);
                    walked.is_transparent = is_transparent;
                    let palette = if local.is_empty() { global } else { local };
                    walked.is_grey = palette.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b);
                }
                let (_, end) = sub_blocks(bytes, at + 11 + local.len(), lenient).ok_or_else(cut)?;
                at = end;
            }
            Some(0) => at += 1, // Some writers put empty blocks between others.
            // Bytes without meaning after the picture end it, as in other readers.
            Some(_) if walked.n_frames > 0 => return Ok(walked),
            None if walked.n_frames > 0 && lenient => return Ok(walked),
            None => return Err(cut()),
            Some(_) => return Err(broken(Format::Gif, "it has a block of an unknown kind")),
        }
    }
    Err(broken(Format::Gif, "it has too many blocks"))
}

/// Returns the blocks of data at `at`, and where they end.
fn sub_blocks(bytes: &[u8], mut at: usize, lenient: bool) -> Option<(Vec<&[u8]>, usize)> {
    let mut blocks = Vec::new();
    loop {
        match bytes.get(at).map(|&length| usize::from(length)) {
            Some(0) => return Some((blocks, at + 1)),
            Some(length) if at + 1 + length <= bytes.len() => {
                blocks.push(&bytes[at + 1..at + 1 + length]);
                at += 1 + length;
            }
            _ => return lenient.then_some((blocks, bytes.len())),
        }
    }
}

/// Reads the header from the blocks.
pub(super) fn probe(bytes: &[u8], lenient: bool) -> Result<Header, DecodeError> {
    let walked = walk(bytes, lenient)?;
    if walked.n_frames > 1 {
        let help = "save one frame of it as a still picture first";
        return Err(unsupported_but(Format::Gif, "an animation", help));
    }
    let (width, height) = walked.size();
    if walked.n_frames == 0 || walked.frame.2 == 0 || walked.frame.3 == 0 {
        return Err(broken(Format::Gif, "it has no picture"));
    }
    let channels = if walked.is_grey { Channels::Grey } else { Channels::Rgb };
    let has_alpha = walked.is_transparent || walked.has_margin();
    let samples = channels.count() + usize::from(has_alpha);
    let indices = (walked.frame.2 * walked.frame.3) as u64;
    Ok(Header {
        format: Format::Gif,
        width,
        height,
        channels,
        has_alpha,
        depth: Depth::Eight,
        decoded_bytes: limits::decoded_bytes(
            width,
            height,
            samples,
            false,
            indices + bytes.len() as u64 + DECODER_BYTES,
        ),
        metadata_bytes: (walked.comments.iter().map(Vec::len).sum::<usize>()
            + walked.icc.len()
            + walked.xmp.len()) as u64,
        jpeg_subsampling: None,
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
) -> Result<Image, DecodeError> {
    let error = |e: gif::DecodingError| broken(Format::Gif, e);
    let (left, top, frame_width, frame_height) = walk(bytes, lenient)?.frame;
    let (width, height, n) = (header.width, header.height, header.channels.count());
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    let n_indices = frame_width * frame_height;
    // The limit also holds for the blocks beside the picture, which the file has.
    let most = NonZeroU64::new((n_indices + bytes.len()) as u64).unwrap_or(NonZeroU64::MIN);
    options.set_memory_limit(gif::MemoryLimit::Bytes(most));
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(error)?;
    let frame =
        decoder.next_frame_info().map_err(error)?.ok_or_else(|| broken(Format::Gif, "it has no picture"))?;
    let transparent = frame.transparent;
    if (usize::from(frame.width), usize::from(frame.height)) != (frame_width, frame_height) {
        return Err(broken(Format::Gif, "its headers contradict each other"));
    }
    let mut indices = zeroed::<u8>(n_indices);
    if let Err(e) = decoder.read_into_buffer(&mut indices) {
        if !lenient {
            return Err(cut_off(Format::Gif, e));
        }
        notes.add(NoteKind::Tolerated, format_args!("a part of the picture is missing ({e})"));
    }
    let palette: Vec<[u8; 3]> = decoder.palette().map_err(error)?.as_chunks::<3>().0.to_vec();
    let mut samples = zeroed::<u8>(width * height * n);
    let mut alpha = if header.has_alpha { zeroed::<u8>(width * height) } else { Vec::new() };
    for (y, row) in indices.chunks_exact(frame_width).enumerate() {
        cancel.check()?;
        let at = (top + y) * width + left;
        for (pixel, &index) in samples[at * n..].chunks_exact_mut(n).zip(row) {
            // An index beyond the palette is black, as in browsers.
            let colour = palette.get(usize::from(index)).copied().unwrap_or_default();
            pixel.copy_from_slice(&colour[..n]);
        }
        if header.has_alpha {
            for (alpha, &index) in alpha[at..].iter_mut().zip(row) {
                *alpha = if Some(index) == transparent { 0 } else { 255 };
            }
        }
    }
    Image::of(width, height, header.channels, samples, header.has_alpha.then_some(alpha))
        .map_err(|e| broken(Format::Gif, e))
}

/// Reads the metadata.
pub(super) fn metadata(bytes: &[u8], lenient: bool, notes: &mut Notes) -> Metadata {
    let Ok(walked) = walk(bytes, lenient) else { return Metadata::default() };
    if walked.has_plain_text {
        notes.add(NoteKind::LeftOut, "a text that is drawn over the picture");
    }
    if walked.has_margin() {
        notes.add(
            NoteKind::Converted,
            "the part of the screen that the frame does not cover: it is transparent",
        );
    }
    if walked.aspect != 0 && walked.aspect != 49 {
        notes.add(NoteKind::NotKept, "the aspect ratio of the pixels");
    }
    Metadata {
        icc: kept(&walked.icc),
        xmp: kept(&walked.xmp),
        comments: walked.comments.iter().filter_map(|comment| kept(comment)).collect(),
        ..Metadata::default()
    }
}
