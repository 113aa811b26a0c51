//! Luma and chroma to RGB (ITU-T H.273, equations 11 to 46), for AVIF. Half-sized chroma is interpolated linearly between the
//! centres of its blocks, as libavif does.
//!
//! All arithmetic is f32 in a written order without fused operations, so any CPU gives the same samples.

use rayon::prelude::*;

use crate::imaging::Sample;

/// How three planes make colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Matrix {
    /// The planes are green, blue and red.
    Identity,
    /// Luma is `kr·R + kg·G + kb·B`.
    Luma { kr: f32, kb: f32 },
}

impl Matrix {
    /// Returns the matrix of a number of H.273. `None` for those that are not read.
    pub(super) fn of(number: u16) -> Option<Matrix> {
        match number {
            0 => Some(Matrix::Identity),
            1 => Some(Matrix::Luma { kr: 0.2126, kb: 0.0722 }),
            // 2 is unspecified. Readers of AVIF take BT.601 then.
            2 | 5 | 6 => Some(Matrix::Luma { kr: 0.299, kb: 0.114 }),
            9 => Some(Matrix::Luma { kr: 0.2627, kb: 0.0593 }),
            _ => None,
        }
    }
}

/// A plane of samples, two bytes each if `is_wide`, in the byte order of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes from row to row.
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) is_wide: bool,
}

impl Plane<'_> {
    /// Copies a row into `out` as numbers. Rows below the plane are its last one.
    fn row(&self, y: usize, out: &mut [f32]) {
        let at = y.min(self.height - 1) * self.stride;
        let row = &self.bytes[at..];
        if self.is_wide {
            for (value, pair) in out.iter_mut().zip(row.as_chunks::<2>().0) {
                *value = f32::from(u16::from_ne_bytes(*pair));
            }
        } else {
            for (value, &byte) in out.iter_mut().zip(row) {
                *value = f32::from(byte);
            }
        }
    }

    /// Whether the plane has all its rows.
    pub(super) fn is_whole(&self) -> bool {
        let row = self.width * if self.is_wide { 2 } else { 1 };
        self.width > 0
            && self.height > 0
            && self.bytes.len() >= (self.height - 1) * self.stride + row
            && self.stride >= row
    }
}

/// The planes of a picture and what their numbers mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes<'a> {
    pub(super) luma: Plane<'a>,
    /// None for grey.
    pub(super) chroma: Option<[Plane<'a>; 2]>,
    pub(super) bits: u32,
    pub(super) is_full_range: bool,
    pub(super) matrix: Matrix,
}

/// A sample that a number from 0 to 1 is rounded to.
pub(super) trait Quantized: Sample {
    fn of_unit(value: f32) -> Self;

    /// Divides a colour by alpha, for colours that were multiplied by it. 0 alpha gives 0.
    fn divided(self, alpha: Self) -> Self;
}

impl Quantized for u8 {
    fn of_unit(value: f32) -> Self {
        (value * 255.0 + 0.5) as u8 // saturates
    }

    fn divided(self, alpha: Self) -> Self {
        let (value, alpha) = (u32::from(self), u32::from(alpha));
        (value * 255 + alpha / 2).checked_div(alpha).unwrap_or(0).min(255) as u8
    }
}

impl Quantized for u16 {
    fn of_unit(value: f32) -> Self {
        (value * 65535.0 + 0.5) as u16
    }

    fn divided(self, alpha: Self) -> Self {
        let (value, alpha) = (u64::from(self), u64::from(alpha));
        (value * 65535 + alpha / 2).checked_div(alpha).unwrap_or(0).min(65535) as u16
    }
}

/// Offset and range of luma, and range of chroma, in stored numbers.
fn ranges(bits: u32, is_full_range: bool) -> (f32, f32, f32) {
    let scale = (1_u32 << (bits - 8)) as f32;
    match is_full_range {
        true => (0.0, ((1_u32 << bits) - 1) as f32, ((1_u32 << bits) - 1) as f32),
        false => (16.0 * scale, 219.0 * scale, 224.0 * scale),
    }
}

impl Planes<'_> {
    /// Writes the colours into `samples`: one per pixel for grey, three interleaved ones else.
    pub(super) fn write<S: Quantized>(&self, samples: &mut [S]) {
        let width = self.luma.width;
        let (offset, range, chroma_range) = ranges(self.bits, self.is_full_range);
        let half = (1_u32 << (self.bits - 1)) as f32;
        let Some(chroma) = &self.chroma else {
            samples.par_chunks_mut(width).enumerate().for_each_init(
                || vec![0.0; width],
                |row, (y, out)| {
                    self.luma.row(y, row);
                    out.iter_mut()
                        .zip(row)
                        .for_each(|(sample, v)| *sample = S::of_unit((*v - offset) / range));
                },
            );
            return;
        };
        samples.par_chunks_mut(3 * width).enumerate().for_each_init(
            || (vec![0.0; width], vec![0.0; width], vec![0.0; width], vec![0.0; 2 * chroma[0].width]),
            |(luma, cb, cr, spare), (y, out)| {
                self.luma.row(y, luma);
                self.chroma_row(&chroma[0], y, cb, spare);
                self.chroma_row(&chroma[1], y, cr, spare);
                let pixels = out.as_chunks_mut::<3>().0.iter_mut().zip(luma).zip(cb.iter().zip(&*cr));
                match self.matrix {
                    Matrix::Identity => pixels.for_each(|((pixel, g), (b, r))| {
                        *pixel = [*r, *g, *b].map(|v| S::of_unit((v - offset) / range));
                    }),
                    Matrix::Luma { kr, kb } => {
                        let (to_red, to_blue) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
                        let kg = 1.0 - kr - kb;
                        let (red_in_green, blue_in_green) = (to_red * kr / kg, to_blue * kb / kg);
                        pixels.for_each(|((pixel, luma), (cb, cr))| {
                            let luma = (*luma - offset) / range;
                            let (cb, cr) = ((cb - half) / chroma_range, (cr - half) / chroma_range);
                            let green = luma - red_in_green * cr - blue_in_green * cb;
                            *pixel = [luma + to_red * cr, green, luma + to_blue * cb].map(S::of_unit);
                        });
                    }
                }
            },
        );
    }

    /// Writes the chroma of a row of the picture, as wide as the luma. `spare` holds two rows of the plane.
    fn chroma_row(&self, plane: &Plane, y: usize, out: &mut [f32], spare: &mut [f32]) {
        let is_halved_down = plane.height < self.luma.height;
        let is_halved_across = plane.width < self.luma.width;
        let (near, far) = spare.split_at_mut(plane.width);
        match is_halved_down {
            false => plane.row(y, near),
            true => {
                plane.row(y / 2, near);
                let other = if y.is_multiple_of(2) { (y / 2).saturating_sub(1) } else { y / 2 + 1 };
                plane.row(other, far);
                near.iter_mut().zip(far).for_each(|(near, far)| *near = 0.75 * *near + 0.25 * *far);
            }
        }
        match is_halved_across {
            false => out.copy_from_slice(&near[..out.len()]),
            true => {
                let last = plane.width - 1;
                for (x, out) in out.iter_mut().enumerate() {
                    let other = if x % 2 == 0 { (x / 2).saturating_sub(1) } else { (x / 2 + 1).min(last) };
                    *out = 0.75 * near[x / 2] + 0.25 * near[other];
                }
            }
        }
    }
}
