//! Texture of the analysis picture's luma: local contrast in windows of two sizes, and edges at three scales.

use super::{analysis::AnalysisPicture, counts::percentile, gradient::Edges};
use crate::imaging::operators::{area_resize::area_averages, gaussian_blur::reflect_101};

pub(super) const N: usize = 12;

pub(super) const NAMES: [&str; N] = [
    "contrast_7_mean",
    "contrast_7_p90",
    "contrast_7_p10",
    "contrast_31_mean",
    "contrast_31_p90",
    "contrast_31_p10",
    "log_laplacian_1",
    "log_gradient_1",
    "log_laplacian_2",
    "log_gradient_2",
    "log_laplacian_4",
    "log_gradient_4",
];

/// Local standard deviations are counted in steps of one over this.
const STEPS: usize = 32;

/// The value one in the unit of reduced luma.
const UNIT: u32 = 16;

/// Smallest side of a reduced luma, in pixels. A shorter side is not reduced.
const SIDE_MIN: usize = 8;

/// Returns local contrasts and logarithms of edges. Border: reflect-101. Pixels weigh by their alpha.
///
/// - `contrast_7_…`, `contrast_31_…`: mean and percentiles 90 and 10 of the population standard deviation within 7×7
///   and within 31×31; 0 to 127.5, percentiles in steps of 1/32.
/// - `log_laplacian_1`, `…_2`, `…_4`: ln(0.1 + variance of the Laplacian) of the luma, and of the luma reduced to
///   half and to a quarter by area averaging.
/// - `log_gradient_1`, `…_2`, `…_4`: ln(0.1 + mean Sobel magnitude), at the same scales.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let (width, height) = (analysis.width, analysis.height);
    let weights = analysis.weights.as_deref();
    let [m7, h7, l7] = contrast(&analysis.luma, weights, width, 3);
    let [m31, h31, l31] = contrast(&analysis.luma, weights, width, 15);
    let [l1, g1] = logs(&Edges::whole(&analysis.luma, weights, width), 1.0);
    let [[l2, g2], [l4, g4]] = [1, 2].map(|halvings: usize| {
        let side = |n: usize| (n >> halvings).max(SIDE_MIN).min(n);
        let round = |sum: u64, n: u64| ((u64::from(UNIT) * sum + n / 2) / n) as u16;
        let reduced =
            area_averages::<u16, 1>(&analysis.luma, (width, height), (side(width), side(height)), round);
        let weights = weights.map(|weights| {
            let sides = ((width, height), (side(width), side(height)));
            // Rounded up, so that not all are 0.
            area_averages::<u8, 1>(weights, sides.0, sides.1, |sum, n| sum.div_ceil(n) as u8)
        });
        logs(&Edges::whole(&reduced, weights.as_deref(), side(width)), f64::from(UNIT))
    });
    [m7, h7, l7, m31, h31, l31, l1, g1, l2, g2, l4, g4]
}

fn logs(edges: &Edges, unit: f64) -> [f64; 2] {
    [edges.laplacian_variance(unit), edges.mean_gradient(unit)].map(|v| libm::log(v + 0.1))
}

/// Returns mean, 90th and 10th percentile of the standard deviation in windows that reach `reach` px to each side.
///
/// Column sums slide down by one row at a time, and window sums slide along a row. So the cost does not depend on the
/// reach.
/// Windows weigh by the alpha of their central pixel.
fn contrast(plane: &[u8], weights: Option<&[u8]>, width: usize, reach: usize) -> [f64; 3] {
    let height = plane.len() / width;
    let n = (2 * reach + 1) * (2 * reach + 1);
    let row = |y: isize| &plane[reflect_101(y, height) * width..][..width];
    let mut columns = ContrastColumns { sums: vec![0; width], squares: vec![0; width] };
    let far = reach as isize;
    (-far..far).for_each(|y| columns.change(row(y), u32::wrapping_add));
    let (mut sum, mut total, mut bins, mut at) = (0.0, 0u64, [0; 128 * STEPS], 0);
    for y in 0..height as isize {
        columns.change(row(y + far), u32::wrapping_add);
        columns.for_each_window(reach, |s, q| {
            // n·Σv² − (Σv)² is exact, so a flat window has exactly 0.
            let spread = n as u64 * u64::from(q) - u64::from(s) * u64::from(s);
            let deviation = (spread as f64).sqrt() / n as f64;
            let weight = weights.map_or(1, |weights| weights[at]);
            at += 1;
            total += u64::from(weight);
            sum += f64::from(weight) * deviation;
            bins[(deviation * STEPS as f64 + 0.5) as usize] += u32::from(weight);
        });
        columns.change(row(y - far), u32::wrapping_sub);
    }
    let at = |percent| percentile(&bins, percent) as f64 / STEPS as f64;
    [sum / total as f64, at(90), at(10)]
}

/// Sums of values and of squares over the rows of a window, for each column.
struct ContrastColumns {
    sums: Vec<u32>,
    squares: Vec<u32>,
}

impl ContrastColumns {
    /// Changes the sums by the values of a row: `by` adds or subtracts.
    fn change(&mut self, row: &[u8], by: impl Fn(u32, u32) -> u32) {
        for ((sum, square), &v) in self.sums.iter_mut().zip(&mut self.squares).zip(row) {
            let v = u32::from(v);
            (*sum, *square) = (by(*sum, v), by(*square, v * v));
        }
    }

    /// Calls `take` with the sum and the sum of squares of each window of a row, from left to right.
    fn for_each_window(&self, reach: usize, mut take: impl FnMut(u32, u32)) {
        let (width, far) = (self.sums.len(), reach as isize);
        let column = |x: isize| {
            let inside = x >= 0 && x < width as isize;
            let x = if inside { x as usize } else { reflect_101(x, width) };
            (self.sums[x], self.squares[x])
        };
        let (mut s, mut q) = (-far..far).map(column).fold((0, 0), |(s, q), (ds, dq)| (s + ds, q + dq));
        for x in 0..width as isize {
            let ((s_in, q_in), (s_out, q_out)) = (column(x + far), column(x - far));
            (s, q) = (s + s_in, q + q_in);
            take(s, q);
            (s, q) = (s - s_out, q - q_out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::Cancel;

    /// The deviation in every window, sample by sample.
    fn plain(plane: &[u8], width: usize, reach: isize) -> Vec<f64> {
        let height = plane.len() / width;
        let at = |x, y| f64::from(plane[reflect_101(y, height) * width + reflect_101(x, width)]);
        let window = |i: usize| {
            let (x, y) = ((i % width) as isize, (i / width) as isize);
            let near = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (x + dx, y + dy)));
            let values: Vec<f64> = near.map(|(x, y)| at(x, y)).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64).sqrt()
        };
        (0..plane.len()).map(window).collect()
    }

    #[test]
    fn running_sums_equal_the_definition() {
        for (width, height, reach) in [(13, 9, 3), (40, 37, 15), (1, 20, 15), (8, 7, 15)] {
            let plane: Vec<u8> = (0..width * height).map(|i| (i * i * 37 / 11 % 256) as u8).collect();
            let mut deviations = plain(&plane, width, reach as isize);
            let mean = deviations.iter().sum::<f64>() / deviations.len() as f64;
            deviations.sort_by(f64::total_cmp);
            let at = |percent: usize| deviations[(deviations.len() * percent).div_ceil(100) - 1];
            let [m, high, low] = contrast(&plane, None, width, reach);
            assert!((m - mean).abs() < 1e-9, "{width}×{height}: {m} {mean}");
            assert!((high - at(90)).abs() <= 0.5 / 32.0 + 1e-9 && (low - at(10)).abs() <= 0.5 / 32.0 + 1e-9);
        }
    }

    #[test]
    fn a_checkerboard_has_half_its_step() {
        let board: Vec<u8> =
            (0..64 * 64).map(|i| if (i % 64 + i / 64) % 2 == 0 { 100 } else { 140 }).collect();
        // 25 of one and 24 of the other, or 481 and 480: 20 · √(1 − 1/n²).
        let [mean, high, low] = contrast(&board, None, 64, 3);
        assert!((mean - 20.0 * (1.0 - f64::powi(49.0, -2)).sqrt()).abs() < 1e-9, "{mean}");
        assert_eq!([high, low], [20.0; 2]);
    }

    #[test]
    fn halves_of_a_checkerboard_are_flat() {
        let board = (0..64 * 64).map(|i| if (i % 64 + i / 64) % 2 == 0 { 100 } else { 141 }).collect();
        let image = crate::imaging::Image::new(64, 64, crate::imaging::Channels::Grey, board, None).unwrap();
        let values = measure(&AnalysisPicture::of(&image, &Cancel::never()).unwrap());
        let nothing = libm::log(0.1);
        assert_eq!(values[8..], [nothing; 4]);
        // The Laplacian is ±164 everywhere, in equal shares.
        assert!((values[6] - libm::log(164.0 * 164.0 + 0.1)).abs() < 1e-12);
    }
}
