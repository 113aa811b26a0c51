//! How colourful, towards which hue, and whether bright and dark places agree.

use super::{
    analysis::Analysis,
    counts::{deviation, percentile},
    lab,
};

pub(super) const N: usize = 18;

pub(super) const NAMES: [&str; N] = [
    "lab_a_mean",
    "lab_a_std_dev",
    "lab_b_mean",
    "lab_b_std_dev",
    "chroma_mean",
    "chroma_std_dev",
    "chroma_p10",
    "chroma_p90",
    "chroma_p99",
    "cast_over_spread",
    "saturation_mean",
    "saturation_std_dev",
    "saturation_p10",
    "saturation_p90",
    "bright_a",
    "bright_b",
    "dark_a",
    "dark_b",
];

/// Mean and population standard deviation of a*, b* and chroma; chroma's percentiles 10, 90, 99; |mean (a*, b*)| over
/// 1 + their common deviation; HSV's saturation (max − min) / (max + 1) with percentiles 10 and 90; mean a* and b*
/// where the luma reaches its 95th percentile and where it does not exceed its 5th.
///
/// Percentiles by nearest rank, of chroma in steps of 1/8, of saturation in steps of 1/1024.
pub(super) fn measure(analysis: &Analysis) -> [f64; N] {
    let (a, b) = lab::a_and_b(analysis.pixels());
    let chroma: Vec<i32> = a.iter().zip(&b).map(|(&a, &b)| length(a, b)).collect();
    let saturation: Vec<i32> = analysis.pixels().map(saturation).collect();
    let [(a_mean, a_spread), (b_mean, b_spread)] = [&a, &b].map(|v| moments(v));
    let (chroma_mean, chroma_spread) = moments(&chroma);
    let (saturation_mean, saturation_spread) = moments(&saturation);
    let [c10, c90, c99] = percentiles::<8, 3>(&chroma, [10, 90, 99]);
    let [s10, s90] = percentiles::<1024, 2>(&saturation, [10, 90]);
    let cast = (a_mean * a_mean + b_mean * b_mean).sqrt();
    let spread = (a_spread * a_spread + b_spread * b_spread).sqrt();
    let (bright, dark) = (analysis.luma_counts.percentile(95), analysis.luma_counts.percentile(5));
    let [bright_a, bright_b] = [&a, &b].map(|v| mean_where(v, &analysis.luma, |luma| luma >= bright));
    let [dark_a, dark_b] = [&a, &b].map(|v| mean_where(v, &analysis.luma, |luma| luma <= dark));
    [
        a_mean,
        a_spread,
        b_mean,
        b_spread,
        chroma_mean,
        chroma_spread,
        c10,
        c90,
        c99,
        cast / (spread + 1.0),
        saturation_mean,
        saturation_spread,
        s10,
        s90,
        bright_a,
        bright_b,
        dark_a,
        dark_b,
    ]
}

fn length(a: i32, b: i32) -> i32 {
    let (a, b) = (f64::from(a), f64::from(b));
    ((a * a + b * b).sqrt() + 0.5) as i32
}

/// In the unit of a* and b*, below one.
fn saturation([r, g, b]: [u8; 3]) -> i32 {
    let (most, least) = (i32::from(r.max(g).max(b)), i32::from(r.min(g).min(b)));
    // The quotient of f64 is at least 1/256 below the next whole number, or whole: as exact as dividing whole numbers, and
    // several times faster.
    (f64::from((most - least) * lab::ONE) / f64::from(most + 1)) as i32
}

/// Mean and population standard deviation of values in the unit of a* and b*.
fn moments(values: &[i32]) -> (f64, f64) {
    let (mut sum, mut squares) = (0, 0);
    for &v in values {
        sum += i64::from(v);
        squares += i64::from(v) * i64::from(v);
    }
    let (n, one) = (values.len() as u64, f64::from(lab::ONE));
    (sum as f64 / n as f64 / one, deviation(n, sum.into(), squares.into()) / one)
}

/// Percentiles of values from 0 on, rounded to steps of `1/N_STEPS`.
fn percentiles<const N_STEPS: i32, const N: usize>(values: &[i32], percents: [u64; N]) -> [f64; N] {
    let step = const { lab::ONE / N_STEPS };
    // The largest chroma of sRGB is 134, 1072 steps of an eighth; saturation ends at 1024 steps.
    let mut bins = [0; 2048];
    values.iter().for_each(|&v| bins[((v + step / 2) / step).min(2047) as usize] += 1);
    percents.map(|percent| percentile(&bins, percent) as f64 / f64::from(N_STEPS))
}

/// The mean of `values` where the luma is `wanted`; 0 when it nowhere is.
fn mean_where(values: &[i32], luma: &[u8], wanted: impl Fn(f64) -> bool) -> f64 {
    let wanted: [bool; 256] = std::array::from_fn(|luma| wanted(luma as f64));
    let (mut n, mut sum) = (0u32, 0);
    for (&v, _) in values.iter().zip(luma).filter(|&(_, &luma)| wanted[usize::from(luma)]) {
        n += 1;
        sum += i64::from(v);
    }
    sum as f64 / f64::from(n.max(1)) / f64::from(lab::ONE)
}
