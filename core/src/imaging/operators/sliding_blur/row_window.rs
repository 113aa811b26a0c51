//! The rows of a picture that wide blurs still need, one after the other in memory.

use super::{LINE, ROWS, down::BLOCK};

/// Rows of bytes that come from the top, each at the beginning of a cache line; the oldest ones make room for them.
#[derive(Clone, Debug)]
pub struct RowWindow {
    bytes: Vec<u8>,
    /// Where the first cache line begins.
    start: usize,
    /// Bytes of a row, and from one to the next.
    n_bytes: usize,
    stride: usize,
    /// Rows that stay at least.
    n_kept: usize,
    /// Number of the first row in here.
    first: isize,
    n: usize,
}

impl RowWindow {
    /// For rows of `n` bytes, of which the last `n_kept`, at least one, are needed.
    pub fn new(n_kept: usize, n: usize) -> Self {
        let bytes = vec![0; Self::bytes(n_kept, n)];
        let start = bytes.as_ptr().align_offset(LINE).min(LINE);
        Self { bytes, start, n_bytes: n, stride: n.next_multiple_of(LINE), n_kept, first: 0, n: 0 }
    }

    /// Bytes that it takes.
    pub fn bytes(n_kept: usize, n: usize) -> usize {
        Self::n_rows(n_kept) * n.next_multiple_of(LINE) + BLOCK + LINE
    }

    /// So many that those kept move up rarely.
    fn n_rows(n_kept: usize) -> usize {
        n_kept + n_kept.min(3 * ROWS)
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Forgets all rows; `p` is the next.
    pub fn begin(&mut self, p: isize) {
        (self.first, self.n) = (p, 0);
    }

    /// Number of the next row.
    pub fn end(&self) -> isize {
        self.first + self.n as isize
    }

    /// The next row, to be filled.
    #[inline(always)]
    pub fn push(&mut self) -> &mut [u8] {
        if self.n == Self::n_rows(self.n_kept) {
            let n_kept = self.n_kept - 1;
            let kept = self.start + (self.n - n_kept) * self.stride..self.start + self.n * self.stride;
            self.bytes.copy_within(kept, self.start);
            (self.first, self.n) = (self.end() - n_kept as isize, n_kept);
        }
        self.n += 1;
        &mut self.bytes[self.start + (self.n - 1) * self.stride..][..self.n_bytes]
    }

    /// From the first byte of row `p` on to the end of the last row and beyond.
    ///
    /// # Panics
    /// When row `p` is not here.
    #[inline(always)]
    pub fn from(&self, p: isize) -> &[u8] {
        &self.bytes[self.start + (p - self.first) as usize * self.stride..]
    }
}
