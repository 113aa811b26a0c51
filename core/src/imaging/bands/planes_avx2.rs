//! The two passes of `planes.rs` in AVX2, in the same whole numbers.
//!
//! A pass multiplies two bytes, at equal distances before and after the centre, by one tap and adds the products. One
//! instruction, `vpmaddubsw`, does so for neighbouring bytes, so the bytes are interleaved first. A register has 2
//! parts of 128 bits; interleaving and packing stay within a part, and packing restores the order:
//!
//! ```text
//! u (before), 128 bits      u0 u1 … u7 | u8 … u15
//! v (after)                 v0 v1 … v7 | v8 … v15
//! unpacklo(u, v)            u0 v0 u1 v1 … u7 v7          unpackhi(u, v)   u8 v8 … u15 v15
//! maddubs by the tap        s0 s1 … s7   (16 bits)                        s8 … s15
//! packus(>> 8 of both)      h0 h1 … h7 | h8 … h15        the high bytes, in the order of u and v
//! ```
//!
//! `vpmaddubsw` has signed 16-bit results: `2 · 255 · tap` fits for taps up to 64. The centre tap may be larger, but it
//! weights only one byte: `vpmullw` multiplies both in unsigned 16 bits. Additions wrap, and the sums stay below 2¹⁶.

use std::arch::x86_64::*;

use super::planes::{BLOCK, Planes, WeightedRows};

/// Samples in a register.
const LANES: usize = 32;
/// Registers of a block.
const N: usize = BLOCK / LANES;
/// Largest outer tap: two bytes times this fit into 16 bits with a sign. Outer taps of a Gaussian are at most 62.
const TAP_MAX: u16 = 64;

/// Same as [`Planes::down`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn down(planes: &mut Planes, rows: WeightedRows, n: usize) {
    let WeightedRows { ring, pairs, taps } = rows;
    let byte = _mm256_set1_epi16(255);
    for at in (0..n).step_by(BLOCK) {
        let (low, high) = sums(taps, |k| pairs[k].map(|start| block(ring, start + at)));
        let (mut upper, mut lower) = (low, low);
        for i in 0..N {
            upper[i] = _mm256_packus_epi16(_mm256_srli_epi16::<8>(low[i]), _mm256_srli_epi16::<8>(high[i]));
            lower[i] = _mm256_packus_epi16(_mm256_and_si256(low[i], byte), _mm256_and_si256(high[i], byte));
        }
        store(&mut planes.high, at, upper);
        store(&mut planes.low, at, lower);
    }
}

/// Same as [`Planes::across`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn across(planes: &Planes, step: usize, taps: &[u16], blurred: &mut [u8]) {
    let half = _mm256_set1_epi16(128);
    let centre = (taps.len() - 1) * step;
    for at in (0..blurred.len()).step_by(BLOCK) {
        let about = centre + at;
        let pair = |plane, k| [block(plane, about - k * step), block(plane, about + k * step)];
        let upper = sums(taps, |k| pair(&planes.high, k));
        let lower = sums(taps, |k| pair(&planes.low, k));
        // (A + 128 + (B >> 8)) >> 8, see `planes.rs`.
        let rounded = |upper, lower| {
            let carried = _mm256_add_epi16(half, _mm256_srli_epi16::<8>(lower));
            _mm256_srli_epi16::<8>(_mm256_add_epi16(upper, carried))
        };
        let mut out = upper.0;
        for (i, out) in out.iter_mut().enumerate() {
            *out = _mm256_packus_epi16(rounded(upper.0[i], lower.0[i]), rounded(upper.1[i], lower.1[i]));
        }
        store(blurred, at, out);
    }
}

/// Adds the two samples at each distance and weights their sum. Returns the 16-bit sums of the lower halves of the
/// registers' parts (`s0…s7` above), and those of the upper halves (`s8…s15`).
#[inline]
#[target_feature(enable = "avx2")]
fn sums<'a>(taps: &[u16], pair: impl Fn(usize) -> [&'a [u8; BLOCK]; 2]) -> ([__m256i; N], [__m256i; N]) {
    let zero = _mm256_setzero_si256();
    let ([centre, _], tap) = (pair(0), _mm256_set1_epi16(taps[0] as i16));
    let (mut low, mut high) = ([zero; N], [zero; N]);
    // Interleaving with zeros widens the centre bytes to 16 bits.
    for i in 0..N {
        let v = load(centre, i);
        low[i] = _mm256_mullo_epi16(_mm256_unpacklo_epi8(v, zero), tap);
        high[i] = _mm256_mullo_epi16(_mm256_unpackhi_epi8(v, zero), tap);
    }
    for (k, &tap) in taps.iter().enumerate().skip(1) {
        debug_assert!(tap <= TAP_MAX, "an outer tap of {tap}");
        let ([before, after], tap) = (pair(k), _mm256_set1_epi8(tap as i8));
        for i in 0..N {
            let (u, v) = (load(before, i), load(after, i));
            low[i] = _mm256_add_epi16(low[i], _mm256_maddubs_epi16(_mm256_unpacklo_epi8(u, v), tap));
            high[i] = _mm256_add_epi16(high[i], _mm256_maddubs_epi16(_mm256_unpackhi_epi8(u, v), tap));
        }
    }
    (low, high)
}

fn block(samples: &[u8], at: usize) -> &[u8; BLOCK] {
    samples[at..].first_chunk().expect("rings and planes have room for a block more")
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &[u8; BLOCK], i: usize) -> __m256i {
    let lanes: &[u8; LANES] = block[i * LANES..].first_chunk().expect("a register of the block");
    // SAFETY: the lanes are the register; the load needs no alignment.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(samples: &mut [u8], at: usize, registers: [__m256i; N]) {
    let block: &mut [u8; BLOCK] = samples[at..].first_chunk_mut().expect("planes have room for a block more");
    for (lanes, register) in block.as_chunks_mut::<LANES>().0.iter_mut().zip(registers) {
        // SAFETY: the lanes are the register; the store needs no alignment.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), register) }
    }
}
