//! Decodes a strip or tile while its coded bytes are read, a window at a time.

use flate2::{Decompress, FlushDecompress, Status};
use weezl::decode::Decoder as Lzw;

use super::super::super::error::broken;
use super::super::super::format::Format;
use super::super::super::stream_io::{ReadAt, StreamError};
use super::super::coding::{Decoder, modern_lzw, old_lzw, too_short};
use super::super::layout::{Coding, Layout, Tags};
use super::super::packbits::PackBits;

/// Coded bytes that are read at a time.
pub(super) const WINDOW_BYTES: usize = 1 << 16;
/// Most bytes that a decoder holds besides its window: tables of LZW, or window and tables of Deflate.
pub(super) const STATE_BYTES: u64 = 160 << 10;

/// A strip or tile that is being decoded.
pub(super) struct SegmentStream<'s> {
    source: &'s dyn ReadAt,
    /// The coded bytes that are not read yet.
    next: u64,
    end: u64,
    window: Vec<u8>,
    /// Place of the first byte of the window that is not decoded yet.
    at: usize,
    reversed: bool,
    state: State,
}

/// What a coding keeps between two calls.
enum State {
    Plain,
    Lzw(Box<Lzw>),
    Deflate(Box<Decompress>),
    PackBits(PackBits),
    /// Fax codings and JPEG, decoded at once.
    Whole(Vec<u8>),
}

impl<'s> SegmentStream<'s> {
    /// Begins the segment of `rows` rows that is coded in `len` bytes from `at` on.
    pub(super) fn open(
        source: &'s dyn ReadAt,
        (at, len): (usize, usize),
        rows: usize,
        tags: Tags<'_, '_>,
        layout: &Layout,
    ) -> Result<Self, StreamError> {
        let (next, end) = (at as u64, at as u64 + len as u64);
        let window = Vec::with_capacity(WINDOW_BYTES.min(len));
        let mut stream =
            Self { source, next, end, window, at: 0, reversed: layout.reversed, state: State::Plain };
        stream.state = match layout.coding {
            Coding::Plain => State::Plain,
            Coding::Deflate => State::Deflate(Box::new(Decompress::new(true))),
            Coding::PackBits => State::PackBits(PackBits::default()),
            Coding::Lzw => {
                stream.refill()?;
                // Old writers put the first bit last. Their first code, 256 with 9 bits, shows it.
                let is_old = matches!(stream.window[..], [0, second, ..] if second & 1 == 1);
                State::Lzw(Box::new(if is_old { old_lzw() } else { modern_lzw() }))
            }
            Coding::Huffman | Coding::Group3 { .. } | Coding::Group4 | Coding::Jpeg { .. } => {
                let mut coded = vec![0; len];
                source.read_at(next, &mut coded).map_err(StreamError::Read)?;
                let mut decoder = Decoder::new(tags, layout, false)?;
                decoder.begin(&coded, rows, layout)?;
                let mut lines = vec![0; rows.div_ceil(layout.rows_per_line()) * layout.line_bytes()];
                decoder.fill(&mut lines)?;
                State::Whole(lines)
            }
        };
        Ok(stream)
    }

    /// Decodes the next bytes, exactly as many as `out` holds.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<(), StreamError> {
        if let State::Whole(lines) = &self.state {
            let decoded = lines.get(self.at..self.at + out.len()).ok_or_else(too_short)?;
            out.copy_from_slice(decoded);
            self.at += out.len();
            return Ok(());
        }
        if matches!(self.state, State::Plain) {
            return self.copy(out);
        }
        let mut filled = 0;
        while filled < out.len() {
            if self.at == self.window.len() {
                self.refill()?;
            }
            let (used, written) = self.step(filled, out)?;
            self.at += used;
            filled += written;
            let is_last = self.next == self.end;
            if (used, written) == (0, 0) && filled < out.len() {
                if is_last {
                    return Err(too_short().into());
                }
                // What is left is too little for a step: more bytes are put behind it.
                self.refill()?;
            }
        }
        Ok(())
    }

    /// Decodes what the window holds. Returns the numbers of bytes that were read and written.
    fn step(&mut self, filled: usize, out: &mut [u8]) -> Result<(usize, usize), StreamError> {
        let (bytes, out) = (&self.window[self.at..], &mut out[filled..]);
        Ok(match &mut self.state {
            State::Plain | State::Whole(_) => (0, 0),
            State::PackBits(state) => state.unpack_some(bytes, out),
            State::Lzw(decoder) => {
                let result = decoder.decode_bytes(bytes, out);
                if result.status.is_err() {
                    return Err(broken(Format::Tiff, "its LZW codes are wrong").into());
                }
                (result.consumed_in, result.consumed_out)
            }
            State::Deflate(inflate) => {
                let (read, written) = (inflate.total_in(), inflate.total_out());
                let status = inflate
                    .decompress(bytes, out, FlushDecompress::None)
                    .map_err(|_| broken(Format::Tiff, "its Deflate codes are wrong"))?;
                let (read, written) = (inflate.total_in() - read, inflate.total_out() - written);
                if status == Status::StreamEnd && (written as usize) < out.len() {
                    return Err(too_short().into());
                }
                (read as usize, written as usize)
            }
        })
    }

    /// Reads bytes that are not coded.
    fn copy(&mut self, out: &mut [u8]) -> Result<(), StreamError> {
        if out.len() as u64 > self.end - self.next {
            return Err(too_short().into());
        }
        self.source.read_at(self.next, out).map_err(StreamError::Read)?;
        self.next += out.len() as u64;
        if self.reversed {
            out.iter_mut().for_each(|b| *b = b.reverse_bits());
        }
        Ok(())
    }

    /// Reads the next window behind what is left of the last one.
    fn refill(&mut self) -> Result<(), StreamError> {
        self.window.drain(..self.at);
        self.at = 0;
        let n = (WINDOW_BYTES as u64).min(self.end - self.next) as usize;
        let kept = self.window.len();
        self.window.resize(kept + n, 0);
        self.source.read_at(self.next, &mut self.window[kept..]).map_err(StreamError::Read)?;
        self.next += n as u64;
        if self.reversed {
            self.window[kept..].iter_mut().for_each(|b| *b = b.reverse_bits());
        }
        Ok(())
    }
}
