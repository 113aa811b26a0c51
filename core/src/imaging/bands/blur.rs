//! The blur of one row out of a ring of rows, in whole 16-bit numbers, and its combination with the row itself.
//!
//! Down the rows first: the sums are below 2¹⁶ and kept as two planes of bytes, `256·high + low`. Across, both planes
//! are summed by themselves, again below 2¹⁶, since the taps add up to 256. With `A` the sum of the high bytes and `B`
//! that of the low ones, `(256·A + B + 32768) >> 16` is `(A + 128 + (B >> 8)) >> 8`, and that never overflows: `256·A +
//! B ≤ 256·65280`. So nothing needs 32 bits, and the order of the passes does not show, as neither rounds.

use super::Instructions;
use crate::imaging::operators::unsharp_mask::UnsharpMask;

/// Samples that are worked on at a time.
pub(super) const BLOCK: usize = 128;
/// Samples of a row between the passes: planes and sums stay in the L1 cache.
const CHUNK: usize = 32 * BLOCK;

/// What sharpening a row needs beside the ring.
pub(super) struct Blur<'a> {
    mask: &'a UnsharpMask,
    step: usize,
    /// Where in the ring the rows at each distance above and below begin; those at distance 0 are the row itself.
    pairs: Vec<[usize; 2]>,
    planes: Planes,
    blurred: Vec<u8>,
}

/// The vertical sums of a chunk and its surroundings.
pub(super) struct Planes {
    pub high: Vec<u8>,
    pub low: Vec<u8>,
}

impl<'a> Blur<'a> {
    /// For rows of `step` interleaved channels.
    pub fn new(mask: &'a UnsharpMask, step: usize) -> Self {
        let n = CHUNK + 2 * mask.radius() * step + 2 * BLOCK;
        Self {
            mask,
            step,
            pairs: vec![[0; 2]; mask.radius() + 1],
            planes: Planes { high: vec![0; n], low: vec![0; n] },
            blurred: vec![0; CHUNK],
        }
    }

    /// Takes the row whose neighbour at a distance begins at `start(distance)` in the ring.
    #[inline(always)]
    pub fn aim(&mut self, start: impl Fn(isize) -> usize) {
        for (k, pair) in self.pairs.iter_mut().enumerate() {
            *pair = [start(-(k as isize)), start(k as isize)];
        }
    }

    /// Writes the sharpened row.
    #[inline(always)]
    pub fn sharpen(&mut self, with: Instructions, ring: &[u8], out: &mut [u8]) {
        let (taps, padding) = (self.mask.half_taps(), self.mask.radius() * self.step);
        for (i, out) in out.chunks_mut(CHUNK).enumerate() {
            let n = out.len();
            with.down(&mut self.planes, &ring[i * CHUNK..], &self.pairs, taps, n + 2 * padding);
            let blurred = &mut self.blurred[..n.next_multiple_of(BLOCK)];
            with.across(&self.planes, self.step, taps, blurred);
            let own = &ring[self.pairs[0][0] + padding + i * CHUNK..][..n];
            self.mask.combine(with, own, &blurred[..n], out);
        }
    }
}

impl Planes {
    /// Sums of `n` columns, those of `pairs` in the ring weighted by `taps`, as bytes high and low; up to [`BLOCK`]
    /// columns more are worked on and mean nothing.
    #[inline(always)]
    pub fn down(&mut self, ring: &[u8], pairs: &[[usize; 2]], taps: &[u16], n: usize) {
        let blocks = self.high[..n.next_multiple_of(BLOCK)].as_chunks_mut::<BLOCK>().0.iter_mut();
        let low = self.low.as_chunks_mut::<BLOCK>().0.iter_mut();
        for ((high, low), at) in blocks.zip(low).zip((0..).step_by(BLOCK)) {
            let sums = sums(taps, |k| pairs[k].map(|start| block(ring, start + at)));
            for i in 0..BLOCK {
                (high[i], low[i]) = ((sums[i] >> 8) as u8, sums[i] as u8);
            }
        }
    }

    /// The blurred samples of whole blocks; the first one's window begins with the planes' first column.
    #[inline(always)]
    pub fn across(&self, step: usize, taps: &[u16], blurred: &mut [u8]) {
        let centre = (taps.len() - 1) * step;
        for (blurred, at) in blurred.as_chunks_mut::<BLOCK>().0.iter_mut().zip((centre..).step_by(BLOCK)) {
            let pair = |plane, k| [block(plane, at - k * step), block(plane, at + k * step)];
            let high = sums(taps, |k| pair(&self.high, k));
            let low = sums(taps, |k| pair(&self.low, k));
            for i in 0..BLOCK {
                blurred[i] = ((high[i] + 128 + (low[i] >> 8)) >> 8) as u8;
            }
        }
    }
}

#[inline(always)]
fn block(samples: &[u8], at: usize) -> &[u8; BLOCK] {
    samples[at..].first_chunk().expect("rings and planes have room for a block more")
}

/// Both samples at each distance, added and weighted; those at distance 0 are one and count once.
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
            sums[i] += tap * (u16::from(before[i]) + u16::from(after[i]));
        }
    }
    sums
}
