//! The transposes of `transpose` in AVX2. From the plain form compilers make single loads and stores, ten times as many
//! instructions (`benches/search.rs`).
//!
//! A round of unpacking reads registers `i` and `i + n/2` of `n` and writes registers `2·i` and `2·i + 1`. The place of
//! a number is the bits of its register, followed by the bits of its lane. One round rotates these bits by one place:
//!
//! ```text
//! eight registers of eight lanes     register r2 r1 r0   lane c2 c1 c0      row r, column c
//! unpacklo/hi(all[i], all[i + 4])    register r1 r0 c2   lane c1 c0 r2
//! after three rounds                 register c2 c1 c0   lane r2 r1 r0      column c, row r: transposed
//! ```
//!
//! Three rounds transpose 8 × 8 numbers, four rounds 16 × 16. AVX2 unpacks within halves of 128 bits. So the lower
//! halves of the registers are one matrix and the upper halves another, and both are transposed at once.

use std::arch::x86_64::*;

use super::{across::SumColumn, down::BLOCK, sizes::ROWS};

/// Same as `transpose::into_columns`. The lower halves of the registers hold rows 0 to 7, the upper halves rows 8 to 15.
#[inline]
#[target_feature(enable = "avx2")]
pub fn into_columns(rows: &[[u16; BLOCK]; ROWS], columns: &mut [SumColumn; BLOCK]) {
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

/// Same as `transpose::into_strips`. The lower halves of the registers hold element `j` of sixteen strips, the upper
/// halves element `j + 1`. After four rounds a register is a row.
#[inline]
#[target_feature(enable = "avx2")]
pub fn into_strips(columns: &[[u8; ROWS]], strip: usize, n: usize, out: &mut [[u8; 16]]) {
    // Two elements at a time. If `n` is odd, the last turn begins one element earlier and writes one again.
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
