//! The row step of `plain.rs` in AVX-512: the same arithmetic, step by step.
//!
//! Sixteen 32-bit lanes are one register, in their plain order. Products of 16-bit numbers come from `vpmaddwd`. In
//! each lane it adds two products: that of the lower 16 bits and that of the upper 16 bits. Where only one product is
//! wanted, one of the upper halves is 0. `v·a − q·b` uses both halves:
//!
//! ```text
//!   lane of 32 bits     upper 16     lower 16
//!   samples                 q            v
//!   change                 −b            a
//! ```

use std::arch::x86_64::*;

use super::{
    candidate::ColumnSums,
    lanes::{LANES, LaneSamples},
    reference::{ReferenceSums, WindowTerms},
    tile::REACH,
};
use crate::metrics::{K1, K2};

/// Sums over a window: `x` in 16 lanes of u16, `xx` and `xy` in 16 lanes of i32 each.
#[derive(Clone, Copy)]
struct Avx512Window {
    x: __m256i,
    xx: __m512i,
    xy: __m512i,
}

/// Same as `plain::take_row`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn take_row(
    columns: &mut [ColumnSums],
    new: &[LaneSamples],
    old: &[LaneSamples],
    reference: &ReferenceSums,
) -> [f32; LANES] {
    let zero = _mm512_setzero_si512();
    let mut window = Avx512Window { x: _mm256_setzero_si256(), xx: zero, xy: zero };
    let mut sums = _mm512_setzero_ps();
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
        sums = add_ssim(&window, windows, sums);
        leave(&columns[i], &mut window);
    }
    let mut lanes = [0f32; LANES];
    // SAFETY: sixteen lanes are the register; the store needs no alignment.
    unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), sums) };
    lanes
}

/// Same as `plain::squared_error_of_seven_rows`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn squared_error_of_seven_rows(columns: &[ColumnSums], reference: &ReferenceSums) -> [i32; LANES] {
    let mut sums = _mm512_setzero_si512();
    for ((column, squares), owned) in columns.iter().zip(&reference.squares).zip(&reference.owned_in_order) {
        let xy = load(&column.xy);
        let error = _mm512_sub_epi32(load(&column.xx), _mm512_add_epi32(xy, xy));
        let error = _mm512_add_epi32(error, load(squares));
        sums = _mm512_add_epi32(sums, _mm512_and_si512(error, load(owned)));
    }
    let mut lanes = [0; LANES];
    store(&mut lanes, sums);
    lanes
}

/// Brings a column to the current row and adds it to the window. `v` enters, `q` leaves.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn slide(
    column: &mut ColumnSums,
    new: &LaneSamples,
    old: &LaneSamples,
    change: &[[i16; 2]; LANES],
    window: &mut Avx512Window,
) {
    let (v, q) = (widen(new), widen(old));
    let d = _mm512_sub_epi32(v, q);
    let s = _mm512_add_epi32(v, q);
    let x = _mm256_add_epi16(load_u16(&column.x), _mm512_cvtepi32_epi16(d));
    store_u16(&mut column.x, x);
    window.x = _mm256_add_epi16(window.x, x);
    // (v − q)·(v + q): the upper 16 bits of v + q are 0.
    let xx = _mm512_add_epi32(load(&column.xx), _mm512_madd_epi16(d, s));
    store(&mut column.xx, xx);
    window.xx = _mm512_add_epi32(window.xx, xx);
    // Pairs (v, q) times pairs (a, −b): v·a − q·b.
    let pairs = _mm512_or_si512(v, _mm512_slli_epi32::<16>(q));
    let xy = _mm512_add_epi32(load(&column.xy), _mm512_madd_epi16(pairs, load_change(change)));
    store(&mut column.xy, xy);
    window.xy = _mm512_add_epi32(window.xy, xy);
}

/// Adds the SSIM of a complete window to each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn add_ssim(window: &Avx512Window, reference: &WindowTerms, sums: __m512) -> __m512 {
    let (k1, k2) = (_mm512_set1_ps(K1 as f32), _mm512_set1_ps(K2 as f32));
    let n = _mm512_set1_epi32(49);
    // Window sums are below 2¹⁵, so the upper 16 bits of each lane are 0 and their products add nothing.
    let x = _mm512_cvtepu16_epi32(window.x);
    let product = _mm512_madd_epi16(x, load(&reference.y));
    let square = _mm512_madd_epi16(x, x);
    let covariance = _mm512_sub_epi32(_mm512_mullo_epi32(window.xy, n), product);
    let variance = _mm512_sub_epi32(_mm512_mullo_epi32(window.xx, n), square);
    let a1 = _mm512_add_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(product, product)), k1);
    let a2 = _mm512_add_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(covariance, covariance)), k2);
    let b1 = _mm512_add_ps(_mm512_cvtepi32_ps(square), load_f32(&reference.mean_term));
    let b2 = _mm512_add_ps(_mm512_cvtepi32_ps(variance), load_f32(&reference.variance_term));
    let ssim = _mm512_div_ps(_mm512_mul_ps(a1, a2), _mm512_mul_ps(b1, b2));
    let exists = load_u32(&reference.exists);
    _mm512_add_ps(sums, _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(ssim), exists)))
}

/// Subtracts the first column of a window from its sums.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn leave(column: &ColumnSums, window: &mut Avx512Window) {
    window.x = _mm256_sub_epi16(window.x, load_u16(&column.x));
    window.xx = _mm512_sub_epi32(window.xx, load(&column.xx));
    window.xy = _mm512_sub_epi32(window.xy, load(&column.xy));
}

/// Returns sixteen samples as 32-bit lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn widen(samples: &LaneSamples) -> __m512i {
    // SAFETY: sixteen bytes are there; the load needs no alignment.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(samples.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &[i32; LANES]) -> __m512i {
    // SAFETY: sixteen lanes are the register; the load needs no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_u32(lanes: &[u32; LANES]) -> __m512i {
    // SAFETY: as above.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_f32(lanes: &[f32; LANES]) -> __m512 {
    // SAFETY: as above.
    unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_change(change: &[[i16; 2]; LANES]) -> __m512i {
    // SAFETY: sixteen pairs of 16 bits are the register; the load needs no alignment.
    unsafe { _mm512_loadu_si512(change.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut [i32; LANES], register: __m512i) {
    // SAFETY: sixteen lanes are the register; the store needs no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), register) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn load_u16(lanes: &[u16; LANES]) -> __m256i {
    // SAFETY: sixteen lanes of 16 bits are the register; the load needs no alignment.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn store_u16(lanes: &mut [u16; LANES], register: __m256i) {
    // SAFETY: as above.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), register) }
}
