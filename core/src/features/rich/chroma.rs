//! Colourfulness, hue, and the colours of bright and of dark places.

use super::{
    analysis::AnalysisPicture,
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

/// Returns statistics of CIE a* (−86 to 98), b* (−108 to 95), chroma (0 to 134) and saturation (0 to 1).
///
/// - `lab_a_…`, `lab_b_…`: mean and population standard deviation of a* and of b*.
/// - `chroma_…`: mean, population standard deviation and percentiles 10, 90, 99 of `√(a*² + b*²)`, in steps of 1/8.
/// - `cast_over_spread`: length of the mean (a*, b*), divided by 1 + √(variance of a* + variance of b*); at least 0.
/// - `saturation_…`: mean, population standard deviation and percentiles 10, 90 of (max − min) / (max + 1) of the
///   three channels, as in HSV. Percentiles are in steps of 1/1024.
/// - `bright_a`, `bright_b`: mean a* and b* where the luma is at least its 95th percentile.
/// - `dark_a`, `dark_b`: mean a* and b* where the luma is at most its 5th percentile.
///
/// Percentiles are by nearest rank. Pixels weigh by their alpha.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let (a, b) = lab::a_and_b(analysis.pixels());
    let chroma: Vec<i32> = a.iter().zip(&b).map(|(&a, &b)| length(a, b)).collect();
    let saturation: Vec<i32> = analysis.pixels().map(saturation).collect();
    let weights = analysis.weights.as_deref();
    let [(a_mean, a_spread), (b_mean, b_spread)] = [&a, &b].map(|v| moments(v, weights));
    let (chroma_mean, chroma_spread) = moments(&chroma, weights);
    let (saturation_mean, saturation_spread) = moments(&saturation, weights);
    let [c10, c90, c99] = percentiles::<8, 3>(&chroma, weights, [10, 90, 99]);
    let [s10, s90] = percentiles::<1024, 2>(&saturation, weights, [10, 90]);
    let cast = (a_mean * a_mean + b_mean * b_mean).sqrt();
    let spread = (a_spread * a_spread + b_spread * b_spread).sqrt();
    let (bright, dark) = (analysis.luma_counts.percentile(95), analysis.luma_counts.percentile(5));
    let [bright_a, bright_b] = [&a, &b].map(|v| mean_where(v, analysis, |luma| luma >= bright));
    let [dark_a, dark_b] = [&a, &b].map(|v| mean_where(v, analysis, |luma| luma <= dark));
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

/// Returns `√(a² + b²)`, rounded.
fn length(a: i32, b: i32) -> i32 {
    let (a, b) = (f64::from(a), f64::from(b));
    ((a * a + b * b).sqrt() + 0.5) as i32
}

/// Returns the saturation in the unit of a* and b*; it is below one.
fn saturation([r, g, b]: [u8; 3]) -> i32 {
    let (most, least) = (i32::from(r.max(g).max(b)), i32::from(r.min(g).min(b)));
    // The exact quotient is whole or at least 1/256 below the next whole number. So f64 truncates to the same number
    // as dividing whole numbers would, several times faster.
    (f64::from((most - least) * lab::ONE) / f64::from(most + 1)) as i32
}

/// Returns mean and population standard deviation of values in the unit of a* and b*.
fn moments(values: &[i32], weights: Option<&[u8]>) -> (f64, f64) {
    if let Some(weights) = weights {
        let (mut n, mut sum, mut squares) = (0, 0, 0);
        for (&v, &w) in values.iter().zip(weights) {
            let (v, w) = (i128::from(v), u64::from(w));
            (n, sum, squares) = (n + w, sum + i128::from(w) * v, squares + i128::from(w) * v * v);
        }
        let one = f64::from(lab::ONE);
        return (sum as f64 / n as f64 / one, deviation(n, sum, squares) / one);
    }
    let (mut sum, mut squares) = (0, 0);
    for &v in values {
        sum += i64::from(v);
        squares += i64::from(v) * i64::from(v);
    }
    let (n, one) = (values.len() as u64, f64::from(lab::ONE));
    (sum as f64 / n as f64 / one, deviation(n, sum.into(), squares.into()) / one)
}

/// Returns percentiles of values that are at least 0, rounded to steps of `1/N_STEPS`.
fn percentiles<const N_STEPS: i32, const N: usize>(
    values: &[i32],
    weights: Option<&[u8]>,
    percents: [u64; N],
) -> [f64; N] {
    let step = const { lab::ONE / N_STEPS };
    // The largest chroma of sRGB is 134 or 1072 steps of 1/8; saturation ends at 1024 steps.
    let mut bins = [0; 2048];
    let bin = |v: i32| ((v + step / 2) / step).min(2047) as usize;
    match weights {
        None => values.iter().for_each(|&v| bins[bin(v)] += 1),
        Some(weights) => values.iter().zip(weights).for_each(|(&v, &w)| bins[bin(v)] += u32::from(w)),
    }
    percents.map(|percent| percentile(&bins, percent) as f64 / f64::from(N_STEPS))
}

/// Returns the mean of `values` where the luma is `wanted`, 0 if there is no such place.
fn mean_where(values: &[i32], analysis: &AnalysisPicture, wanted: impl Fn(f64) -> bool) -> f64 {
    let wanted: [bool; 256] = std::array::from_fn(|luma| wanted(luma as f64));
    let (mut n, mut sum) = (0u32, 0);
    let weights = analysis.weights.as_deref();
    for (i, &v) in values.iter().enumerate().filter(|&(i, _)| wanted[usize::from(analysis.luma[i])]) {
        let weight = weights.map_or(1, |weights| weights[i]);
        n += u32::from(weight);
        sum += i64::from(weight) * i64::from(v);
    }
    sum as f64 / f64::from(n.max(1)) / f64::from(lab::ONE)
}
