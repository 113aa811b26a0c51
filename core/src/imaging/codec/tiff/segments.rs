//! Reads strips and tiles line by line: decodes them, undoes the differences, and gives the samples as stored.
//!
//! Nothing here depends on what the samples mean. Depths of more than a byte come in the byte order of the machine.

use super::super::endian::Endian;
use super::super::error::{DecodeError, broken};
use super::super::format::Format;
use super::coding::Decoder;
use super::grid::Rect;
use super::layout::{Coding, Layout, Predictor, Tags};
use super::predictor;

/// Bytes that are decoded at a time, unless a line is longer.
const CHUNK_BYTES: usize = 1 << 16;

/// Reads the strips or tiles of a picture, one at a time.
pub(super) struct SegmentReader<'t, 'a> {
    tags: Tags<'t, 'a>,
    layout: &'t Layout,
    decoder: Decoder<'a>,
    /// Whether segments may be cut off.
    lenient: bool,
    /// Whether a segment lies beyond the end in part.
    pub(super) is_cut: bool,
    /// Whether lines are decoded one at a time.
    by_line: bool,
    lines: Vec<u8>,
    /// What the open segment covers, and its next row.
    rect: Rect,
    next_row: usize,
}

/// Some lines of a segment as stored.
pub(super) struct Lines<'r> {
    /// The lines, one after the other.
    pub(super) bytes: &'r [u8],
    /// The part of the picture that they cover. The lines may be longer than it is wide: the rest is padding.
    pub(super) rect: Rect,
}

impl<'t, 'a> SegmentReader<'t, 'a> {
    pub(super) fn new(tags: Tags<'t, 'a>, layout: &'t Layout, lenient: bool) -> Result<Self, DecodeError> {
        let lines = vec![0; chunk_lines(layout) * layout.line_bytes()];
        let rect = Rect { x: 0, y: 0, width: 0, height: 0 };
        let decoder = Decoder::new(tags, layout, lenient)?;
        Ok(Self { tags, layout, decoder, lenient, is_cut: false, by_line: false, lines, rect, next_row: 0 })
    }

    /// Most bytes that a reader holds.
    pub(super) fn bytes_max(tags: Tags<'t, 'a>, layout: &'t Layout) -> u64 {
        let line_bytes = layout.line_bytes() as u64;
        line_bytes.saturating_mul(chunk_lines(layout) as u64).saturating_add(Decoder::bytes_max(tags, layout))
    }

    /// Pixels of the open segment that were not decoded.
    pub(super) fn left(&self) -> u64 {
        (self.rect.width as u64).saturating_mul((self.rect.height - self.next_row) as u64)
    }

    /// Begins a segment. Its lines are decoded one at a time if `by_line`, which is slower and gets the last whole line of a cut one.
    pub(super) fn open(&mut self, plane: usize, index: usize, by_line: bool) -> Result<(), DecodeError> {
        (self.rect, self.next_row, self.by_line) = (self.layout.grid.rect(index), 0, by_line);
        let grid = &self.layout.grid;
        let coded = match self.lenient {
            true => {
                self.is_cut |= grid.coded(&self.tags, plane, index).is_none();
                grid.coded_until_end(&self.tags, plane, index)
            }
            false => grid.coded(&self.tags, plane, index),
        };
        let coded = coded.ok_or_else(|| broken(Format::Tiff, "its strips or tiles lie beyond the end"))?;
        self.decoder.begin(coded, self.rect.height, self.layout)
    }

    /// Decodes the next lines of the open segment. `None` after the last line that the picture needs.
    pub(super) fn next(&mut self) -> Result<Option<Lines<'_>>, DecodeError> {
        if self.next_row >= self.rect.height {
            return Ok(None);
        }
        let rows_per_line = self.layout.rows_per_line();
        let left = (self.rect.height - self.next_row).div_ceil(rows_per_line);
        let n_lines = if self.by_line { 1 } else { chunk_lines(self.layout) }.min(left);
        let line_bytes = self.layout.line_bytes();
        let lines = &mut self.lines[..n_lines * line_bytes];
        self.decoder.fill(lines)?;
        self.layout_order(n_lines);
        let y = self.rect.y + self.next_row;
        let height = (n_lines * rows_per_line).min(self.rect.height - self.next_row);
        self.next_row += height;
        Ok(Some(Lines { bytes: &self.lines[..n_lines * line_bytes], rect: Rect { y, height, ..self.rect } }))
    }

    /// Brings the samples into the byte order of the machine and undoes the differences.
    fn layout_order(&mut self, n_lines: usize) {
        let line_bytes = self.layout.line_bytes();
        in_native_order(&mut self.lines[..n_lines * line_bytes], self.layout, self.tags.stream.endian);
    }
}

/// Brings the samples of decoded lines into the byte order of the machine and undoes the differences.
pub(super) fn in_native_order(lines: &mut [u8], layout: &Layout, endian: Endian) {
    let Layout { bits, predictor, coding, .. } = *layout;
    let n = layout.interleaved();
    // The predictor for floats stores bytes from the most significant one on, in any file.
    if predictor != Predictor::Float && !matches!(coding, Coding::Jpeg { .. }) {
        to_native_order(lines, bits, endian);
    }
    for line in lines.chunks_exact_mut(layout.line_bytes()) {
        match predictor {
            Predictor::None => {}
            Predictor::Horizontal => predictor::undo_horizontal(line, n, bits),
            Predictor::Float => predictor::undo_float(line, n, bits),
        }
    }
}

/// Lines that are decoded at a time.
fn chunk_lines(layout: &Layout) -> usize {
    let lines = layout.grid.height.div_ceil(layout.rows_per_line());
    (CHUNK_BYTES / layout.line_bytes().max(1)).clamp(1, lines)
}

/// Turns samples of whole bytes into the byte order of the machine.
fn to_native_order(bytes: &mut [u8], bits: usize, endian: Endian) {
    let native = if cfg!(target_endian = "little") { Endian::Little } else { Endian::Big };
    if endian != native && [16, 24, 32, 64].contains(&bits) {
        bytes.chunks_exact_mut(bits / 8).for_each(<[u8]>::reverse);
    }
}
