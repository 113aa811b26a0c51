//! Decodes the bytes of strips and tiles. Each coding is a library's, but for PackBits, which is ten lines.

use flate2::{Decompress, FlushDecompress, Status};
use weezl::BitOrder;

use super::super::error::{DecodeError, broken};
use super::super::format::Format;
use super::jpeg_stream::{self, JpegStreams};
use super::layout::{Coding, Layout, Tags};
use super::{fax, packbits::PackBits};

/// Decodes one segment after the other. [`Decoder::begin`] starts a segment, [`Decoder::fill`] goes on within it.
pub(super) struct Decoder<'a> {
    /// The segment's bytes that are not decoded yet, if they are read in place.
    rest: &'a [u8],
    /// A copy of the segment's bytes, and the place in it: coded bytes in the right order of bits, or decoded ones.
    own: Vec<u8>,
    at: usize,
    reversed: bool,
    /// Whether a fax segment may end before its last row.
    lenient: bool,
    state: State<'a>,
}

/// What a coding keeps between two calls.
enum State<'a> {
    Plain,
    /// The whole segment is decoded at once.
    Whole,
    Lzw {
        modern: Box<weezl::decode::Decoder>,
        old: Option<Box<weezl::decode::Decoder>>,
        is_old: bool,
    },
    Deflate(Box<Decompress>),
    PackBits(PackBits),
    Jpeg(Box<JpegStreams<'a>>),
}

impl<'a> Decoder<'a> {
    pub(super) fn new(tags: Tags<'_, 'a>, layout: &Layout, lenient: bool) -> Result<Self, DecodeError> {
        let state = match layout.coding {
            Coding::Plain => State::Plain,
            Coding::Huffman | Coding::Group3 { .. } | Coding::Group4 => State::Whole,
            Coding::Lzw => State::Lzw { modern: Box::new(modern_lzw()), old: None, is_old: false },
            Coding::Deflate => State::Deflate(Box::new(Decompress::new(true))),
            Coding::PackBits => State::PackBits(PackBits::default()),
            Coding::Jpeg { .. } => State::Jpeg(Box::new(JpegStreams::new(tags, layout)?)),
        };
        Ok(Self { rest: &[], own: Vec::new(), at: 0, reversed: layout.reversed, lenient, state })
    }

    /// Most bytes that a decoder holds: copies of a segment, decoded or not.
    pub(super) fn bytes_max(tags: Tags<'_, 'a>, layout: &Layout) -> u64 {
        /// Tables of LZW, or window and tables of Deflate.
        const TABLES: u64 = 128 << 10;
        let file = tags.stream.bytes.len() as u64;
        let copied = if layout.reversed { file } else { 0 };
        let segment = (layout.line_bytes() as u64).saturating_mul(layout.grid.height as u64);
        let decoded = match layout.coding {
            Coding::Plain | Coding::PackBits => 0,
            Coding::Lzw | Coding::Deflate => TABLES,
            // Rows of bits, and the changes of two rows of four bytes for each pixel.
            Coding::Huffman | Coding::Group3 { .. } | Coding::Group4 => {
                segment.saturating_add((layout.grid.width as u64).saturating_mul(16))
            }
            Coding::Jpeg { .. } => {
                let more = (layout.line_bytes() as u64).saturating_mul(jpeg_stream::ROWS_MORE as u64);
                let coefficients = JpegStreams::coefficient_bytes(tags, layout);
                segment.saturating_add(more).saturating_add(file).saturating_add(coefficients)
            }
        };
        copied.saturating_add(decoded)
    }

    /// Begins a segment of which `rows` rows are needed.
    pub(super) fn begin(&mut self, coded: &'a [u8], rows: usize, layout: &Layout) -> Result<(), DecodeError> {
        (self.rest, self.at) = (coded, 0);
        if self.reversed {
            self.own.clear();
            self.own.extend(coded.iter().map(|b| b.reverse_bits()));
        }
        let bytes = if self.reversed { &self.own[..] } else { coded };
        match &mut self.state {
            State::Plain => {}
            State::Whole => self.own = fax::decode(bytes, rows, layout, self.lenient)?,
            State::Lzw { modern, old, is_old } => {
                // Old writers put the first bit last. Their first code, 256 with 9 bits, shows it.
                *is_old = matches!(bytes, [0, second, ..] if second & 1 == 1);
                if *is_old {
                    old.get_or_insert_with(|| Box::new(old_lzw())).reset();
                } else {
                    modern.reset();
                }
            }
            State::Deflate(inflate) => inflate.reset(true),
            State::PackBits(state) => *state = PackBits::default(),
            State::Jpeg(streams) => streams.decode(coded, rows, layout, &mut self.own)?,
        }
        Ok(())
    }

    /// Decodes the next bytes of the segment, exactly as many as `out` holds.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<(), DecodeError> {
        let is_own = self.reversed || matches!(self.state, State::Whole | State::Jpeg(_));
        let bytes = if is_own { self.own.get(self.at..).unwrap_or_default() } else { self.rest };
        let used = match &mut self.state {
            State::Plain | State::Whole | State::Jpeg(_) => {
                let decoded = bytes.get(..out.len()).ok_or_else(too_short)?;
                out.copy_from_slice(decoded);
                out.len()
            }
            State::Lzw { modern, old, is_old } => {
                unpack_lzw(old.as_mut().filter(|_| *is_old).unwrap_or(modern), bytes, out)?
            }
            State::Deflate(inflate) => inflate_into(inflate, bytes, out)?,
            State::PackBits(state) => state.unpack(bytes, out).ok_or_else(too_short)?,
        };
        if is_own {
            self.at += used;
        } else {
            self.rest = &self.rest[used..];
        }
        Ok(())
    }
}

pub(super) fn too_short() -> DecodeError {
    broken(Format::Tiff, "a strip or tile ends before its last row")
}

/// LZW of TIFF 6.0: the first bit is the highest, and codes get longer one code early.
pub(super) fn modern_lzw() -> weezl::decode::Decoder {
    weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
}

/// LZW of writers before TIFF 5.0: the first bit is the lowest, and codes get longer when they must.
pub(super) fn old_lzw() -> weezl::decode::Decoder {
    weezl::decode::Decoder::new(BitOrder::Lsb, 8)
}

/// Decodes until `out` is full. Returns the number of bytes that were read.
fn unpack_lzw(
    decoder: &mut weezl::decode::Decoder,
    bytes: &[u8],
    out: &mut [u8],
) -> Result<usize, DecodeError> {
    let (mut used, mut filled) = (0, 0);
    while filled < out.len() {
        let result = decoder.decode_bytes(&bytes[used..], &mut out[filled..]);
        used += result.consumed_in;
        filled += result.consumed_out;
        if result.status.is_err() {
            return Err(broken(Format::Tiff, "its LZW codes are wrong"));
        }
        if (result.consumed_in, result.consumed_out) == (0, 0) {
            return Err(too_short());
        }
    }
    Ok(used)
}

/// Inflates until `out` is full. Returns the number of bytes that were read.
fn inflate_into(inflate: &mut Decompress, bytes: &[u8], out: &mut [u8]) -> Result<usize, DecodeError> {
    let (mut used, mut filled) = (0, 0);
    while filled < out.len() {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(&bytes[used..], &mut out[filled..], FlushDecompress::None)
            .map_err(|_| broken(Format::Tiff, "its Deflate codes are wrong"))?;
        let (read, written) = (inflate.total_in() - read, inflate.total_out() - written);
        used += read as usize;
        filled += written as usize;
        let is_stuck = (read, written) == (0, 0) || status == Status::StreamEnd;
        if is_stuck && filled < out.len() {
            return Err(too_short());
        }
    }
    Ok(used)
}
