//! Sharpens one row out of the ring.

use super::{
    passes,
    planes::{BLOCK, Planes, WeightedRows},
};
use crate::{
    cancel::Cancel,
    imaging::{Instructions, operators::unsharp_mask::UnsharpMask},
};

/// Samples of a row that go through both passes together, so that planes and sums stay in the L1 cache.
const CHUNK: usize = 32 * BLOCK;
/// Chunks of a long row between two looks at the flag: less than a millisecond.
const CHUNKS_PER_CHECK: usize = 64;

/// A mask with the buffers that it needs for a row.
pub(super) struct RowSharpener<'a> {
    mask: &'a UnsharpMask,
    /// Interleaved channels.
    step: usize,
    /// Starts in the ring of the two rows at each distance, above and below. Both at distance 0 are the row itself.
    pairs: Vec<[usize; 2]>,
    planes: Planes,
    blurred: Vec<u8>,
}

impl<'a> RowSharpener<'a> {
    /// Prepares `mask` for rows of `step` interleaved channels.
    pub fn new(mask: &'a UnsharpMask, step: usize) -> Self {
        Self {
            mask,
            step,
            pairs: vec![[0; 2]; mask.radius() + 1],
            // The pass down writes whole blocks, so up to `BLOCK − 1` columns more than the windows read.
            planes: Planes::new(CHUNK + 2 * mask.radius() * step + 2 * BLOCK),
            blurred: vec![0; CHUNK],
        }
    }

    /// Selects the row to sharpen. `start(distance)` is where the row at that distance begins in the ring.
    #[inline(always)]
    pub fn aim(&mut self, start: impl Fn(isize) -> usize) {
        for (k, pair) in self.pairs.iter_mut().enumerate() {
            *pair = [start(-(k as isize)), start(k as isize)];
        }
    }

    /// Writes the sharpened row. Ends early once `cancel` is set.
    ///
    /// A row in the ring begins `padding` samples before its first pixel. So the windows of chunk `i` read the sums
    /// from column `i·CHUNK` on: one per sample of the chunk, and twice the padding more.
    #[inline(always)]
    pub fn sharpen(&mut self, with: Instructions, ring: &[u8], out: &mut [u8], cancel: &Cancel) {
        let (taps, padding) = (self.mask.half_taps(), self.mask.radius() * self.step);
        for (i, out) in out.chunks_mut(CHUNK).enumerate() {
            let n = out.len();
            if i % CHUNKS_PER_CHECK == CHUNKS_PER_CHECK - 1 && cancel.is_cancelled() {
                return;
            }
            // The slice moves by a chunk, so the starts in `pairs` stay right for the whole row.
            let rows = WeightedRows { ring: &ring[i * CHUNK..], pairs: &self.pairs, taps };
            passes::down(with, &mut self.planes, rows, n + 2 * padding);
            let blurred = &mut self.blurred[..n.next_multiple_of(BLOCK)];
            passes::across(with, &self.planes, self.step, taps, blurred);
            // The sample comes from the ring: `out` still holds the sample before the point operator.
            let own = &ring[self.pairs[0][0] + padding + i * CHUNK..][..n];
            self.mask.combine(with, own, &blurred[..n], out);
        }
    }
}
