//! The pass of a wide blur down the rows of bytes.
//!
//! Bytes are not widened to 16 bits. Two neighbouring bytes are read as one number, `even + 256·odd`, and such numbers
//! are summed modulo 2¹⁶. The odd bytes are also summed on their own:
//!
//! ```text
//! bytes   e0 o0 | e1 o1 | e2 o2 | …
//! pairs   Σ ±(e + 256·o) mod 2¹⁶
//! odd     Σ ±o
//! even    pairs − 256·odd mod 2¹⁶    exact, as the sum of a window is below 2¹⁶
//! ```

use super::{
    sizes::ROWS,
    slide::{Offsets, Slide},
};

/// Bytes of a row whose sums stay in registers together.
pub const BLOCK: usize = 128;

/// Sums of the bytes of a block, modulo 2¹⁶.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct BlockSums {
    /// Sums of bytes two by two, `even + 256·odd`.
    pairs: [u16; BLOCK / 2],
    /// Sums of the odd bytes.
    odd: [u16; BLOCK / 2],
}

impl BlockSums {
    const ZERO: Self = Self { pairs: [0; BLOCK / 2], odd: [0; BLOCK / 2] };

    /// Returns the sums with the blocks at these places added or taken away.
    #[inline(always)]
    fn changed(self, offsets: &Offsets, rows: &[u8]) -> Self {
        let Self { mut pairs, mut odd } = self;
        for &at in &offsets.plus {
            let block = &rows[at..][..BLOCK].as_chunks().0[..BLOCK / 2];
            for i in 0..BLOCK / 2 {
                // Little-endian on every CPU: `pair >> 8` must be the odd byte.
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

    /// Adds `tap` times the bytes of a block.
    #[inline(always)]
    fn add_times(&mut self, tap: u16, block: &[[u8; 2]]) {
        for ((pairs, odd), &pair) in self.pairs.iter_mut().zip(&mut self.odd).zip(block) {
            let pair = u16::from_le_bytes(pair);
            // One product weights both bytes: `tap·(e + 256·o) = tap·e + 256·(tap·o)`, modulo 2¹⁶.
            *pairs = pairs.wrapping_add(pair.wrapping_mul(tap));
            *odd = odd.wrapping_add((pair >> 8).wrapping_mul(tap));
        }
    }

    /// Adds other sums.
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

/// The running sums of all blocks of a row.
#[derive(Clone, Debug)]
pub struct Down {
    /// Places of the single taps, steps and slopes, see [`Slide::offsets`].
    offsets: [Offsets; 3],
    /// Taps of the first running sums, see [`Slide::first_taps`].
    first_taps: [Vec<u16>; 2],
    has_slopes: bool,
    /// Bytes from one row to the next.
    stride: usize,
    /// S and G of `slide` for each block: the sum by the smooth taps, and its change by slopes from row to row.
    blocks: Vec<[BlockSums; 2]>,
}

impl Down {
    /// Prepares the sums for rows of `n` bytes, `stride` apart.
    pub fn new(slide: &Slide, n: usize, stride: usize) -> Self {
        Self {
            offsets: slide.offsets(stride),
            first_taps: slide.first_taps(),
            has_slopes: slide.has_slopes(),
            stride,
            blocks: vec![[BlockSums::ZERO; 2]; n.div_ceil(BLOCK)],
        }
    }

    /// Number of bytes that the sums of `n` columns take.
    pub fn bytes(n: usize) -> usize {
        n.div_ceil(BLOCK) * size_of::<[BlockSums; 2]>()
    }

    /// Computes the running sums afresh so that row `y` is the next one. `rows` begin with row `y - n_before`.
    pub fn begin(&mut self, rows: &[u8]) {
        for (b, sums) in self.blocks.iter_mut().enumerate() {
            *sums = [BlockSums::ZERO; 2];
            for (sums, taps) in sums.iter_mut().zip(&self.first_taps) {
                // Rows with tap 0 add nothing. All taps of G are 0 when the split has no slopes.
                for (k, &tap) in taps.iter().enumerate().filter(|(_, tap)| **tap != 0) {
                    sums.add_times(tap, rows[k * self.stride + b * BLOCK..][..BLOCK].as_chunks().0);
                }
            }
        }
    }

    /// Number of blocks in a row.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Writes the sums of block `b` of the next `n_rows` rows to the first rows of `out`, and moves the running sums on.
    /// `rows` begin with row `y - n_before`, where `y` is the first of these rows.
    #[inline(always)]
    pub fn sum(&mut self, b: usize, rows: &[u8], n_rows: usize, out: &mut [[u16; BLOCK]; ROWS]) {
        let [odd, steps, slopes] = &self.offsets;
        let [smooth, gains] = &mut self.blocks[b];
        for (i, out) in out[..n_rows].iter_mut().enumerate() {
            let rows = &rows[i * self.stride + b * BLOCK..];
            // G moves before S: S at a row takes the G of the same row.
            if self.has_slopes {
                *gains = gains.changed(slopes, rows);
                smooth.add(gains);
            }
            *smooth = smooth.changed(steps, rows);
            // The single taps change a copy: they count at this row only and do not enter S.
            let BlockSums { pairs, odd } = smooth.changed(odd, rows);
            for (out, (&pair, &odd)) in out.as_chunks_mut::<2>().0.iter_mut().zip(pairs.iter().zip(&odd)) {
                // `odd << 8` drops the bits from 2¹⁶ on, which do not count modulo 2¹⁶.
                *out = [pair.wrapping_sub(odd << 8), odd];
            }
        }
    }
}
