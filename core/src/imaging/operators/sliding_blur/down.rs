//! The pass of a wide blur down the rows of bytes.
//!
//! Bytes are added two by two as numbers of 16 bits that wrap, and the odd ones once more by themselves: their difference
//! is the even ones, and nothing has to be widened.

use super::{
    ROWS,
    slide::{Offsets, Slide},
};

/// Bytes of a row whose sums stay in registers together.
pub const BLOCK: usize = 128;

/// Sums of the bytes of a block, which wrap.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Sums {
    /// Of the bytes two by two, `even + 256·odd`.
    pairs: [u16; BLOCK / 2],
    odd: [u16; BLOCK / 2],
}

impl Sums {
    const ZERO: Self = Self { pairs: [0; BLOCK / 2], odd: [0; BLOCK / 2] };

    /// With the blocks at these places added or taken away.
    #[inline(always)]
    fn changed(self, offsets: &Offsets, rows: &[u8]) -> Self {
        let Self { mut pairs, mut odd } = self;
        for &at in &offsets.plus {
            let block = &rows[at..][..BLOCK].as_chunks().0[..BLOCK / 2];
            for i in 0..BLOCK / 2 {
                let pair = u16::from_le_bytes(block[i]);
                pairs[i] = pairs[i].wrapping_add(pair);
                odd[i] = odd[i].wrapping_add(pair >> 8);
            }
        }
        for &at in &offsets.minus {
            let block = &rows[at..][..BLOCK].as_chunks().0[..BLOCK / 2];
            for i in 0..BLOCK / 2 {
                let pair = u16::from_le_bytes(block[i]);
                pairs[i] = pairs[i].wrapping_sub(pair);
                odd[i] = odd[i].wrapping_sub(pair >> 8);
            }
        }
        Self { pairs, odd }
    }

    #[inline(always)]
    fn add_times(&mut self, tap: u16, block: &[[u8; 2]]) {
        for ((pairs, odd), &pair) in self.pairs.iter_mut().zip(&mut self.odd).zip(block) {
            let pair = u16::from_le_bytes(pair);
            *pairs = pairs.wrapping_add(pair.wrapping_mul(tap));
            *odd = odd.wrapping_add((pair >> 8).wrapping_mul(tap));
        }
    }

    #[inline(always)]
    fn add(&mut self, other: &Self) {
        for (sum, other) in self.pairs.iter_mut().zip(&other.pairs) {
            *sum = sum.wrapping_add(*other);
        }
        for (sum, other) in self.odd.iter_mut().zip(&other.odd) {
            *sum = sum.wrapping_add(*other);
        }
    }
}

/// The sums that run.
#[derive(Clone, Debug)]
pub struct Down {
    /// See [`Slide::offsets`].
    offsets: [Offsets; 3],
    first_taps: [Vec<u16>; 2],
    has_slopes: bool,
    stride: usize,
    /// Of each block what slopes and steps make, and by how much slopes change it from this row to the next.
    blocks: Vec<[Sums; 2]>,
}

impl Down {
    /// For rows of `n` bytes, `stride` apart.
    pub fn new(slide: &Slide, n: usize, stride: usize) -> Self {
        Self {
            offsets: slide.offsets(stride),
            first_taps: slide.first_taps(),
            has_slopes: slide.has_slopes(),
            stride,
            blocks: vec![[Sums::ZERO; 2]; n.div_ceil(BLOCK)],
        }
    }

    /// Bytes that it takes.
    pub fn bytes(n: usize) -> usize {
        n.div_ceil(BLOCK) * size_of::<[Sums; 2]>()
    }

    /// Makes row `y` the next one; `rows` begin with row `y - n_before`.
    pub fn begin(&mut self, rows: &[u8]) {
        for (b, sums) in self.blocks.iter_mut().enumerate() {
            *sums = [Sums::ZERO; 2];
            for (sums, taps) in sums.iter_mut().zip(&self.first_taps) {
                for (k, &tap) in taps.iter().enumerate().filter(|(_, tap)| **tap != 0) {
                    sums.add_times(tap, rows[k * self.stride + b * BLOCK..][..BLOCK].as_chunks().0);
                }
            }
        }
    }

    /// How many blocks there are in a row.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Fills the first `n_rows` of `out` with the sums of block `b` of as many rows, and moves on by them. The `rows` begin
    /// with row `y - n_before`, if `y` is the first of them.
    #[inline(always)]
    pub fn sum(&mut self, b: usize, rows: &[u8], n_rows: usize, out: &mut [[u16; BLOCK]; ROWS]) {
        let [odd, steps, slopes] = &self.offsets;
        let [smooth, gains] = &mut self.blocks[b];
        for (i, out) in out[..n_rows].iter_mut().enumerate() {
            let rows = &rows[i * self.stride + b * BLOCK..];
            if self.has_slopes {
                *gains = gains.changed(slopes, rows);
                smooth.add(gains);
            }
            *smooth = smooth.changed(steps, rows);
            let Sums { pairs, odd } = smooth.changed(odd, rows);
            for (out, (&pair, &odd)) in out.as_chunks_mut::<2>().0.iter_mut().zip(pairs.iter().zip(&odd)) {
                *out = [pair.wrapping_sub(odd << 8), odd];
            }
        }
    }
}
