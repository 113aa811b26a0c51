//! The feature `color_balance_need`: how much a picture seems to need colour correction (the first system's
//! heuristic).

use rayon::prelude::*;

use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Channels, Image,
        alpha::{self, Measured},
    },
};

/// Pixels that one task sums.
const PIXELS_PER_TASK: usize = 1 << 16;

/// Returns `min(1, 0.4·deviation + 0.4·cast + 0.2·min(1, spread))`, 0 to 1; 0 for a grey picture.
///
/// - Deviation: mean absolute distance of the channel means from their mean, divided by that mean.
/// - Cast: largest minus smallest channel mean, divided by the largest.
/// - Spread: standard deviation of the channels' standard deviations, divided by their mean + 10⁻⁶.
///
/// Deviation and cast of a black picture are 0. All standard deviations are population ones. Cost: one pass.
pub fn color_balance_need(image: &Image, cancel: &Cancel) -> Result<f64, Cancelled> {
    if image.channels() == Channels::Grey {
        return Ok(0.0);
    }
    let (means, deviations) = channel_statistics(image, cancel)?;
    let overall = mean(&means);
    let deviation = if overall > 0.0 { mean(&means.map(|m| (m - overall).abs())) / overall } else { 0.0 };
    let largest = means.into_iter().fold(f64::MIN, f64::max);
    let smallest = means.into_iter().fold(f64::MAX, f64::min);
    let cast = if largest > 0.0 { (largest - smallest) / largest } else { 0.0 };
    let centre = mean(&deviations);
    let spread = mean(&deviations.map(|d| (d - centre) * (d - centre))).sqrt() / (centre + 1e-6);
    Ok((0.4 * deviation + 0.4 * cast + 0.2 * spread.min(1.0)).min(1.0))
}

fn mean(values: &[f64; 3]) -> f64 {
    (values[0] + values[1] + values[2]) / 3.0
}

/// Returns mean and population standard deviation of each channel, from exact whole sums.
fn channel_statistics(image: &Image, cancel: &Cancel) -> Result<([f64; 3], [f64; 3]), Cancelled> {
    // The sums are whole numbers, so any order of adding them is exact.
    let sum = |samples: &[u8]| if cancel.is_cancelled() { Default::default() } else { sums_of(samples) };
    let parts = image.samples().par_chunks(3 * PIXELS_PER_TASK);
    let (sums, n) = match alpha::measured(image) {
        Measured::Equally => (parts.map(sum).reduce(Default::default, added), image.n_pixels() as u128),
        Measured::Weighed(alpha) => {
            let weigh = |(samples, alpha): (&[u8], &[u8])| {
                if cancel.is_cancelled() { Default::default() } else { weighed_sums_of(samples, alpha) }
            };
            let sums =
                parts.zip(alpha.par_chunks(PIXELS_PER_TASK)).map(weigh).reduce(Default::default, added);
            (sums, alpha.iter().map(|&a| u128::from(a)).sum())
        }
        Measured::Nothing => (ChannelSums::default(), 1),
    };
    cancel.check()?;
    let means = sums.map(|[sum, _]| sum as f64 / n as f64);
    // n·Σv² − (Σv)² is exact, so flat channels have a deviation of exactly 0.
    let deviation = |[sum, squares]: [u64; 2]| {
        let spread = n * u128::from(squares) - u128::from(sum) * u128::from(sum);
        (spread as f64).sqrt() / n as f64
    };
    Ok((means, sums.map(deviation)))
}

/// Sum and sum of squares of each channel.
type ChannelSums = [[u64; 2]; 3];

fn sums_of(samples: &[u8]) -> ChannelSums {
    let mut sums = ChannelSums::default();
    for pixel in samples.as_chunks::<3>().0 {
        for (sum, &v) in sums.iter_mut().zip(pixel) {
            sum[0] += u64::from(v);
            sum[1] += u64::from(v) * u64::from(v);
        }
    }
    sums
}

/// Same as [`sums_of`], where each pixel counts as often as its alpha says.
fn weighed_sums_of(samples: &[u8], alpha: &[u8]) -> ChannelSums {
    let mut sums = ChannelSums::default();
    for (pixel, &a) in samples.as_chunks::<3>().0.iter().zip(alpha) {
        for (sum, &v) in sums.iter_mut().zip(pixel) {
            let [a, v] = [a, v].map(u64::from);
            sum[0] += a * v;
            sum[1] += a * v * v;
        }
    }
    sums
}

fn added(mut a: ChannelSums, b: ChannelSums) -> ChannelSums {
    for (a, b) in a.as_flattened_mut().iter_mut().zip(b.as_flattened()) {
        *a += b;
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_cast_follows_the_formula() {
        let image = Image::new(2, 2, Channels::Rgb, [200, 100, 0].repeat(4), None).unwrap();
        let expected = 0.4 * (200.0 / 3.0 / 100.0) + 0.4;
        assert!((color_balance_need(&image, &Cancel::never()).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn tasks_leave_no_pixel_out() {
        let (width, height) = (300, 500);
        let samples: Vec<u8> = (0..width * height * 3).map(|i| (i * i / 7 % 256) as u8).collect();
        let image = Image::new(width, height, Channels::Rgb, samples.clone(), None).unwrap();
        assert!(image.n_pixels() > 2 * PIXELS_PER_TASK);
        let sums = sums_of(&samples);
        let means = std::array::from_fn(|c| sums[c][0] as f64 / (width * height) as f64);
        assert_eq!(channel_statistics(&image, &Cancel::never()).unwrap().0, means);
    }
}
