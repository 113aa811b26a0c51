//! The rows of a picture that wide blurs still need, one after another in memory.

use super::{
    down::BLOCK,
    sizes::{LINE, ROWS},
};

/// A window of rows of bytes. Rows come from the top, and each begins at a cache line.
///
/// The rows lie one after another, so that a blur finds row `p + k` at a fixed distance from row `p`. A full window moves
/// its newest rows to the front:
///
/// ```text
/// full      | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 |     n_kept = 4, row 10 comes
///             ┌─────────────────── 7   8   9      move to the front
/// after     | 7 | 8 | 9 |10 |   |   |   |   |
/// ```
#[derive(Clone, Debug)]
pub struct RowWindow {
    bytes: Vec<u8>,
    /// Index in `bytes` of the first cache line.
    start: usize,
    /// Bytes of a row.
    n_bytes: usize,
    /// Bytes from one row to the next.
    stride: usize,
    /// Fewest rows that stay in the window.
    n_kept: usize,
    /// Number of the first row in the window.
    first: isize,
    /// Rows in the window.
    n: usize,
}

impl RowWindow {
    /// An empty window for rows of `n` bytes that always holds the last `n_kept` rows, at least one.
    pub fn new(n_kept: usize, n: usize) -> Self {
        let bytes = vec![0; Self::bytes(n_kept, n)];
        // `align_offset` may give up and return `usize::MAX`. The minimum keeps the start within the spare cache line.
        let start = bytes.as_ptr().align_offset(LINE).min(LINE);
        Self { bytes, start, n_bytes: n, stride: n.next_multiple_of(LINE), n_kept, first: 0, n: 0 }
    }

    /// Number of bytes that a window takes.
    pub fn bytes(n_kept: usize, n: usize) -> usize {
        // Blurs read whole blocks, up to `BLOCK − 1` bytes past the last row. `LINE` is for the alignment.
        Self::n_rows(n_kept) * n.next_multiple_of(LINE) + BLOCK + LINE
    }

    /// Rows of a full window: enough that rows move rarely.
    fn n_rows(n_kept: usize) -> usize {
        n_kept + n_kept.min(3 * ROWS)
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Forgets all rows. Row `p` is the next one.
    pub fn begin(&mut self, p: isize) {
        (self.first, self.n) = (p, 0);
    }

    /// Number of the next row.
    pub fn end(&self) -> isize {
        self.first + self.n as isize
    }

    /// Adds the next row and returns it, to be filled by the caller.
    #[inline(always)]
    pub fn push(&mut self) -> &mut [u8] {
        if self.n == Self::n_rows(self.n_kept) {
            // The new row is the last of the kept ones, so one old row less moves.
            let n_kept = self.n_kept - 1;
            let kept = self.start + (self.n - n_kept) * self.stride..self.start + self.n * self.stride;
            // Old and new places may overlap: a full window of more than 48 kept rows is shorter than two times these.
            self.bytes.copy_within(kept, self.start);
            (self.first, self.n) = (self.end() - n_kept as isize, n_kept);
        }
        self.n += 1;
        &mut self.bytes[self.start + (self.n - 1) * self.stride..][..self.n_bytes]
    }

    /// Returns the bytes from the first one of row `p` on, to the end of the last row and beyond.
    ///
    /// # Panics
    /// When row `p` lies before the window's first row. The caller asks for no row after the newest one: `bytes` may
    /// still reach that far, and then holds stale samples.
    #[inline(always)]
    pub fn from(&self, p: isize) -> &[u8] {
        &self.bytes[self.start + (p - self.first) as usize * self.stride..]
    }
}
