//! Bilinear resize on 8-bit samples, equal to OpenCV's `resize` with `INTER_LINEAR` on `CV_8U` to the pixel.
//!
//! Brings a restored picture to the size of its reference before both are compared. Definition matched: weights in 1/2048,
//! pixel centres at half-integers, no antialiasing when shrinking, positions outside the picture clamped.

use rayon::prelude::*;

use crate::imaging::Image;

/// The number 1 in the unit of the weights, 1/2048.
const ONE: f32 = 2048.0;

/// The two source indices of one destination index, and their weights in 1/2048, which add up to 2048.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BilinearTap {
    /// Indices of the two source samples. Both may be the same.
    pub index: [usize; 2],
    /// Weights of the two samples.
    pub weight: [i16; 2],
}

/// Returns the source position of destination index `d`: whole part and fraction.
fn position(d: usize, n_source: usize, n_destination: usize) -> (isize, f32) {
    let scale = 1.0 / (n_destination as f64 / n_source as f64);
    let f = ((d as f64 + 0.5) * scale - 0.5) as f32;
    let whole = f.floor();
    (whole as isize, f - whole)
}

fn weights(fraction: f32) -> [i16; 2] {
    [((1.0 - fraction) * ONE).round_ties_even() as i16, (fraction * ONE).round_ties_even() as i16]
}

/// Returns what destination column `d` reads. Positions outside are clamped to the border column, with fraction 0.
pub fn column_tap(d: usize, n_source: usize, n_destination: usize) -> BilinearTap {
    let (mut i, mut fraction) = position(d, n_source, n_destination);
    if i < 0 {
        (i, fraction) = (0, 0.0);
    }
    if i >= n_source as isize - 1 {
        (i, fraction) = (n_source as isize - 1, 0.0);
    }
    let i = i as usize;
    BilinearTap { index: [i, (i + 1).min(n_source - 1)], weight: weights(fraction) }
}

/// Returns what destination row `d` reads. Rows outside are clamped one by one; the fraction stays, as in OpenCV.
pub fn row_tap(d: usize, n_source: usize, n_destination: usize) -> BilinearTap {
    let (i, fraction) = position(d, n_source, n_destination);
    let clamp = |i: isize| i.clamp(0, n_source as isize - 1) as usize;
    BilinearTap { index: [clamp(i), clamp(i + 1)], weight: weights(fraction) }
}

/// Returns one source row's part of a sample: its two columns weighted, in 1/128 (0 to 32640).
#[inline(always)]
pub fn across(weight: [i16; 2], left: u8, right: u8) -> i16 {
    ((i32::from(weight[0]) * i32::from(left) + i32::from(weight[1]) * i32::from(right)) >> 4) as i16
}

/// Returns the sample: the parts of two rows weighted and rounded. Each product keeps its upper 16 bits, in 1/4.
#[inline(always)]
pub fn down(weight: [i16; 2], upper: i16, lower: i16) -> u8 {
    let high = |a: i16, b: i16| ((i32::from(a) * i32::from(b)) >> 16) as i16;
    ((high(weight[0], upper) + high(weight[1], lower) + 2) >> 2).clamp(0, 255) as u8
}

/// Resizes interleaved `samples` (`from.1` rows of `from.0` pixels of `step` channels) to `to.0 × to.1` pixels.
///
/// Returns `to.0 · to.1 · step` samples. Cost: two source rows weighted per destination row. Runs on the rayon pool that the
/// caller installed.
///
/// # Panics
/// When the number of samples is not `from.0 · from.1 · step`.
pub fn resize_samples(samples: &[u8], from: (usize, usize), to: (usize, usize), step: usize) -> Vec<u8> {
    let (stride_in, stride_out) = (from.0 * step, to.0 * step);
    assert_eq!(samples.len(), stride_in * from.1, "samples of the source picture");
    let columns: Vec<BilinearTap> = (0..to.0).map(|d| column_tap(d, from.0, to.0)).collect();
    let mut out = vec![0u8; stride_out * to.1];
    let stretch = |y: usize| {
        let row = &samples[y * stride_in..][..stride_in];
        columns.iter().flat_map(move |tap| {
            (0..step)
                .map(move |c| across(tap.weight, row[tap.index[0] * step + c], row[tap.index[1] * step + c]))
        })
    };
    out.par_chunks_mut(stride_out.max(1)).enumerate().for_each(|(y, row)| {
        let tap = row_tap(y, from.1, to.1);
        for ((o, upper), lower) in row.iter_mut().zip(stretch(tap.index[0])).zip(stretch(tap.index[1])) {
            *o = down(tap.weight, upper, lower);
        }
    });
    out
}

/// Returns the colours of `image` at `width × height`. Alpha is dropped: comparisons do not read it.
///
/// # Panics
/// When a side is zero.
pub fn resize(image: &Image, width: usize, height: usize) -> Image {
    let step = image.channels().count();
    let samples = resize_samples(image.samples(), (image.width(), image.height()), (width, height), step);
    Image::new(width, height, image.channels(), samples, None)
        .expect("sides are checked by the caller's picture")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_changes_nothing() {
        let samples: Vec<u8> = (0..5 * 4 * 3).map(|i| (i * 41 % 256) as u8).collect();
        assert_eq!(resize_samples(&samples, (5, 4), (5, 4), 3), samples);
    }

    #[test]
    fn half_the_size_is_the_rounded_mean_of_four() {
        assert_eq!(resize_samples(&[1, 2, 4, 7], (2, 2), (1, 1), 1), [4]);
    }

    #[test]
    fn a_constant_picture_stays_constant() {
        assert!(resize_samples(&[200; 35], (7, 5), (13, 3), 1).iter().all(|&v| v == 200));
    }
}
