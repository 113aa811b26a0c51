//! The two passes of the narrow blur in 16-bit whole numbers: down the rows, then across. This is the plain form.
//!
//! Taps are whole 256ths that add up to 256. A sum down the rows is therefore at most 255 · 256 = 65280 and fits into
//! 16 bits. A sum of such sums would need 24 bits. So the pass down keeps each sum as two bytes, in two planes:
//!
//! ```text
//! sum = 256·high + low        planes.high: h h h h h h h …
//!                             planes.low:  l l l l l l l …
//! ```
//!
//! The pass across blurs both planes separately, again within 16 bits. Let `A` be the weighted sum of the high bytes
//! and `B` the weighted sum of the low bytes. The blurred sample is `(256·A + B + 32768) >> 16`, which is
//!
//! ```text
//! (A + 128 + (B >> 8)) >> 8
//! ```
//!
//! because the lowest eight bits of `B` carry nothing into bit 16. `A + 128 + (B >> 8)` is at most 65408, since
//! `256·A + B ≤ 256·65280`. So no step needs 32 bits. Neither pass rounds before the end, so their order has no effect
//! on the result, and `gaussian_blur`, which goes across first, gives the same samples.

/// Samples that are blurred at a time. The sums of a block stay in registers.
pub(super) const BLOCK: usize = 128;

/// The vertical sums of a chunk of a row and of the samples around it, as two planes of bytes.
pub(super) struct Planes {
    /// Sums over 256.
    pub high: Vec<u8>,
    /// Sums modulo 256.
    pub low: Vec<u8>,
}

/// The rows that are summed down, and their weights.
#[derive(Clone, Copy)]
pub(super) struct WeightedRows<'a> {
    /// The samples of the ring, from the column of the first sum on.
    pub ring: &'a [u8],
    /// Starts in `ring` of the two rows at each distance, above and below. Both at distance 0 are the row itself.
    pub pairs: &'a [[usize; 2]],
    /// The weight at each distance, in 1/256.
    pub taps: &'a [u16],
}

impl Planes {
    /// Makes room for the sums of `n` columns.
    pub fn new(n: usize) -> Self {
        Self { high: vec![0; n], low: vec![0; n] }
    }

    /// Sums the first `n` columns of the rows. Works in whole blocks, so fewer than [`BLOCK`] further columns are
    /// written; their values mean nothing.
    #[inline(always)]
    pub fn down(&mut self, rows: WeightedRows, n: usize) {
        let WeightedRows { ring, pairs, taps } = rows;
        let blocks = self.high[..n.next_multiple_of(BLOCK)].as_chunks_mut::<BLOCK>().0.iter_mut();
        let low = self.low.as_chunks_mut::<BLOCK>().0.iter_mut();
        for ((high, low), at) in blocks.zip(low).zip((0..).step_by(BLOCK)) {
            let sums = sums(taps, |k| pairs[k].map(|start| block(ring, start + at)));
            for i in 0..BLOCK {
                (high[i], low[i]) = ((sums[i] >> 8) as u8, sums[i] as u8);
            }
        }
    }

    /// Writes the blurred samples of whole blocks. `step` is the number of interleaved channels, the distance of
    /// neighbours in a plane. The window of the first sample begins at the first column of the planes:
    ///
    /// ```text
    /// planes    |<-- radius·step -->|x|<-- radius·step -->|
    /// blurred                       [0] [1] [2] …
    /// ```
    #[inline(always)]
    pub fn across(&self, step: usize, taps: &[u16], blurred: &mut [u8]) {
        let centre = (taps.len() - 1) * step;
        for (blurred, at) in blurred.as_chunks_mut::<BLOCK>().0.iter_mut().zip((centre..).step_by(BLOCK)) {
            // A distance of whole pixels keeps the channel. So one loop blurs all interleaved channels.
            let pair = |plane, k| [block(plane, at - k * step), block(plane, at + k * step)];
            let high = sums(taps, |k| pair(&self.high, k));
            let low = sums(taps, |k| pair(&self.low, k));
            for i in 0..BLOCK {
                // No column overflows, not even a meaningless one: all sums in the planes are at most 65280.
                blurred[i] = ((high[i] + 128 + (low[i] >> 8)) >> 8) as u8;
            }
        }
    }
}

#[inline(always)]
fn block(samples: &[u8], at: usize) -> &[u8; BLOCK] {
    samples[at..].first_chunk().expect("rings and planes have room for a block more")
}

/// Adds the two samples at each distance and weights their sum. The two at distance 0 are one sample, which counts once.
#[inline(always)]
fn sums<'a>(taps: &[u16], pair: impl Fn(usize) -> [&'a [u8; BLOCK]; 2]) -> [u16; BLOCK] {
    let [centre, _] = pair(0);
    let mut sums = [0; BLOCK];
    for i in 0..BLOCK {
        sums[i] = taps[0] * u16::from(centre[i]);
    }
    for (k, &tap) in taps.iter().enumerate().skip(1) {
        let [before, after] = pair(k);
        for i in 0..BLOCK {
            // The weights add up to 256, so each sum on the way is at most 65280.
            sums[i] += tap * (u16::from(before[i]) + u16::from(after[i]));
        }
    }
    sums
}
