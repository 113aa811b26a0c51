//! The pass of a wide blur across the sums down the rows, in columns of sixteen rows.
//!
//! The sums have 16 bits and so would need 24. Their high bytes are summed by themselves, which takes 16 bits, and the sums
//! themselves wrap: what those are less the high part is the low bytes' sum, again below 2¹⁶.

use super::{
    ROWS,
    slide::{Offsets, Slide},
};

/// Of the sums of sixteen rows first the high bytes, then all of them.
pub type Column = [u16; COLUMN];
/// Numbers of a column.
const COLUMN: usize = 2 * ROWS;

/// What the pass adds up.
#[derive(Clone, Debug)]
pub struct Across {
    /// See [`Slide::offsets`].
    offsets: [Offsets; 3],
    first_taps: [Vec<u16>; 2],
    has_slopes: bool,
}

impl Across {
    /// Of a blur's split taps.
    pub fn new(slide: &Slide) -> Self {
        Self {
            offsets: slide.offsets(COLUMN),
            first_taps: slide.first_taps(),
            has_slopes: slide.has_slopes(),
        }
    }

    /// Blurs the `columns`, which begin `n_before` the first of `out`. Sums of as many columns as `N` numbers hold stay in
    /// registers together; `out` is a multiple of them, and as many columns more than are blurred must be there.
    #[inline(always)]
    pub fn blur<const N: usize>(&self, columns: &[Column], out: &mut [[u8; ROWS]]) {
        let [odd, steps, slopes] = &self.offsets;
        let [mut smooth, mut gains] = [[0; COLUMN]; 2];
        for (sums, taps) in [&mut smooth, &mut gains].into_iter().zip(&self.first_taps) {
            for (column, &tap) in columns.iter().zip(taps) {
                for (sum, v) in sums.iter_mut().zip(column) {
                    *sum = v.wrapping_mul(tap).wrapping_add(*sum);
                }
            }
        }
        let columns = columns.as_flattened();
        for (i, out) in out.chunks_exact_mut(N / COLUMN).enumerate() {
            let columns = &columns[i * N..];
            let mut sums = [0; N];
            if self.has_slopes {
                sums = changed(sums, slopes, columns);
                add_up(&mut gains, &mut sums);
            }
            sums = changed(sums, steps, columns);
            add_up(&mut smooth, &mut sums);
            sums = changed(sums, odd, columns);
            for (out, sums) in out.iter_mut().zip(sums.as_chunks::<COLUMN>().0) {
                *out = rounded(sums);
            }
        }
    }
}

/// With the columns at these places added or taken away.
#[inline(always)]
fn changed<const N: usize>(mut sums: [u16; N], offsets: &Offsets, columns: &[u16]) -> [u16; N] {
    for &at in &offsets.plus {
        let columns = &columns[at..][..N];
        for i in 0..N {
            sums[i] = sums[i].wrapping_add(columns[i]);
        }
    }
    for &at in &offsets.minus {
        let columns = &columns[at..][..N];
        for i in 0..N {
            sums[i] = sums[i].wrapping_sub(columns[i]);
        }
    }
    sums
}

/// Adds up column by column, and goes on with `sum` next time.
#[inline(always)]
fn add_up<const N: usize>(sum: &mut Column, columns: &mut [u16; N]) {
    for i in 0..COLUMN {
        columns[i] = columns[i].wrapping_add(sum[i]);
    }
    for i in COLUMN..N {
        columns[i] = columns[i].wrapping_add(columns[i - COLUMN]);
    }
    sum.copy_from_slice(&columns[N - COLUMN..]);
}

/// The blurred samples, see `imaging::bands`.
#[inline(always)]
fn rounded(sums: &Column) -> [u8; ROWS] {
    let mut out = [0; ROWS];
    for i in 0..ROWS {
        let (high, whole) = (sums[i], sums[ROWS + i]);
        let low = whole.wrapping_sub(high << 8);
        // Rows that were not asked for mean nothing and wrap.
        out[i] = (high.wrapping_add(128 + (low >> 8)) >> 8) as u8;
    }
    out
}
