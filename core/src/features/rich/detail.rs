//! Noise and sharpness of single pixels, in windows of the picture without the reduction to 256 px.

use super::{counts::percentile, gradient::Edges, windows::Window};
use crate::imaging::operators::gaussian_blur::reflect_101;

pub(super) const N: usize = 11;

pub(super) const NAMES: [&str; N] = [
    "log_noise_median",
    "log_noise_min",
    "log_noise_mean",
    "log_detail",
    "log_detail_blurred",
    "log_detail_ratio",
    "log_detail_gradient",
    "log_detail_max",
    "log_noise_red",
    "log_noise_green",
    "log_noise_blue",
];

/// Largest response of [`second_differences`].
const RESPONSE_MAX: usize = 8 * 255;

/// Taps of a Gaussian of sigma 1.5 px, in 1/256.
const BLUR: [u32; 9] = [2, 9, 28, 55, 68, 55, 28, 9, 2];

/// The value one in the unit of the blurred luma.
const UNIT: u32 = 16;

/// Returns ln(x + 0.1) of statistics x over the windows, at least ln 0.1 = −2.3, and one difference of two logarithms.
///
/// - `log_noise_median`, `log_noise_min`: median and minimum of the luma's noise, estimated by the median.
/// - `log_noise_mean`: mean of the luma's noise, estimated by the mean.
/// - `log_detail`: mean of the luma's Laplacian variance. `log_detail_blurred`: the same after a blur of 1.5 px.
/// - `log_detail_ratio`: `log_detail − log_detail_blurred`.
/// - `log_detail_gradient`: mean of the luma's mean Sobel magnitude.
/// - `log_detail_max`: maximum of the luma's Laplacian variance.
/// - `log_noise_red`, `log_noise_green`, `log_noise_blue`: median of the channel's noise, estimated by the median.
///
/// Noise is the standard deviation of white noise that would give the measured second differences d (Immerkær 1996).
/// It is estimated as median |d| / 0.6745 / 6, or as mean |d| · √(π/2) / 6. The outermost pixels of a window are left
/// out; only the blur reflects them (reflect-101).
pub(super) fn measure(windows: &[Window]) -> [f64; N] {
    let (mut medians, mut means) = (Vec::new(), Vec::new());
    let (mut laplacians, mut blurred, mut gradients) = (Vec::new(), Vec::new(), Vec::new());
    for window in windows {
        let weights = window.weights.as_deref();
        let noise = Noise::of(&window.luma, weights, window.width);
        medians.push(noise.by_median);
        means.push(noise.by_mean);
        let edges = Edges::inside(&window.luma, weights, window.width);
        laplacians.push(edges.laplacian_variance(1.0));
        gradients.push(edges.mean_gradient(1.0));
        let smooth = Edges::inside(&blur(&window.luma, window.width), weights, window.width);
        blurred.push(smooth.laplacian_variance(f64::from(UNIT)));
    }
    let [red, green, blue] = [0, 1, 2].map(|c: usize| {
        let noise = windows
            .iter()
            .map(|window| Noise::of(&window.planes[c], window.weights.as_deref(), window.width).by_median);
        log(median(noise.collect()))
    });
    let (detail, detail_blurred) = (log(mean(&laplacians)), log(mean(&blurred)));
    [
        log(median(medians.clone())),
        log(medians.into_iter().fold(f64::MAX, f64::min)),
        log(mean(&means)),
        detail,
        detail_blurred,
        detail - detail_blurred,
        log(mean(&gradients)),
        log(laplacians.into_iter().fold(0.0, f64::max)),
        red,
        green,
        blue,
    ]
}

fn log(value: f64) -> f64 {
    libm::log(value + 0.1)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the middle value, or the mean of the two middle values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    f64::midpoint(values[(n - 1) / 2], values[n / 2])
}

/// Two estimates of a plane's noise, as standard deviations.
struct Noise {
    by_median: f64,
    by_mean: f64,
}

impl Noise {
    fn of(plane: &[u8], weights: Option<&[u8]>, width: usize) -> Self {
        let bins = match weights {
            None => second_differences(plane, width),
            Some(weights) => weighed_second_differences(plane, weights, width),
        };
        let (mut n, mut sum) = (0, 0);
        for (&count, size) in bins.iter().zip(0..) {
            n += u64::from(count);
            sum += u64::from(count) * size;
        }
        let mean = if n == 0 { 0.0 } else { sum as f64 / n as f64 };
        Self {
            // 0.6745 is the normal distribution's upper quartile. 6 is the square root of the mask's sum of squares.
            by_median: percentile(&bins, 50) as f64 / 0.6745 / 6.0,
            by_mean: mean * std::f64::consts::FRAC_PI_2.sqrt() / 6.0,
        }
    }
}

/// Counts how often each |response| of the mask 1 −2 1, applied across and down, occurs inside a plane.
fn second_differences(plane: &[u8], width: usize) -> Vec<u32> {
    // Neighbours often have equal responses. Adding to the same counter twice in a row has to wait for the first
    // result, so four neighbours use four counters.
    let mut bins = vec![[0; 4]; RESPONSE_MAX + 1];
    let mut sizes = vec![0u16; width - 2];
    for three in plane.windows(3 * width).step_by(width) {
        let (above, rest) = three.split_at(width);
        let (here, below) = rest.split_at(width);
        for (x, size) in sizes.iter_mut().enumerate() {
            let down =
                |i: usize| i16::from(above[x + i]) - 2 * i16::from(here[x + i]) + i16::from(below[x + i]);
            *size = (down(0) - 2 * down(1) + down(2)).unsigned_abs();
        }
        let (fours, rest) = sizes.as_chunks::<4>();
        for four in fours {
            for (i, &size) in four.iter().enumerate() {
                bins[usize::from(size)][i] += 1;
            }
        }
        rest.iter().for_each(|&size| bins[usize::from(size)][0] += 1);
    }
    bins.iter().map(|four| four.iter().sum()).collect()
}

/// Same as [`second_differences`], where each place counts as often as the weight of its middle sample says.
fn weighed_second_differences(plane: &[u8], weights: &[u8], width: usize) -> Vec<u32> {
    let mut bins = vec![0; RESPONSE_MAX + 1];
    for (three, weights) in plane.windows(3 * width).step_by(width).zip(weights[width..].chunks_exact(width))
    {
        let down = |x: usize| {
            let [above, here, below] = [0, 1, 2].map(|row| i32::from(three[row * width + x]));
            above - 2 * here + below
        };
        for (x, &weight) in weights.iter().enumerate().take(width - 1).skip(1) {
            let response = (down(x - 1) - 2 * down(x) + down(x + 1)).unsigned_abs();
            bins[response as usize] += u32::from(weight);
        }
    }
    bins
}

/// Returns the plane blurred by 1.5 px, in units of 1/16. Border: reflect-101.
fn blur(plane: &[u8], width: usize) -> Vec<u16> {
    let (height, reach) = (plane.len() / width, BLUR.len() as isize / 2);
    let columns: Vec<usize> = (-reach..width as isize + reach).map(|x| reflect_101(x, width)).collect();
    let mut padded = vec![0u16; columns.len()];
    let mut across = vec![0u16; plane.len()];
    for (out, row) in across.chunks_exact_mut(width).zip(plane.chunks_exact(width)) {
        padded.iter_mut().zip(&columns).for_each(|(v, &x)| *v = u16::from(row[x]));
        for (shift, &tap) in BLUR.iter().enumerate() {
            // The sum is at most 255 · 256, which fits 16 bits.
            out.iter_mut().zip(&padded[shift..]).for_each(|(sum, &v)| *sum += tap as u16 * v);
        }
    }
    let mut sums = vec![0u32; width];
    let mut out = Vec::with_capacity(plane.len());
    for y in 0..height as isize {
        sums.fill(0);
        for (&tap, near) in BLUR.iter().zip(y - reach..) {
            let row = &across[reflect_101(near, height) * width..][..width];
            sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum += tap * u32::from(v));
        }
        let scale = 256 * 256 / UNIT;
        out.extend(sums.iter().map(|&sum| ((sum + scale / 2) / scale) as u16));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blur_is_a_gaussian_of_sigma_one_and_a_half() {
        assert_eq!(BLUR.iter().sum::<u32>(), 256);
        let variance: f64 = BLUR.iter().zip(-4i32..).map(|(&tap, x)| f64::from(tap) * f64::from(x * x)).sum();
        assert!((variance / 256.0 - 2.25).abs() < 0.1, "{variance}");
        assert_eq!(blur(&[200; 63], 9), [200 * 16; 63]);
        let mut dot = vec![0; 11 * 11];
        dot[5 * 11 + 5] = 255;
        // 255 · 68² / 256² in sixteenths.
        assert_eq!(blur(&dot, 11)[5 * 11 + 5], 288);
    }

    #[test]
    fn a_plane_is_no_noise_and_a_dot_is_the_mask() {
        let ramp: Vec<u8> = (0..90).map(|i| (3 * (i % 10) + 5 * (i / 10)) as u8).collect();
        assert_eq!(second_differences(&ramp, 10)[0], 8 * 7);
        let mut dot = vec![0; 81];
        dot[4 * 9 + 4] = 10;
        let bins = second_differences(&dot, 9);
        assert_eq!([bins[10], bins[20], bins[40], bins[0]], [4, 4, 1, 40]);
        assert_eq!(weighed_second_differences(&dot, &[1; 81], 9), bins);
        let mut weights = [0; 81];
        weights[4 * 9 + 4] = 200;
        assert_eq!(weighed_second_differences(&dot, &weights, 9)[40], 200);
    }

    #[test]
    fn medians_of_even_numbers_lie_between() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 9.0]), 4.0);
    }
}
