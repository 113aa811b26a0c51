//! The row step in plain loops over sixteen lanes: the truth of the other levels, and what every other CPU gets.

use super::{Column, LANES, REACH, Reference, Samples, Windows};
use crate::metrics::{K1, K2};

/// Sums over a window, or over the columns of one that is not complete yet.
struct Window {
    x: [u16; LANES],
    xx: [i32; LANES],
    xy: [i32; LANES],
}

#[inline(always)]
pub(super) fn take_row(
    columns: &mut [Column],
    new: &[Samples],
    old: &[Samples],
    reference: &Reference,
) -> [f32; LANES] {
    let mut window = Window { x: [0; LANES], xx: [0; LANES], xy: [0; LANES] };
    let mut sums = [0f32; LANES];
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

/// Squared differences of the last seven rows of each strip, over the owned columns.
#[inline(always)]
pub(super) fn squared_error_of_seven_rows(columns: &[Column], reference: &Reference) -> [i32; LANES] {
    let mut sums = [0; LANES];
    for ((column, squares), owned) in columns.iter().zip(&reference.squares).zip(&reference.owned_in_order) {
        for lane in 0..LANES {
            sums[lane] += (column.xx[lane] - 2 * column.xy[lane] + squares[lane]) & owned[lane];
        }
    }
    sums
}

/// Brings a column to the current row and takes it into the window.
#[inline(always)]
fn slide(column: &mut Column, new: &Samples, old: &Samples, change: &[[i16; 2]; LANES], window: &mut Window) {
    for lane in 0..LANES {
        let (v, q) = (i16::from(new[lane]), i16::from(old[lane]));
        let [a, minus_b] = change[lane];
        column.x[lane] = column.x[lane].wrapping_add_signed(v - q);
        column.xx[lane] += i32::from(v - q) * i32::from(v + q);
        column.xy[lane] += i32::from(v) * i32::from(a) + i32::from(q) * i32::from(minus_b);
        window.x[lane] = window.x[lane].wrapping_add(column.x[lane]);
        window.xx[lane] += column.xx[lane];
        window.xy[lane] += column.xy[lane];
    }
}

/// Adds the SSIM of a complete window to each lane: whole numbers up to the conversion to f32.
#[inline(always)]
fn add_ssim(window: &Window, reference: &Windows, sums: &mut [f32; LANES]) {
    for (lane, sum) in sums.iter_mut().enumerate() {
        let s = i32::from(window.x[lane]);
        let (product, square) = (s * reference.y[lane], s * s);
        let a1 = (2 * product) as f32 + K1 as f32;
        let a2 = (2 * (49 * window.xy[lane] - product)) as f32 + K2 as f32;
        let b1 = square as f32 + reference.mean_term[lane];
        let b2 = (49 * window.xx[lane] - square) as f32 + reference.variance_term[lane];
        let ssim = (a1 * a2) / (b1 * b2);
        *sum += f32::from_bits(ssim.to_bits() & reference.exists[lane]);
    }
}

/// Takes the first column of a window out of it.
#[inline(always)]
fn leave(column: &Column, window: &mut Window) {
    for lane in 0..LANES {
        window.x[lane] = window.x[lane].wrapping_sub(column.x[lane]);
        window.xx[lane] -= column.xx[lane];
        window.xy[lane] -= column.xy[lane];
    }
}
