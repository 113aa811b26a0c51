//! A quadratic colour transform: every restored channel is a polynomial of second degree in red, green and blue.
//!
//! Computed in f32, without fused multiply-add. With `r, g, b = v · f32(1/255)` and the terms
//!
//! ```text
//! φ = (1, r, g, b, r², g², b², rg, rb, gb)
//! ```
//!
//! channel `c` is `255 · Σ T[k][c]·φ_k`, clamped to 0–255 and rounded half to even. Additions go from `k = 0` to 9. The
//! order is part of the definition, because f32 additions round. Acts on stored (encoded) values, each pixel
//! separately. Source: Hong, Luo, Rhodes, "A study of digital camera colorimetric characterisation based on polynomial
//! modelling", 2001.

mod deep;
mod fit;
mod kept_luma;
mod levelled;

pub use self::deep::DeepGreyTransform;
pub(crate) use self::fit::terms;
pub use self::levelled::Levels;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    point::PointOperator,
    sample_tables::{self, SampleTable},
};
use crate::imaging::{Channels, Image, Instructions, luma_of};

/// Number of terms of the polynomial.
pub const N_TERMS: usize = 10;
/// Number of coefficients of a transform.
pub const N_COEFFICIENTS: usize = 3 * N_TERMS;
/// Largest magnitude of a coefficient. Far more than any correction needs, and far from overflow.
pub const COEFFICIENT_MAX: f32 = 64.0;

/// Pixels that are transformed together, in vectors.
const BLOCK: usize = 64;
/// Pixels that one task transforms.
const PIXELS_PER_TASK: usize = 1 << 14;
/// Adding 1.5·2²³ rounds an f32 of less than 2²² half to even, without SSE4.1's `roundps`.
const ROUND: f32 = 12_582_912.0;

/// The coefficients of a colour transform: ten rows, one per term, of three, one per channel. All are finite and of magnitude
/// at most [`COEFFICIENT_MAX`]. In JSON they are [`N_COEFFICIENTS`] numbers, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct ColorTransform([[f32; 3]; N_TERMS]);

/// Numbers that are no colour transform.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ColorTransformError {
    /// The number of coefficients is not thirty.
    #[error("a colour transform has {N_COEFFICIENTS} coefficients, not {got}")]
    Count {
        /// Number of coefficients given.
        got: usize,
    },
    /// A coefficient that is NaN, infinite or out of bounds.
    #[error("coefficient {index} of the colour transform is {got}: it goes from -64 to 64")]
    Coefficient {
        /// Index of the coefficient, row by row.
        index: usize,
        /// The number.
        got: f64,
    },
}

impl ColorTransform {
    /// The transform that changes no pixel.
    pub const IDENTITY: Self = {
        let mut rows = [[0.0; 3]; N_TERMS];
        (rows[1][0], rows[2][1], rows[3][2]) = (1.0, 1.0, 1.0);
        Self(rows)
    };

    /// Takes ten rows of three, row by row. Each coefficient is rounded to f32.
    ///
    /// # Errors
    /// When there are not thirty coefficients, or one is not finite or beyond ±64.
    pub fn new(coefficients: &[f64]) -> Result<Self, ColorTransformError> {
        if coefficients.len() != N_COEFFICIENTS {
            return Err(ColorTransformError::Count { got: coefficients.len() });
        }
        let mut rows = [[0.0; 3]; N_TERMS];
        for (index, (to, &got)) in rows.as_flattened_mut().iter_mut().zip(coefficients).enumerate() {
            if got.is_nan() || got.abs() > f64::from(COEFFICIENT_MAX) {
                return Err(ColorTransformError::Coefficient { index, got });
            }
            *to = got as f32;
        }
        Ok(Self(rows))
    }

    /// Returns the coefficients row by row.
    pub fn coefficients(&self) -> [f64; N_COEFFICIENTS] {
        std::array::from_fn(|i| f64::from(self.0[i / 3][i % 3]))
    }

    /// Returns the transform that goes the part `blend` (0 to 1) of the way from the identity to this transform:
    /// `I + blend·(T − I)` in f64, rounded to f32.
    #[must_use]
    pub fn blended(&self, blend: f64) -> Self {
        let mut rows = self.0;
        for (to, identity) in rows.as_flattened_mut().iter_mut().zip(Self::IDENTITY.0.as_flattened()) {
            let identity = f64::from(*identity);
            *to = (identity + blend * (f64::from(*to) - identity)) as f32;
        }
        Self(rows)
    }

    /// Returns the table for grey pictures: the luma of each transformed grey.
    pub fn grey_table(&self) -> SampleTable {
        let grey: Vec<u8> = (0..=255u8).flat_map(|v| [v; 3]).collect();
        let mut transformed = grey;
        self.transform(&mut transformed);
        let pixels = transformed.as_chunks::<3>().0;
        std::array::from_fn(|v| luma_of(pixels[v]))
    }

    /// Whether all coefficients of second degree are 0, so that their products need not be added.
    fn is_affine(&self) -> bool {
        self.0[4..].as_flattened().iter().all(|&t| t == 0.0)
    }

    /// Transforms interleaved red, green and blue in place.
    #[inline(always)]
    fn transform(&self, samples: &mut [u8]) {
        if self.is_affine() {
            self.transform_by::<true>(samples)
        } else {
            self.transform_by::<false>(samples)
        }
    }

    /// Transforms whole blocks; the rest goes through a block of its own, filled up with zeros.
    #[inline(always)]
    fn transform_by<const AFFINE: bool>(&self, samples: &mut [u8]) {
        let (blocks, rest) = samples.as_chunks_mut::<{ 3 * BLOCK }>();
        for block in blocks {
            self.block::<AFFINE>(block);
        }
        if !rest.is_empty() {
            let mut block = [0; 3 * BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.block::<AFFINE>(&mut block);
            rest.copy_from_slice(&block[..rest.len()]);
        }
    }

    /// Returns the polynomial of channel `c` for a colour of 0–1, added in the order of the terms.
    #[inline(always)]
    fn sum<const AFFINE: bool>(&self, c: usize, [r, g, b]: [f32; 3]) -> f32 {
        let t = &self.0;
        let mut sum = t[0][c] + t[1][c] * r + t[2][c] * g + t[3][c] * b;
        if !AFFINE {
            sum = sum + t[4][c] * (r * r) + t[5][c] * (g * g) + t[6][c] * (b * b);
            sum = sum + t[7][c] * (r * g) + t[8][c] * (r * b) + t[9][c] * (g * b);
        }
        sum
    }

    /// Transforms one block. Each channel has its own array, so that plain loops vectorise on any CPU:
    ///
    /// ```text
    /// r g b r g b r g b …  ──►  r r r …, g g g …, b b b …  ──►  polynomials  ──►  r g b r g b …
    /// ```
    #[inline(always)]
    fn block<const AFFINE: bool>(&self, samples: &mut [u8; 3 * BLOCK]) {
        let [mut r, mut g, mut b] = [[0f32; BLOCK]; 3];
        for (i, pixel) in samples.as_chunks::<3>().0.iter().enumerate() {
            (r[i], g[i], b[i]) = (f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2]));
        }
        for i in 0..BLOCK {
            (r[i], g[i], b[i]) = (r[i] * (1.0 / 255.0), g[i] * (1.0 / 255.0), b[i] * (1.0 / 255.0));
        }
        let mut out = [[0u8; BLOCK]; 3];
        for (c, out) in out.iter_mut().enumerate() {
            for i in 0..BLOCK {
                let sum = self.sum::<AFFINE>(c, [r[i], g[i], b[i]]);
                // The low mantissa bits of the sum are the whole number. A cast would saturate, which does not vectorise.
                out[i] = ((sum * 255.0).clamp(0.0, 255.0) + ROUND).to_bits() as u8;
            }
        }
        for (i, pixel) in samples.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [out[0][i], out[1][i], out[2][i]];
        }
    }
}

/// The point operator of pictures with red, green and blue. Grey pictures take their [`ColorTransform::grey_table`].
impl PointOperator for ColorTransform {
    #[inline(always)]
    fn apply(&self, _: Instructions, row: &mut [u8]) {
        self.transform(row);
    }
}

/// Applies `transform` to every pixel, in place. Grey pictures stay grey (see [`ColorTransform::grey_table`]). Alpha and size
/// are kept. Runs on the rayon pool that the caller installed. Cost: three products per sample, nine with terms of
/// second degree.
pub fn apply(mut image: Image, transform: &ColorTransform) -> Image {
    match image.channels() {
        Channels::Grey => sample_tables::apply(image, &[transform.grey_table()]),
        Channels::Rgb => {
            let parts = image.samples_mut().par_chunks_mut(3 * PIXELS_PER_TASK);
            parts.for_each(|part| transform.transform(part));
            image
        }
    }
}

impl TryFrom<Vec<f64>> for ColorTransform {
    type Error = ColorTransformError;

    fn try_from(coefficients: Vec<f64>) -> Result<Self, ColorTransformError> {
        Self::new(&coefficients)
    }
}

impl From<ColorTransform> for Vec<f64> {
    fn from(transform: ColorTransform) -> Self {
        transform.coefficients().to_vec()
    }
}

#[cfg(test)]
mod tests;
