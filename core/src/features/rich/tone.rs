//! Tone: the distribution of each channel's values and of the luma's.

use super::{analysis::AnalysisPicture, counts::ValueCounts};

pub(super) const N: usize = 42;

pub(super) const NAMES: [&str; N] = [
    "red_mean",
    "red_std_dev",
    "red_p1",
    "red_p5",
    "red_p25",
    "red_p50",
    "red_p75",
    "red_p95",
    "red_p99",
    "red_skewness",
    "green_mean",
    "green_std_dev",
    "green_p1",
    "green_p5",
    "green_p25",
    "green_p50",
    "green_p75",
    "green_p95",
    "green_p99",
    "green_skewness",
    "blue_mean",
    "blue_std_dev",
    "blue_p1",
    "blue_p5",
    "blue_p25",
    "blue_p50",
    "blue_p75",
    "blue_p95",
    "blue_p99",
    "blue_skewness",
    "luma_mean",
    "luma_std_dev",
    "luma_p1",
    "luma_p5",
    "luma_p25",
    "luma_p50",
    "luma_p75",
    "luma_p95",
    "luma_p99",
    "luma_entropy",
    "clipped_dark",
    "clipped_bright",
];

/// Largest luma that counts as clipped to black. `255 − CLIPPED` is the smallest that counts as clipped to white.
const CLIPPED: usize = 2;

/// Returns the statistics of red, green, blue and luma.
///
/// - `…_mean`, `…_std_dev`, `…_p1` to `…_p99`: mean, population standard deviation, and percentiles by nearest rank;
///   0–255.
/// - `red_skewness`, `green_skewness`, `blue_skewness`: third central moment divided by (standard deviation³ + 0.001).
/// - `luma_entropy`: Shannon entropy of the luma's values, 0–8 bits.
/// - `clipped_dark`, `clipped_bright`: shares of pixels with luma ≤ 2 and with luma ≥ 253, 0–1.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let [red, green, blue] = &analysis.counts;
    let luma = &analysis.luma_counts;
    let mut values = [0.0; N];
    let (tens, shares) = values.as_chunks_mut::<10>();
    tens.copy_from_slice(&[
        ten(red, red.skewness()),
        ten(green, green.skewness()),
        ten(blue, blue.skewness()),
        ten(luma, luma.entropy()),
    ]);
    shares.copy_from_slice(&[luma.share(0..=CLIPPED), luma.share(255 - CLIPPED..=255)]);
    values
}

fn ten(counts: &ValueCounts, shape: f64) -> [f64; 10] {
    let [p1, p5, p25, p50, p75, p95, p99] = [1, 5, 25, 50, 75, 95, 99].map(|q| counts.percentile(q));
    [counts.mean(), counts.std_dev(), p1, p5, p25, p50, p75, p95, p99, shape]
}
