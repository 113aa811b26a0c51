//! The pass of a wide blur across the sums of the rows, in columns of sixteen rows.
//!
//! The sums `v = 256·h + l` have 16 bits, so their weighted sums would need 24. Two sums in 16 bits replace them:
//!
//! ```text
//! A = Σ tap·h            at most 256·255, exact
//! W = Σ tap·v mod 2¹⁶    wraps
//! B = Σ tap·l = W − 256·A mod 2¹⁶    exact, as B is at most 256·255 too
//! ```
//!
//! So a column holds `h` and `v`, and `l` is never computed. The sums of `N` numbers, two to eight columns, stay in
//! registers together:
//!
//! ```text
//! N = 128    h0…h15 v0…v15 | h0…h15 v0…v15 | h0…h15 v0…v15 | h0…h15 v0…v15
//!            column c        column c + 1    column c + 2    column c + 3
//! ```

use super::{
    sizes::ROWS,
    slide::{Offsets, Slide},
};

/// One column of the sums of sixteen rows: first their high bytes, then the whole sums.
pub type SumColumn = [u16; COLUMN];
/// Numbers of a column.
const COLUMN: usize = 2 * ROWS;

/// The samples that the pass adds and takes away.
#[derive(Clone, Debug)]
pub struct Across {
    /// Places of the single taps, steps and slopes, see [`Slide::offsets`].
    offsets: [Offsets; 3],
    /// Taps of the first running sums, see [`Slide::first_taps`].
    first_taps: [Vec<u16>; 2],
    has_slopes: bool,
}

impl Across {
    /// The pass for the split taps of a blur.
    pub fn new(slide: &Slide) -> Self {
        Self {
            offsets: slide.offsets(COLUMN),
            first_taps: slide.first_taps(),
            has_slopes: slide.has_slopes(),
        }
    }

    /// Blurs the `columns`, which begin `n_before` columns before the first one of `out`. The length of `out` is
    /// rounded up to a multiple of the columns that `N` numbers hold. `columns` must be as much longer.
    #[inline(always)]
    pub fn blur<const N: usize>(&self, columns: &[SumColumn], out: &mut [[u8; ROWS]]) {
        let [odd, steps, slopes] = &self.offsets;
        let [mut smooth, mut gains] = [[0; COLUMN]; 2];
        for (sums, taps) in [&mut smooth, &mut gains].into_iter().zip(&self.first_taps) {
            for (column, &tap) in columns.iter().zip(taps) {
                for (sum, v) in sums.iter_mut().zip(column) {
                    *sum = v.wrapping_mul(tap).wrapping_add(*sum);
                }
            }
        }
        // `smooth` is S and `gains` is G of `slide`, for one column after the other. Single taps complete a window's
        // sum, but do not enter S or G.
        let columns = columns.as_flattened();
        // Callers pass a multiple of eight columns, so no column remains for any `N`.
        for (i, out) in out.chunks_exact_mut(N / COLUMN).enumerate() {
            let columns = &columns[i * N..];
            let mut sums = [0; N];
            if self.has_slopes {
                sums = changed(sums, slopes, columns);
                add_up(&mut gains, &mut sums);
            }
            // `sums` now holds the G of each column. A running sum of G and the steps is S.
            sums = changed(sums, steps, columns);
            add_up(&mut smooth, &mut sums);
            sums = changed(sums, odd, columns);
            for (out, sums) in out.iter_mut().zip(sums.as_chunks::<COLUMN>().0) {
                *out = rounded(sums);
            }
        }
    }
}

/// Returns the sums with the columns at these places added or taken away.
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

/// Makes running sums: adds `sum` to the first column, and to each other column the one before it. Then copies the last
/// column to `sum`.
#[inline(always)]
fn add_up<const N: usize>(sum: &mut SumColumn, columns: &mut [u16; N]) {
    for i in 0..COLUMN {
        columns[i] = columns[i].wrapping_add(sum[i]);
    }
    // Each column needs its left neighbour. So only this addition goes column by column, after all samples are added.
    for i in COLUMN..N {
        columns[i] = columns[i].wrapping_add(columns[i - COLUMN]);
    }
    sum.copy_from_slice(&columns[N - COLUMN..]);
}

/// Returns the blurred samples, `(A + 128 + (B >> 8)) >> 8` (see `imaging::bands`, `planes.rs`).
#[inline(always)]
fn rounded(sums: &SumColumn) -> [u8; ROWS] {
    let mut out = [0; ROWS];
    for i in 0..ROWS {
        let (high, whole) = (sums[i], sums[ROWS + i]);
        let low = whole.wrapping_sub(high << 8);
        // Rows after those to blur hold arbitrary numbers, so the addition may wrap.
        out[i] = (high.wrapping_add(128 + (low >> 8)) >> 8) as u8;
    }
    out
}
