//! Transposes rows into columns and back, between the passes down and across. This is the plain form; x86-64 with AVX2
//! runs `transpose_avx2`.

use super::{across::SumColumn, down::BLOCK, sizes::ROWS};

/// Writes the columns of sixteen rows of sums. Each column has the high bytes first and then the whole sums.
pub fn into_columns(rows: &[[u16; BLOCK]; ROWS], columns: &mut [SumColumn; BLOCK]) {
    for (j, column) in columns.iter_mut().enumerate() {
        let (high, whole) = column.split_at_mut(ROWS);
        for ((high, whole), row) in high.iter_mut().zip(whole).zip(rows) {
            (*high, *whole) = (row[j] >> 8, row[j]);
        }
    }
}

/// Writes sixteen rows as strips. A row is cut into sixteen strips that begin `strip` columns apart and may overlap.
/// Element `j` of a row of `out` has sample `j` of all sixteen strips:
///
/// ```text
/// row r of the picture     |── strip 0 ──|── strip 1 ──| … |── strip 15 ──|
/// row r of out, element j    lane k holds the sample of column k·strip + j
/// ```
///
/// Each row of `out` has `n` elements, at least 2.
pub fn into_strips(columns: &[[u8; ROWS]], strip: usize, n: usize, out: &mut [[u8; 16]]) {
    for (r, out) in out.chunks_exact_mut(n).enumerate() {
        for (j, out) in out.iter_mut().enumerate() {
            for (lane, v) in out.iter_mut().enumerate() {
                *v = columns[lane * strip + j][r];
            }
        }
    }
}
