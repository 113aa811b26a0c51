//! Buffers for the sums and samples of sixteen rows.

use super::{
    across::SumColumn,
    down::BLOCK,
    sizes::{LINE, ROWS},
    slide::n_before,
};

/// Most columns whose sums stay in registers together.
pub(super) const COLUMNS_MAX: usize = 8;

/// The buffers that blurs of sixteen rows write to. Several blurs use one room, one after the other.
#[derive(Clone, Debug)]
pub struct Room {
    /// Sums down the rows, one block of columns.
    pub(super) rows: Box<[[u16; BLOCK]; ROWS]>,
    /// The same sums of all columns, column by column, with unused numbers before the first cache line.
    pub(super) columns: Vec<u16>,
    /// Blurred samples, column by column.
    pub(super) blurred: Vec<[u8; ROWS]>,
}

impl Room {
    /// Room for blurs of up to `n` columns that reach up to `radius` pixels.
    pub fn new(radius: usize, n: usize) -> Self {
        Self {
            rows: Box::new([[0; BLOCK]; ROWS]),
            columns: vec![0; Self::n_columns(radius, n) * size_of::<SumColumn>() / 2 + LINE / 2],
            blurred: vec![[0; ROWS]; n.next_multiple_of(COLUMNS_MAX)],
        }
    }

    fn n_columns(radius: usize, n: usize) -> usize {
        // The pass down writes whole blocks, so their columns are rounded up. The first block begins up to `n_before`
        // columns in, because reflected columns precede the first held one.
        n_before(radius) + (LINE + n_before(radius) + n + radius + 2 * COLUMNS_MAX).next_multiple_of(BLOCK)
    }

    /// Number of bytes that a room takes.
    pub fn bytes(radius: usize, n: usize) -> usize {
        Self::n_columns(radius, n) * size_of::<SumColumn>() + LINE + ROWS * (2 * BLOCK + n + COLUMNS_MAX)
    }
}

/// Returns the part of `numbers` from the first cache line on. It is one line of numbers shorter than `numbers`.
#[inline(always)]
pub(super) fn aligned(numbers: &mut [u16]) -> &mut [u16] {
    // `align_offset` may give up and return `usize::MAX`. The minimum keeps `at` within the spare cache line.
    let (at, n) = (numbers.as_ptr().align_offset(LINE).min(LINE / 2), numbers.len() - LINE / 2);
    &mut numbers[at..][..n]
}
