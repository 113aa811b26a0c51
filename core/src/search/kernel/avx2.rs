//! The row step of `plain.rs` in AVX2: the same arithmetic, step by step.
//!
//! Compilers keep the sums of a window in memory; here they stay in registers. The products for Σxy and for the terms
//! of SSIM come from `vpmaddwd`, which adds the products of two neighbours.
//!
//! A register has 16 lanes of 16 bits or 8 of 32 bits. Unpacking works within each half of a register, so two registers
//! of 32-bit numbers, `half` 0 and 1, hold the lanes in the order `LaneOrder::Swapped`:
//!
//! ```text
//!   16 bits:     0  1  2  3  4  5  6  7 |  8  9 10 11 12 13 14 15
//!   unpacklo:      0   1   2   3        |    8   9  10  11          register of half 0
//!   unpackhi:      4   5   6   7        |   12  13  14  15          register of half 1
//! ```
//!
//! All sums of 32 bits stay in that order. Only the sixteen sums of SSIM of a row are brought back.

use std::arch::x86_64::*;

use super::{
    candidate::ColumnSums,
    lanes::{LANES, LaneSamples},
    reference::{ReferenceSums, WindowTerms},
    tile::REACH,
};
use crate::metrics::{K1, K2};

/// Sums over a window: `x` in one register of 16 lanes of u16, `xx` and `xy` in two of 8 lanes of i32 each.
#[derive(Clone, Copy)]
struct Avx2Window {
    x: __m256i,
    xx: [__m256i; 2],
    xy: [__m256i; 2],
}

/// Same as `plain::take_row`; the results are in `LaneOrder::Swapped`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn take_row(
    columns: &mut [ColumnSums],
    new: &[LaneSamples],
    old: &[LaneSamples],
    reference: &ReferenceSums,
) -> [f32; LANES] {
    let zero = _mm256_setzero_si256();
    let mut window = Avx2Window { x: zero, xx: [zero; 2], xy: [zero; 2] };
    let mut sums = [_mm256_setzero_ps(); 2];
    // Six columns fill the window; from the seventh on, each one completes a window.
    for j in 0..REACH {
        slide(&mut columns[j], &new[j], &old[j], &reference.changes[j].0, &mut window);
    }
    // Slices cut to the length of the loop let the compiler drop its bounds checks.
    let n = reference.windows.len();
    let (new, old) = (&new[REACH..][..n], &old[REACH..][..n]);
    let changes = &reference.changes[REACH..][..n];
    let columns = &mut columns[..n + REACH];
    for (i, windows) in reference.windows.iter().enumerate() {
        slide(&mut columns[i + REACH], &new[i], &old[i], &changes[i].0, &mut window);
        add_ssim(&window, windows, &mut sums);
        leave(&columns[i], &mut window);
    }
    let mut lanes = [0f32; LANES];
    for (half, sum) in sums.into_iter().enumerate() {
        store_f32(&mut lanes, half, sum);
    }
    lanes
}

/// Same as `plain::squared_error_of_seven_rows`; the results are in `LaneOrder::Swapped`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn squared_error_of_seven_rows(columns: &[ColumnSums], reference: &ReferenceSums) -> [i32; LANES] {
    let mut sums = [_mm256_setzero_si256(); 2];
    for ((column, squares), owned) in columns.iter().zip(&reference.squares).zip(&reference.owned_in_order) {
        for (half, sum) in sums.iter_mut().enumerate() {
            let xy = load_i32(&column.xy, half);
            let error = _mm256_sub_epi32(load_i32(&column.xx, half), _mm256_add_epi32(xy, xy));
            let error = _mm256_add_epi32(error, load_i32(squares, half));
            *sum = _mm256_add_epi32(*sum, _mm256_and_si256(error, load_i32(owned, half)));
        }
    }
    let mut lanes = [0; LANES];
    for (half, sum) in sums.into_iter().enumerate() {
        store_i32(&mut lanes, half, sum);
    }
    lanes
}

/// Brings a column to the current row and adds it to the window. `v` enters, `q` leaves.
#[inline]
#[target_feature(enable = "avx2")]
fn slide(
    column: &mut ColumnSums,
    new: &LaneSamples,
    old: &LaneSamples,
    change: &[[i16; 2]; LANES],
    window: &mut Avx2Window,
) {
    let (v, q) = (widen(new), widen(old));
    let d = _mm256_sub_epi16(v, q);
    let s = _mm256_add_epi16(v, q);
    let x = _mm256_add_epi16(load_u16(&column.x), d);
    store_u16(&mut column.x, x);
    window.x = _mm256_add_epi16(window.x, x);
    // (v − q)·(v + q) in 32 bits: low and high 16 bits of the products, interleaved.
    let (low, high) = (_mm256_mullo_epi16(d, s), _mm256_mulhi_epi16(d, s));
    let squares = [_mm256_unpacklo_epi16(low, high), _mm256_unpackhi_epi16(low, high)];
    let pairs = [_mm256_unpacklo_epi16(v, q), _mm256_unpackhi_epi16(v, q)];
    for half in 0..2 {
        let xx = _mm256_add_epi32(load_i32(&column.xx, half), squares[half]);
        store_i32(&mut column.xx, half, xx);
        window.xx[half] = _mm256_add_epi32(window.xx[half], xx);
        // Pairs (v, q) times pairs (a, −b): v·a − q·b.
        let products = _mm256_madd_epi16(pairs[half], load_change(change, half));
        let xy = _mm256_add_epi32(load_i32(&column.xy, half), products);
        store_i32(&mut column.xy, half, xy);
        window.xy[half] = _mm256_add_epi32(window.xy[half], xy);
    }
}

/// Adds the SSIM of a complete window to each lane.
#[inline]
#[target_feature(enable = "avx2")]
fn add_ssim(window: &Avx2Window, reference: &WindowTerms, sums: &mut [__m256; 2]) {
    let zero = _mm256_setzero_si256();
    let (k1, k2) = (_mm256_set1_ps(K1 as f32), _mm256_set1_ps(K2 as f32));
    let n = _mm256_set1_epi32(49);
    let x = [_mm256_unpacklo_epi16(window.x, zero), _mm256_unpackhi_epi16(window.x, zero)];
    for half in 0..2 {
        // Window sums are below 2¹⁵, so the upper 16 bits of each lane are 0 and their products add nothing.
        let product = _mm256_madd_epi16(x[half], load_i32(&reference.y, half));
        let square = _mm256_madd_epi16(x[half], x[half]);
        let covariance = _mm256_sub_epi32(_mm256_mullo_epi32(window.xy[half], n), product);
        let variance = _mm256_sub_epi32(_mm256_mullo_epi32(window.xx[half], n), square);
        let a1 = _mm256_add_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(product, product)), k1);
        let a2 = _mm256_add_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(covariance, covariance)), k2);
        let b1 = _mm256_add_ps(_mm256_cvtepi32_ps(square), load_f32(&reference.mean_term, half));
        let b2 = _mm256_add_ps(_mm256_cvtepi32_ps(variance), load_f32(&reference.variance_term, half));
        let ssim = _mm256_div_ps(_mm256_mul_ps(a1, a2), _mm256_mul_ps(b1, b2));
        let exists = _mm256_castsi256_ps(load_u32(&reference.exists, half));
        sums[half] = _mm256_add_ps(sums[half], _mm256_and_ps(ssim, exists));
    }
}

/// Subtracts the first column of a window from its sums.
#[inline]
#[target_feature(enable = "avx2")]
fn leave(column: &ColumnSums, window: &mut Avx2Window) {
    window.x = _mm256_sub_epi16(window.x, load_u16(&column.x));
    for half in 0..2 {
        window.xx[half] = _mm256_sub_epi32(window.xx[half], load_i32(&column.xx, half));
        window.xy[half] = _mm256_sub_epi32(window.xy[half], load_i32(&column.xy, half));
    }
}

/// Returns sixteen samples as 16-bit lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(samples: &LaneSamples) -> __m256i {
    // SAFETY: sixteen bytes are there; the load needs no alignment.
    _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(samples.as_ptr().cast()) })
}

/// Defines a load and a store of half of sixteen lanes. Neither needs alignment, and each checks the bounds first.
macro_rules! moves {
    ($load:ident, $store:ident, $number:ty, $register:ty, $lanes:literal, $read:ident, $write:ident) => {
        #[inline]
        #[target_feature(enable = "avx2")]
        #[allow(dead_code)]
        fn $load(lanes: &[$number; LANES], half: usize) -> $register {
            let part: &[$number; $lanes] = lanes[half * $lanes..].first_chunk().expect("two halves");
            // SAFETY: the part is as long as the register.
            unsafe { $read(part.as_ptr().cast()) }
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        #[allow(dead_code)]
        fn $store(lanes: &mut [$number; LANES], half: usize, register: $register) {
            let part: &mut [$number; $lanes] = lanes[half * $lanes..].first_chunk_mut().expect("two halves");
            // SAFETY: the part is as long as the register.
            unsafe { $write(part.as_mut_ptr().cast(), register) }
        }
    };
}

moves!(load_i32, store_i32, i32, __m256i, 8, _mm256_loadu_si256, _mm256_storeu_si256);
moves!(load_u32, store_u32, u32, __m256i, 8, _mm256_loadu_si256, _mm256_storeu_si256);
moves!(load_f32, store_f32, f32, __m256, 8, _mm256_loadu_ps, _mm256_storeu_ps);

#[inline]
#[target_feature(enable = "avx2")]
fn load_u16(lanes: &[u16; LANES]) -> __m256i {
    // SAFETY: sixteen lanes of 16 bits are 32 bytes.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_u16(lanes: &mut [u16; LANES], register: __m256i) {
    // SAFETY: as above.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), register) }
}

/// Returns the pairs of eight lanes in `LaneOrder::Swapped`: 0–3 and 8–11 for half 0, 4–7 and 12–15 for half 1.
#[inline]
#[target_feature(enable = "avx2")]
fn load_change(change: &[[i16; 2]; LANES], half: usize) -> __m256i {
    let part: &[[i16; 2]; 8] = change[half * 8..].first_chunk().expect("two halves");
    // SAFETY: eight pairs of 16 bits are 32 bytes.
    unsafe { _mm256_loadu_si256(part.as_ptr().cast()) }
}
