//! Colour transforms of samples with 16 bits: the polynomials of the 8-bit form, with `r, g, b = v · f32(1/65535)`.
//!
//! Channel `c` is `65535 · Σ T[k][c]·φ_k`, clamped to 0–65535 and rounded half to even. All in f32, in the order of the 8-bit
//! form, without fused multiply-add. A grey becomes the luma of its transformed colour, each channel clamped and not
//! rounded:
//!
//! ```text
//! 0.299·r + 0.587·g + 0.114·b          ITU-R BT.601, from left to right
//! ```

use super::{BLOCK, ColorTransform};
use crate::imaging::operators::deep_point::{DeepPointOperator, rounded};

/// Largest sample of 16 bits.
const MAX: f32 = 65_535.0;
/// BT.601 weights of red, green and blue.
const LUMA_WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];

impl ColorTransform {
    /// Returns a transformed channel of a block, 0–65535, not rounded to whole numbers. The inputs are 0–1.
    #[inline(always)]
    fn deep_channel<const AFFINE: bool>(&self, c: usize, colors: &[[f32; BLOCK]; 3]) -> [f32; BLOCK] {
        let mut out = [0f32; BLOCK];
        for i in 0..BLOCK {
            let sum = self.sum::<AFFINE>(c, [colors[0][i], colors[1][i], colors[2][i]]);
            out[i] = (sum * MAX).clamp(0.0, MAX);
        }
        out
    }

    /// Transforms red, green and blue of a block.
    #[inline(always)]
    fn deep_block<const AFFINE: bool>(&self, samples: &mut [f32; 3 * BLOCK]) {
        let mut colors = [[0f32; BLOCK]; 3];
        for (i, pixel) in samples.as_chunks::<3>().0.iter().enumerate() {
            (colors[0][i], colors[1][i], colors[2][i]) = (pixel[0], pixel[1], pixel[2]);
        }
        for i in 0..BLOCK {
            for channel in &mut colors {
                channel[i] *= 1.0 / MAX;
            }
        }
        let mut out = [[0f32; BLOCK]; 3];
        for (c, out) in out.iter_mut().enumerate() {
            let channel = self.deep_channel::<AFFINE>(c, &colors);
            for i in 0..BLOCK {
                out[i] = rounded(channel[i]);
            }
        }
        for (i, pixel) in samples.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [out[0][i], out[1][i], out[2][i]];
        }
    }

    /// Transforms whole blocks; the rest goes through a block of its own, filled up with zeros. Plain loops: a closure would
    /// not be compiled for the caller's instructions.
    #[inline(always)]
    fn deep_row<const AFFINE: bool>(&self, row: &mut [f32]) {
        let (blocks, rest) = row.as_chunks_mut::<{ 3 * BLOCK }>();
        for block in blocks {
            self.deep_block::<AFFINE>(block);
        }
        if !rest.is_empty() {
            let mut block = [0.0; 3 * BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.deep_block::<AFFINE>(&mut block);
            rest.copy_from_slice(&block[..rest.len()]);
        }
    }

    /// Same as [`Self::deep_row`], of greys.
    #[inline(always)]
    fn deep_grey_row<const AFFINE: bool>(&self, row: &mut [f32]) {
        let (blocks, rest) = row.as_chunks_mut::<BLOCK>();
        for block in blocks {
            self.deep_grey_block::<AFFINE>(block);
        }
        if !rest.is_empty() {
            let mut block = [0.0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.deep_grey_block::<AFFINE>(&mut block);
            rest.copy_from_slice(&block[..rest.len()]);
        }
    }

    /// Transforms the greys of a block.
    #[inline(always)]
    fn deep_grey_block<const AFFINE: bool>(&self, samples: &mut [f32; BLOCK]) {
        let mut grey = *samples;
        for v in &mut grey {
            *v *= 1.0 / MAX;
        }
        let colors = [grey; 3];
        let r = self.deep_channel::<AFFINE>(0, &colors);
        let g = self.deep_channel::<AFFINE>(1, &colors);
        let b = self.deep_channel::<AFFINE>(2, &colors);
        for i in 0..BLOCK {
            let [wr, wg, wb] = LUMA_WEIGHTS;
            samples[i] = rounded(wr * r[i] + wg * g[i] + wb * b[i]);
        }
    }
}

/// The point operator of 16-bit pictures with red, green and blue. Grey pictures take [`DeepGreyTransform`].
impl DeepPointOperator for ColorTransform {
    #[inline(always)]
    fn apply(&self, row: &mut [f32]) {
        if self.is_affine() {
            self.deep_row::<true>(row);
        } else {
            self.deep_row::<false>(row);
        }
    }
}

/// The point operator of grey 16-bit pictures: the luma of each transformed grey.
#[derive(Clone, Copy, Debug)]
pub struct DeepGreyTransform(pub ColorTransform);

impl DeepPointOperator for DeepGreyTransform {
    #[inline(always)]
    fn apply(&self, row: &mut [f32]) {
        if self.0.is_affine() {
            self.0.deep_grey_row::<true>(row);
        } else {
            self.0.deep_grey_row::<false>(row);
        }
    }
}
