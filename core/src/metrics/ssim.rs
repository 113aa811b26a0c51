//! Structural similarity (Wang, Bovik, Sheikh, Simoncelli, 2004), equal to `skimage.metrics.structural_similarity`.
//!
//! Definition matched: 7×7 uniform window, sample covariance (49/48), constants 0.01 and 0.03, data range 255.
//! Windows lie wholly inside the picture, which crops 3 px on each side. The result is the mean over the windows of
//! each channel, then over the channels.
//!
//! A window has N = 49 samples and the sums Sx, Sy, Sxx, Syy, Sxy. The two fractions of the definition are extended
//! by N² and by N·(N − 1). Then all terms except the constants are whole numbers, exact in 64 bits:
//!
//! ```text
//!   means:       2·Sx·Sy           over   Sx² + Sy²
//!   covariance:  2·(N·Sxy − Sx·Sy) over   (N·Sxx − Sx²) + (N·Syy − Sy²)
//! ```
//!
//! This is the plain form. `search::kernel` is the fast form, and tests compare the two.

use std::ops::Range;

use rayon::prelude::*;

use crate::imaging::Image;

/// Side of the uniform window, in pixels.
pub const WINDOW_PX: usize = 7;
/// Smallest side that can be compared, in pixels.
pub const SIDE_MIN_PX: usize = WINDOW_PX;

/// Samples of a window.
const N: i64 = (WINDOW_PX * WINDOW_PX) as i64;
/// Constants of the definition: `(0.01 · 255)²` and `(0.03 · 255)²`.
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);
/// The constants times N² (means) and N·(N − 1) (sample covariances), the units of the window sums.
pub(crate) const K1: f64 = (N * N) as f64 * C1;
pub(crate) const K2: f64 = (N * (N - 1)) as f64 * C2;

/// Returns the mean SSIM of two pictures, −1 to 1. Higher is better.
///
/// Cost: a few operations per sample, independent of the window's size. Memory: five sums per column. Channels and
/// bands of rows run on the caller's rayon pool.
///
/// # Panics
/// When sizes or channels differ, or a side is below 7 px. [`compare`](super::compare) handles these cases.
pub fn ssim(reference: &Image, candidate: &Image) -> f64 {
    assert_eq!(
        (reference.width(), reference.height(), reference.channels()),
        (candidate.width(), candidate.height(), candidate.channels()),
        "pictures of one shape"
    );
    assert!(reference.width() >= SIDE_MIN_PX && reference.height() >= SIDE_MIN_PX, "sides of at least 7 px");
    let n_channels = reference.channels().count();
    let means: Vec<f64> = (0..n_channels)
        .into_par_iter()
        .map(|c| plane_mean(&reference.plane(c), &candidate.plane(c), reference.width()))
        .collect();
    means.iter().sum::<f64>() / n_channels as f64
}

/// Rows of windows that one task sums. The tasks' sums are added in order, so threads change nothing.
const ROWS_PER_TASK: usize = 128;

/// The five sums over the seven rows of one column, or over a window.
#[derive(Clone, Copy, Default)]
struct PairSums {
    x: i64,
    y: i64,
    xx: i64,
    yy: i64,
    xy: i64,
}

impl PairSums {
    fn add(&mut self, other: PairSums, sign: i64) {
        self.x += sign * other.x;
        self.y += sign * other.y;
        self.xx += sign * other.xx;
        self.yy += sign * other.yy;
        self.xy += sign * other.xy;
    }

    fn of(x: u8, y: u8) -> Self {
        let (x, y) = (i64::from(x), i64::from(y));
        PairSums { x, y, xx: x * x, yy: y * y, xy: x * y }
    }

    /// Returns the SSIM of a window with these sums.
    fn ssim(self) -> f64 {
        let (covariance, product) = (N * self.xy - self.x * self.y, self.x * self.y);
        let variances = (N * self.xx - self.x * self.x) + (N * self.yy - self.y * self.y);
        let squares = self.x * self.x + self.y * self.y;
        ((2 * product) as f64 + K1) * ((2 * covariance) as f64 + K2)
            / ((squares as f64 + K1) * (variances as f64 + K2))
    }
}

/// Returns the mean SSIM of one channel.
fn plane_mean(reference: &[u8], candidate: &[u8], width: usize) -> f64 {
    let n_rows = reference.len() / width - WINDOW_PX + 1;
    let tasks: Vec<Range<usize>> =
        (0..n_rows).step_by(ROWS_PER_TASK).map(|from| from..n_rows.min(from + ROWS_PER_TASK)).collect();
    let sums: Vec<f64> =
        tasks.into_par_iter().map(|rows| rows_sum(reference, candidate, width, rows)).collect();
    sums.iter().sum::<f64>() / ((width - WINDOW_PX + 1) * n_rows) as f64
}

/// Returns the sum of SSIM over all windows whose first row is among `rows`.
fn rows_sum(reference: &[u8], candidate: &[u8], width: usize, rows: Range<usize>) -> f64 {
    let at = |y: usize, i: usize| PairSums::of(candidate[y * width + i], reference[y * width + i]);
    let mut columns = vec![PairSums::default(); width];
    let mut total = 0.0;
    for y in rows.start..rows.end + WINDOW_PX - 1 {
        for (i, column) in columns.iter_mut().enumerate() {
            column.add(at(y, i), 1);
            if y >= rows.start + WINDOW_PX {
                column.add(at(y - WINDOW_PX, i), -1);
            }
        }
        if y + 1 >= rows.start + WINDOW_PX {
            total += row_sum(&columns);
        }
    }
    total
}

/// Returns the sum of SSIM over one row of windows, from the column sums: column `i` enters, column `i − 7` leaves.
fn row_sum(columns: &[PairSums]) -> f64 {
    let mut window = PairSums::default();
    let mut sum = 0.0;
    for (i, &column) in columns.iter().enumerate() {
        window.add(column, 1);
        if i >= WINDOW_PX {
            window.add(columns[i - WINDOW_PX], -1);
        }
        if i + 1 >= WINDOW_PX {
            sum += window.ssim();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    fn grey(width: usize, samples: Vec<u8>) -> Image {
        let height = samples.len() / width;
        Image::new(width, height, Channels::Grey, samples, None).unwrap()
    }

    #[test]
    fn identical_pictures_have_an_ssim_of_one() {
        let image = grey(9, (0..72).map(|i| (i * 29 % 256) as u8).collect());
        assert!((ssim(&image, &image) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn every_window_is_counted_once_across_tasks() {
        let height = 2 * ROWS_PER_TASK + 13;
        let plane = |seed: usize| (0..9 * height).map(|i| (i * i * seed % 251) as u8).collect::<Vec<u8>>();
        let (a, b) = (plane(3), plane(7));
        let whole = rows_sum(&a, &b, 9, 0..height - 6) / (3 * (height - 6)) as f64;
        assert!((plane_mean(&a, &b, 9) - whole).abs() < 1e-12);
    }

    #[test]
    fn two_flat_pictures_follow_the_formula() {
        // Without variance only the luminance term is left: (2ab + C1) / (a² + b² + C1).
        let (a, b) = (100.0, 120.0);
        let expected = (2.0 * a * b + C1) / (a * a + b * b + C1);
        let value = ssim(&grey(7, vec![100; 49]), &grey(7, vec![120; 49]));
        assert!((value - expected).abs() < 1e-12);
    }
}
