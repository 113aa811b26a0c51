//! Colour cast: how the channels relate at the mean and at four percentiles.

use super::analysis::AnalysisPicture;

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

/// Returns ln((red + k) / (green + k)) and ln((blue + k) / (green + k)) of five statistics.
///
/// - `log_red_green`, `log_blue_green`: of the channels' means, k = 1 ("grey world"); −5.6 to 5.6.
/// - `…_p5`, `…_p50`, `…_p95`, `…_p99`: of these percentiles, k = 4; −4.2 to 4.2. The larger k keeps steps of nearly
///   black values small. `…_p99` is known as "white patch".
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let mut values = [0.0; N];
    let (pairs, _) = values.as_chunks_mut::<2>();
    pairs[0] = against_green(analysis.counts.each_ref().map(|counts| counts.mean() + 1.0));
    for (pair, percent) in pairs[1..].iter_mut().zip([5, 50, 95, 99]) {
        *pair = against_green(analysis.counts.each_ref().map(|counts| counts.percentile(percent) + 4.0));
    }
    values
}

/// Returns ln(red / green) and ln(blue / green).
pub(super) fn against_green([red, green, blue]: [f64; 3]) -> [f64; 2] {
    [libm::log(red / green), libm::log(blue / green)]
}
