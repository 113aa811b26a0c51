//! Grey-world white balance to mid grey: each channel is scaled so that its mean becomes 128.
//!
//! Definition matched (the first system's): `x · (128 / mean)` in f64, clipped to 0–255, truncated. Acts on the
//! stored (encoded) values. A channel with mean 0 stays as it is.

use rayon::prelude::*;

use super::sample_tables::{self, SampleTable};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Image,
        alpha::{self, Measured},
    },
};

/// Pixels that one task sums.
const PIXELS_PER_TASK: usize = 1 << 16;

/// The mean of every channel after the correction, in stored values.
const TARGET_MEAN: f64 = 128.0;

/// Returns one gain per channel, `128 / mean`, and 1 for a black channel. Receipts record them. Cost: one pass over the
/// samples; whole sums, so the same for any number of threads. Pixels weigh by their alpha.
pub fn gains(image: &Image) -> Vec<f64> {
    Cancel::uncancelled(|cancel| gains_until(image, cancel))
}

/// Same as [`gains`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
pub fn gains_until(image: &Image, cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
    let n = image.channels().count();
    match alpha::measured(image) {
        Measured::Equally => {}
        Measured::Weighed(alpha) => return weighed_gains(image, alpha, cancel),
        Measured::Nothing => return Ok(vec![1.0; n]),
    }
    // Sums are whole: adding them up in any order is exact.
    let parts = image
        .samples()
        .par_chunks(n * PIXELS_PER_TASK)
        .map(|samples| if cancel.is_cancelled() { [0; 3] } else { sums(samples, n) });
    let sums = parts.reduce(|| [0; 3], |a, b| std::array::from_fn(|c| a[c] + b[c]));
    cancel.check()?;
    Ok(sums[..n].iter().map(|&sum| gain(sum, image.n_pixels() as u64)).collect())
}

/// Returns the gains of means that are weighed by alpha.
fn weighed_gains(image: &Image, alpha: &[u8], cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
    let n = image.channels().count();
    let sum = |(samples, alpha): (&[u8], &[u8])| {
        let mut sums = [0u64; 4];
        if cancel.is_cancelled() {
            return sums;
        }
        for (pixel, &a) in samples.chunks_exact(n).zip(alpha) {
            let a = u64::from(a);
            sums[3] += a;
            sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += a * u64::from(v));
        }
        sums
    };
    let parts =
        image.samples().par_chunks(n * PIXELS_PER_TASK).zip(alpha.par_chunks(PIXELS_PER_TASK)).map(sum);
    let sums = parts.reduce(|| [0; 4], |a, b| std::array::from_fn(|c| a[c] + b[c]));
    cancel.check()?;
    Ok(sums[..n].iter().map(|&sum| gain(sum, sums[3])).collect())
}

/// Samples that are summed at a time: whole pixels of one channel and of three, and whole words of eight.
const BLOCK: usize = 24;

/// Every second byte of a word.
const SECOND_BYTES: u64 = 0x00FF_00FF_00FF_00FF;

/// Returns the sums of `n` interleaved channels.
///
/// A word of eight samples is added as two words of four, the even and the odd bytes, in 16 bits each. This is plain
/// 64-bit code on any CPU, and the pass is bound by memory:
///
/// ```text
/// word                  b7 b6 b5 b4 b3 b2 b1 b0
/// even += word & mask      b6    b4    b2    b0
/// odd  += word >> 8 & mask b7    b5    b3    b1
/// ```
fn sums(samples: &[u8], n: usize) -> [u64; 3] {
    let (blocks, rest) = samples.as_chunks::<BLOCK>();
    let mut sums = [0; 3];
    // 16 bits hold the sum of 257 samples: 257 · 255 = 65535.
    for blocks in blocks.chunks(257) {
        let (mut even, mut odd) = ([0; BLOCK / 8], [0; BLOCK / 8]);
        for block in blocks {
            for (i, word) in block.as_chunks::<8>().0.iter().enumerate() {
                let word = u64::from_le_bytes(*word);
                even[i] += word & SECOND_BYTES;
                odd[i] += word >> 8 & SECOND_BYTES;
            }
        }
        for at in 0..BLOCK {
            let words = if at % 2 == 0 { even } else { odd };
            sums[at % n] += words[at / 8] >> (at % 8 / 2 * 16) & 0xFFFF;
        }
    }
    rest.iter().enumerate().for_each(|(i, &v)| sums[i % n] += u64::from(v));
    sums
}

/// Returns the gain of a channel. The sum is a whole number below 2⁵³, so the mean is rounded once.
pub(crate) fn gain(sum: u64, n_pixels: u64) -> f64 {
    if sum == 0 { 1.0 } else { TARGET_MEAN / (sum as f64 / n_pixels as f64) }
}

/// Returns the table of a gain: the new value of each of the 256 sample values, truncated.
pub fn table(gain: f64) -> SampleTable {
    std::array::from_fn(|v| (v as f64 * gain).clamp(0.0, 255.0) as u8)
}

/// Applies one gain per channel, in place. Alpha is kept. Cost: one look-up per sample.
///
/// # Panics
/// When the number of gains is not the number of channels.
pub fn apply(image: Image, gains: &[f64]) -> Image {
    let tables: Vec<SampleTable> = gains.iter().map(|&gain| table(gain)).collect();
    sample_tables::apply(image, &tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn a_channel_is_brought_to_128_and_truncated() {
        let image = Image::new(2, 1, Channels::Rgb, vec![10, 0, 100, 30, 0, 255], None).unwrap();
        let gains = gains(&image);
        assert_eq!(gains, [6.4, 1.0, 128.0 / 177.5]);
        // 100 · 0.7211… = 72.1…, 255 · 0.7211… = 183.8…: truncated, not rounded.
        let tables: Vec<SampleTable> = gains.into_iter().map(table).collect();
        assert_eq!(sample_tables::apply(image, &tables).samples(), [64, 0, 72, 192, 0, 183]);
    }

    #[test]
    fn a_gain_of_one_changes_nothing() {
        assert!(table(1.0).iter().enumerate().all(|(v, &t)| v == usize::from(t)));
    }

    #[test]
    fn tasks_leave_no_pixel_out() {
        let (width, height) = (300, 500);
        let samples: Vec<u8> = (0..width * height * 3).map(|i| (i * i / 7 % 256) as u8).collect();
        let image = Image::new(width, height, Channels::Rgb, samples.clone(), None).unwrap();
        let sum = |c| samples.iter().skip(c).step_by(3).map(|&v| u64::from(v)).sum();
        assert_eq!(gains(&image), [0, 1, 2].map(|c| gain(sum(c), (width * height) as u64)));
    }
}
