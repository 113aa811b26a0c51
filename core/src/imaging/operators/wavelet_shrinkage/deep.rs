//! Denoising of samples with 16 bits.
//!
//! The sums of blurs do not fit 32 bits, so they are f32. The first blur is exact: its sums are below 2²⁴. The later ones are
//! rounded, always in the order of the 8-bit form (down before across; the centre, then the inner and the outer pair of
//! taps), without fused multiply-add. Every CPU gives the same bits. Scaling by powers of two rounds nothing, and details of
//! flat pictures are exactly 0.
//!
//! Details and thresholds are in 16-bit values, in f32. Sigma stays in values of 8 bits, the unit of all coefficients: one
//! of them is 257 values of 16 bits. The finest details are counted to whole 16-bit values, as finely as those of 8 bits.

use rayon::prelude::*;

use super::{
    COLUMNS, Counted, DenoiseSample, MEDIAN_OF_NORMAL, PIXELS_PER_COUNT, ROWS_PER_TASK, SHARES, TAPS, blur,
    median,
};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{DeepImage, alpha, operators::deep_point::rounded},
};

/// 16-bit values of a value of 8 bits.
const PER_8_BIT_VALUE: f64 = 257.0;
/// Number of possible magnitudes of the finest detail in whole 16-bit values.
const N_MAGNITUDES: usize = 1 << 16;

impl DenoiseSample for u16 {
    type Sum = f32;
    const SUM_TAPS: [f32; 3] = [TAPS[0] as f32, TAPS[1] as f32, TAPS[2] as f32];

    #[inline(always)]
    fn sum(self) -> f32 {
        f32::from(self)
    }
}

/// Returns the standard deviation of the noise in each channel, in values of 8 bits, as
/// [`noise_sigma`](super::noise_sigma) does.
///
/// Magnitudes are rounded to whole 16-bit values and counted, so the medians are the same for any number of threads. Cost:
/// one blur. Memory: a quarter of a megabyte per channel for each million pixels at work.
pub fn deep_noise_sigma(image: &DeepImage) -> Vec<f64> {
    Cancel::uncancelled(|cancel| deep_noise_sigma_until(image, cancel))
}

/// Same as [`deep_noise_sigma`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
pub fn deep_noise_sigma_until(image: &DeepImage, cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
    measured_deep_noise_until(image, Counted::of(alpha::weights(image)), cancel)
}

/// Same as [`deep_noise_sigma_until`]; `counted` says which pixels count.
pub(crate) fn measured_deep_noise_until(
    image: &DeepImage,
    counted: Option<Counted<u16>>,
    cancel: &Cancel,
) -> Result<Vec<f64>, Cancelled> {
    let (n, height) = (image.channels().count(), image.height());
    let rows_per_count = PIXELS_PER_COUNT.div_ceil(image.width());
    let count = |mut counts: Vec<u32>, task: usize| {
        let ys = task * rows_per_count..height.min((task + 1) * rows_per_count);
        blur(image, ys, 1, cancel, &mut |from, own: &[u16], blurred| {
            for (i, (&v, &blurred)) in own.iter().zip(blurred[0]).enumerate() {
                if counted.as_ref().is_some_and(|counted| !counted.is_counted((from + i) / n)) {
                    continue;
                }
                // Whole: the blur is 256 times the mean, below 2²⁴.
                let magnitude = ((i32::from(v) * 256 - blurred as i32).unsigned_abs() + 128) >> 8;
                counts[i % n * N_MAGNITUDES + magnitude as usize] += 1;
            }
        });
        counts
    };
    let zero = || vec![0u32; n * N_MAGNITUDES];
    let parts = (0..height.div_ceil(rows_per_count)).into_par_iter().fold(zero, count);
    let counts = parts.reduce(zero, |a, b| a.iter().zip(b).map(|(a, b)| a + b).collect());
    cancel.check()?;
    let sigma = |counts| median(counts) / PER_8_BIT_VALUE / MEDIAN_OF_NORMAL;
    Ok(counts.chunks_exact(N_MAGNITUDES).map(sigma).collect())
}

/// Shrinks the details of each channel as [`shrink`](super::shrink) does. `sigma` has one number per channel, in values
/// of 8 bits. Alpha and size are kept, and flat pictures stay flat. Memory: one more set of samples and a quarter of a
/// megabyte per thread. Runs on the rayon pool that the caller installed; the same samples for any number of threads.
///
/// # Panics
/// When the number of sigmas is not the number of channels.
pub fn shrink_deep(image: DeepImage, denoise: f64, sigma: &[f64]) -> DeepImage {
    Cancel::uncancelled(|cancel| shrink_deep_until(image, denoise, sigma, cancel))
}

/// Same as [`shrink_deep`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`shrink_deep`].
pub fn shrink_deep_until(
    image: DeepImage,
    denoise: f64,
    sigma: &[f64],
    cancel: &Cancel,
) -> Result<DeepImage, Cancelled> {
    let (n, stride) = (image.channels().count(), image.width() * image.channels().count());
    assert_eq!(sigma.len(), n, "one sigma per channel");
    let of_channel: Vec<[f32; 3]> = sigma.iter().map(|&sigma| thresholds(denoise, sigma)).collect();
    // One threshold per sample of a run of columns, so that interleaved channels are plain loops.
    let thresholds =
        [0, 1, 2].map(|scale| (0..COLUMNS * n).map(|i| of_channel[i % n][scale]).collect::<Vec<f32>>());
    let mut shrunk = vec![0u16; image.samples().len()];
    shrunk.par_chunks_mut(ROWS_PER_TASK * stride).enumerate().for_each(|(task, part)| {
        let top = task * ROWS_PER_TASK;
        blur(&image, top..top + part.len() / stride, 3, cancel, &mut |from, own: &[u16], blurred| {
            shrink_row(own, blurred, &thresholds, &mut part[from - top * stride..][..own.len()]);
        });
    });
    cancel.check()?;
    Ok(image.with_samples(shrunk))
}

/// Returns the thresholds of the three scales in 16-bit values.
fn thresholds(denoise: f64, sigma: f64) -> [f32; 3] {
    SHARES.map(|share| (denoise * share * sigma * PER_8_BIT_VALUE) as f32)
}

/// Restores a row: `v − clamp(v − once) − clamp(once − twice) − clamp(twice − thrice)` in f32, from left to right, rounded half
/// to even. The blurs come 2⁸, 2¹⁶ and 2²⁴ times as large as their samples.
fn shrink_row(own: &[u16], blurred: &[&[f32]], thresholds: &[Vec<f32>; 3], out: &mut [u16]) {
    let n = out.len();
    let (own, [once, twice, thrice]) = (&own[..n], [0, 1, 2].map(|scale| &blurred[scale][..n]));
    let [first, second, third] = thresholds.each_ref().map(|thresholds| &thresholds[..n]);
    // `f32::clamp` would check its bounds in every step.
    let clamp = |detail: f32, threshold: f32| detail.max(-threshold).min(threshold);
    for i in 0..n {
        let v = f32::from(own[i]);
        let once = once[i] * (1.0 / 256.0);
        let twice = twice[i] * (1.0 / 65_536.0);
        let thrice = thrice[i] * (1.0 / 16_777_216.0);
        let restored =
            v - clamp(v - once, first[i]) - clamp(once - twice, second[i]) - clamp(twice - thrice, third[i]);
        // The number is whole and not negative. The addition leaves it in the low mantissa bits.
        out[i] = (rounded(restored) + 8_388_608.0).to_bits() as u16;
    }
}
