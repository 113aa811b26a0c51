//! `transpose` in AVX2: unpacking the halves of registers four times, three times where a register holds two rows' halves.
//! Compilers make single loads and stores of the plain form, ten times as many instructions (`benches/search.rs`).

use std::arch::x86_64::*;

use super::{ROWS, across::Column, down::BLOCK};

/// See `transpose::into_columns`.
#[inline]
#[target_feature(enable = "avx2")]
pub fn into_columns(rows: &[[u16; BLOCK]; ROWS], columns: &mut [Column; BLOCK]) {
    for (g, columns) in columns.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut all = [_mm256_setzero_si256(); 8];
        for (r, both) in all.iter_mut().enumerate() {
            let [upper, lower] = [r, r + 8].map(|r| load_half(rows[r].as_chunks().0, g));
            *both = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(upper), lower);
        }
        for _ in 0..3 {
            let before = all;
            for i in 0..4 {
                all[2 * i] = _mm256_unpacklo_epi16(before[i], before[i + 4]);
                all[2 * i + 1] = _mm256_unpackhi_epi16(before[i], before[i + 4]);
            }
        }
        for (column, &whole) in columns.iter_mut().zip(&all) {
            let [high_half, whole_half] = column.as_chunks_mut::<16>().0 else { continue };
            store_u16(high_half, _mm256_srli_epi16::<8>(whole));
            store_u16(whole_half, whole);
        }
    }
}

/// See `transpose::into_strips`.
#[inline]
#[target_feature(enable = "avx2")]
pub fn into_strips(columns: &[[u8; ROWS]], strip: usize, n: usize, out: &mut [[u8; 16]]) {
    // Two elements at a time; the last two once more if their number is odd.
    for j in (0..n - 1).step_by(2).chain((n % 2 == 1).then_some(n - 2)) {
        let mut all = [_mm256_setzero_si256(); 16];
        for (lane, both) in all.iter_mut().enumerate() {
            *both = load(&columns[lane * strip + j..]);
        }
        for _ in 0..4 {
            let before = all;
            for i in 0..8 {
                all[2 * i] = _mm256_unpacklo_epi8(before[i], before[i + 8]);
                all[2 * i + 1] = _mm256_unpackhi_epi8(before[i], before[i + 8]);
            }
        }
        for (out, &both) in out.chunks_exact_mut(n).zip(&all) {
            store(&mut out[j..], both);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half(row: &[[u16; 8]], i: usize) -> __m128i {
    let lanes: &[u16; 8] = &row[i];
    // SAFETY: the lanes are the register; the load needs no alignment.
    unsafe { _mm_loadu_si128(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_u16(lanes: &mut [u16; 16], register: __m256i) {
    // SAFETY: the lanes are the register; the store needs no alignment.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), register) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(columns: &[[u8; 16]]) -> __m256i {
    let lanes: &[[u8; 16]; 2] = columns.first_chunk().expect("two columns");
    // SAFETY: the lanes are the register; the load needs no alignment.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(out: &mut [[u8; 16]], register: __m256i) {
    let lanes: &mut [[u8; 16]; 2] = out.first_chunk_mut().expect("two elements");
    // SAFETY: the lanes are the register; the store needs no alignment.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), register) }
}
