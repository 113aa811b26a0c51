//! Rows into columns and back, between the pass down and the pass across. This is the plain form; `transpose_avx2` is what
//! x86-64 runs.

use super::{ROWS, across::Column, down::BLOCK};

/// The columns of sixteen rows of sums.
pub fn into_columns(rows: &[[u16; BLOCK]; ROWS], columns: &mut [Column; BLOCK]) {
    for (j, column) in columns.iter_mut().enumerate() {
        let (high, whole) = column.split_at_mut(ROWS);
        for ((high, whole), row) in high.iter_mut().zip(whole).zip(rows) {
            (*high, *whole) = (row[j] >> 8, row[j]);
        }
    }
}

/// Sixteen rows as sixteen strips that begin `strip` columns apart and lie side by side: in row `r` of `out`, sample `lane` of
/// element `j` is row `r` of column `lane · strip + j`. The rows of `out` are `n` elements each, at least 2.
pub fn into_strips(columns: &[[u8; ROWS]], strip: usize, n: usize, out: &mut [[u8; 16]]) {
    for (r, out) in out.chunks_exact_mut(n).enumerate() {
        for (j, out) in out.iter_mut().enumerate() {
            for (lane, v) in out.iter_mut().enumerate() {
                *v = columns[lane * strip + j][r];
            }
        }
    }
}
