//! Relations between the channels: edges, correlations, contrasts.

use super::{analysis::AnalysisPicture, cast::against_green, gradient::Edges};

pub(super) const N: usize = 7;

pub(super) const NAMES: [&str; N] = [
    "edge_red_green",
    "edge_blue_green",
    "correlation_red_green",
    "correlation_red_blue",
    "correlation_green_blue",
    "contrast_red_green",
    "contrast_blue_green",
];

/// Returns seven relations between the channels.
///
/// - `edge_red_green`, `edge_blue_green`: ln of the ratio of the channels' mean Sobel magnitudes, each plus 1 ("grey
///   edge"; van de Weijer et al. 2007).
/// - `correlation_red_green`, `correlation_red_blue`, `correlation_green_blue`: −1 to 1.
/// - `contrast_red_green`, `contrast_blue_green`: ln of the ratio of the channels' sample standard deviations.
///
/// Each variance is enlarged by 1, so the correlation of flat channels is 0.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let slopes = analysis.planes.each_ref().map(|plane| {
        let edges = Edges::whole(plane, analysis.weights.as_deref(), analysis.width);
        edges.mean_gradient(1.0) + 1.0
    });
    let covariance = |a: usize, b: usize| {
        let (a, b) = (&analysis.planes[a], &analysis.planes[b]);
        analysis
            .weights
            .as_ref()
            .map_or_else(|| covariance(a, b), |weights| weighed_covariance(a, b, weights))
    };
    let spreads = [0, 1, 2].map(|c| (covariance(c, c) + 1.0).sqrt());
    let correlation = |a: usize, b: usize| covariance(a, b) / (spreads[a] * spreads[b]);
    let ([edge_rg, edge_bg], [contrast_rg, contrast_bg]) = (against_green(slopes), against_green(spreads));
    [edge_rg, edge_bg, correlation(0, 1), correlation(0, 2), correlation(1, 2), contrast_rg, contrast_bg]
}

/// Returns the sample covariance of two planes, from exact sums.
fn covariance(a: &[u8], b: &[u8]) -> f64 {
    // Products of 2¹⁶ samples sum within 32 bits.
    let products = a.chunks(1 << 16).zip(b.chunks(1 << 16)).map(|(a, b)| {
        let products = a.iter().zip(b).map(|(&a, &b)| u32::from(a) * u32::from(b));
        i64::from(products.sum::<u32>())
    });
    let sum = |plane: &[u8]| plane.iter().map(|&v| u32::from(v)).sum::<u32>();
    let n = a.len() as i64;
    let exact = n * products.sum::<i64>() - i64::from(sum(a)) * i64::from(sum(b));
    exact as f64 / (n * (n - 1)) as f64
}

/// Returns the covariance of two planes whose samples weigh by alpha: 255 counts as one sample. For equal weights of 255 it is
/// [`covariance`].
fn weighed_covariance(a: &[u8], b: &[u8], weights: &[u8]) -> f64 {
    let (mut n, mut products, mut sums) = (0i128, 0i128, [0i128; 2]);
    for ((&a, &b), &w) in a.iter().zip(b).zip(weights) {
        let [a, b, w] = [a, b, w].map(i64::from);
        n += i128::from(w);
        products += i128::from(w * a * b);
        sums = [sums[0] + i128::from(w * a), sums[1] + i128::from(w * b)];
    }
    (n * products - sums[0] * sums[1]) as f64 / (n * (n - 255).max(1)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covariances_follow_the_formula() {
        assert_eq!(covariance(&[1, 2, 3], &[10, 20, 60]), 25.0);
        assert_eq!(covariance(&[255; 65536], &[255; 65536]), 0.0);
        let (a, b) = ([1, 2, 9, 3], [10, 20, 7, 60]);
        assert_eq!(weighed_covariance(&a, &b, &[255, 255, 0, 255]), 25.0);
    }
}
