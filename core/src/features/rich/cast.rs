//! The colour of the light: how the channels relate at the mean and at four percentiles.

use super::analysis::Analysis;

pub(super) const N: usize = 10;

pub(super) const NAMES: [&str; N] = [
    "log_red_green",
    "log_blue_green",
    "log_red_green_p5",
    "log_blue_green_p5",
    "log_red_green_p50",
    "log_blue_green_p50",
    "log_red_green_p95",
    "log_blue_green_p95",
    "log_red_green_p99",
    "log_blue_green_p99",
];

/// ln((red + k) / (green + k)) and the same of blue: of the means with k = 1 ("grey world"), then of the percentiles
/// 5, 50, 95 and 99 with k = 4, which keeps steps of near-black values small (the last is "white patch").
pub(super) fn measure(analysis: &Analysis) -> [f64; N] {
    let mut values = [0.0; N];
    let (pairs, _) = values.as_chunks_mut::<2>();
    pairs[0] = against_green(analysis.counts.each_ref().map(|counts| counts.mean() + 1.0));
    for (pair, percent) in pairs[1..].iter_mut().zip([5, 50, 95, 99]) {
        *pair = against_green(analysis.counts.each_ref().map(|counts| counts.percentile(percent) + 4.0));
    }
    values
}

/// ln(red / green), ln(blue / green).
pub(super) fn against_green([red, green, blue]: [f64; 3]) -> [f64; 2] {
    [libm::log(red / green), libm::log(blue / green)]
}
