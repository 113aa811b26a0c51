//! The row step in plain loops over sixteen lanes. The other levels must give its bits. CPUs without AVX2 run it.
//!
//! ```text
//!   j = 0 … 5     slide(column j)                                          the window fills
//!   j = 6 …       slide(column j), add_ssim(window j − 6), leave(column j − 6)
//! ```

use super::{
    candidate::ColumnSums,
    lanes::{LANES, LaneSamples},
    reference::{ReferenceSums, WindowTerms},
    tile::REACH,
};
use crate::metrics::{K1, K2};

/// Sums over the columns that have entered the window: seven of them when it is complete.
struct PlainWindow {
    x: [u16; LANES],
    xx: [i32; LANES],
    xy: [i32; LANES],
}

/// Brings `columns` to the next row: `new` enters, `old` leaves. Returns the sum of SSIM of each strip over the
/// windows that end in this row.
#[inline(always)]
pub(super) fn take_row(
    columns: &mut [ColumnSums],
    new: &[LaneSamples],
    old: &[LaneSamples],
    reference: &ReferenceSums,
) -> [f32; LANES] {
    // Whole numbers do not drift, so one window slides along the whole strip without a fresh sum.
    let mut window = PlainWindow { x: [0; LANES], xx: [0; LANES], xy: [0; LANES] };
    let mut sums = [0f32; LANES];
    // Six columns fill the window; from the seventh on, each one completes a window.
    for j in 0..REACH {
        slide(&mut columns[j], &new[j], &old[j], &reference.changes[j].0, &mut window);
    }
    for (i, windows) in reference.windows.iter().enumerate() {
        let j = i + REACH;
        slide(&mut columns[j], &new[j], &old[j], &reference.changes[j].0, &mut window);
        add_ssim(&window, windows, &mut sums);
        leave(&columns[i], &mut window);
    }
    sums
}

/// Returns, for each strip, the squared error of the last seven rows over the owned columns: Σx² − 2·Σxy + Σy².
#[inline(always)]
pub(super) fn squared_error_of_seven_rows(columns: &[ColumnSums], reference: &ReferenceSums) -> [i32; LANES] {
    let mut sums = [0; LANES];
    for ((column, squares), owned) in columns.iter().zip(&reference.squares).zip(&reference.owned_in_order) {
        for lane in 0..LANES {
            // A lane owns at most 54 columns of seven rows. Its sum is at most 54·7·255² < 2²⁵, so 32 bits are enough.
            sums[lane] += (column.xx[lane] - 2 * column.xy[lane] + squares[lane]) & owned[lane];
        }
    }
    sums
}

/// Brings a column to the current row and adds it to the window. `v` enters, `q` leaves.
///
/// The change of Σx² is `v² − q² = (v − q)·(v + q)`, one product instead of two. The change of Σxy is `v·a + q·(−b)`;
/// `a` and `b` are the reference's samples in the same rows. Other levels compute it as one product of pairs.
#[inline(always)]
fn slide(
    column: &mut ColumnSums,
    new: &LaneSamples,
    old: &LaneSamples,
    change: &[[i16; 2]; LANES],
    window: &mut PlainWindow,
) {
    for lane in 0..LANES {
        // `v − q` and `v + q` lie in −255 … 510, so 16 bits hold both.
        let (v, q) = (i16::from(new[lane]), i16::from(old[lane]));
        let [a, minus_b] = change[lane];
        // The sum already contains `q`, so the sum stays at least 0 and nothing wraps.
        column.x[lane] = column.x[lane].wrapping_add_signed(v - q);
        column.xx[lane] += i32::from(v - q) * i32::from(v + q);
        column.xy[lane] += i32::from(v) * i32::from(a) + i32::from(q) * i32::from(minus_b);
        window.x[lane] = window.x[lane].wrapping_add(column.x[lane]);
        window.xx[lane] += column.xx[lane];
        window.xy[lane] += column.xy[lane];
    }
}

/// Adds the SSIM of a complete window to each lane. Sums stay whole numbers up to the conversion to f32.
///
/// A window sum is at most 49·255 < 2¹⁵, so its square and 49 times a sum of products fit 32 bits. Windows that do not
/// exist are masked to +0.0, which needs no branch.
#[inline(always)]
fn add_ssim(window: &PlainWindow, reference: &WindowTerms, sums: &mut [f32; LANES]) {
    for (lane, sum) in sums.iter_mut().enumerate() {
        let s = i32::from(window.x[lane]);
        let (product, square) = (s * reference.y[lane], s * s);
        let a1 = (2 * product) as f32 + K1 as f32;
        // Whole numbers are subtracted before the conversion. An f32 above 2²⁴ does not hold every whole number, so the
        // difference would lose its low bits.
        let a2 = (2 * (49 * window.xy[lane] - product)) as f32 + K2 as f32;
        let b1 = square as f32 + reference.mean_term[lane];
        let b2 = (49 * window.xx[lane] - square) as f32 + reference.variance_term[lane];
        // By Cauchy and Schwarz 49·Sxx ≥ Sx². K1 and K2 are positive, so the divisor is never 0.
        let ssim = (a1 * a2) / (b1 * b2);
        *sum += f32::from_bits(ssim.to_bits() & reference.exists[lane]);
    }
}

/// Subtracts the first column of a window from its sums.
#[inline(always)]
fn leave(column: &ColumnSums, window: &mut PlainWindow) {
    for lane in 0..LANES {
        window.x[lane] = window.x[lane].wrapping_sub(column.x[lane]);
        window.xx[lane] -= column.xx[lane];
        window.xy[lane] -= column.xy[lane];
    }
}
