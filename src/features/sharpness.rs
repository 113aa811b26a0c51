//! How much a picture seems to want sharpening (the first system's heuristic).

use rayon::prelude::*;

use crate::imaging::operators::gaussian_blur::reflect_101;

/// `0.4·max(0, 1 − V/500) + 0.3·max(0, 1 − share/0.5) + 0.3·max(0, 1 − G/30)`, clamped to 0–1.
///
/// V is the population variance of the Laplacian (4-neighbour), G the mean magnitude of the 3×3 Sobel gradient, both
/// of the luma with border reflect-101 and in its units; `share` is the part of the spectrum's magnitude outside the
/// centre block.
pub fn sharpening_need(luma: &[u8], width: usize, height: usize, outside_share: f64) -> f64 {
    let (variance, gradient) = edges(luma, width, height);
    let need = 0.4 * (1.0 - variance / 500.0).max(0.0)
        + 0.3 * (1.0 - outside_share / 0.5).max(0.0)
        + 0.3 * (1.0 - gradient / 30.0).max(0.0);
    need.clamp(0.0, 1.0)
}

/// Rows that one task sums; their sums are added in order, so threads change nothing.
const ROWS_PER_TASK: usize = 64;

/// Sum and squares of the Laplacian, sum of the gradient's magnitude.
#[derive(Clone, Copy, Default)]
struct Sums {
    laplacian: i64,
    squares: u64,
    gradient: f64,
}

/// The Laplacian's population variance and the gradient's mean magnitude. One pass over three rows at a time.
fn edges(luma: &[u8], width: usize, height: usize) -> (f64, f64) {
    let tasks: Vec<usize> = (0..height).step_by(ROWS_PER_TASK).collect();
    let rows = |from: usize| {
        (from..height.min(from + ROWS_PER_TASK)).fold(Sums::default(), |mut sums, y| {
            sums.add_row(luma, width, height, y as isize);
            sums
        })
    };
    let parts: Vec<Sums> = tasks.into_par_iter().map(rows).collect();
    let n = (width * height) as f64;
    let mean = parts.iter().map(|part| part.laplacian).sum::<i64>() as f64 / n;
    let squares = parts.iter().map(|part| part.squares).sum::<u64>() as f64;
    let gradient = parts.iter().map(|part| part.gradient).sum::<f64>();
    (squares / n - mean * mean, gradient / n)
}

impl Sums {
    fn add_row(&mut self, luma: &[u8], width: usize, height: usize, y: isize) {
        let row = |y: isize| &luma[reflect_101(y, height) * width..][..width];
        let (above, here, below) = (row(y - 1), row(y), row(y + 1));
        for x in 0..width {
            let (l, r) = (reflect_101(x as isize - 1, width), reflect_101(x as isize + 1, width));
            let at = |line: &[u8], i: usize| i32::from(line[i]);
            let laplacian = at(above, x) + at(below, x) + at(here, l) + at(here, r) - 4 * at(here, x);
            self.laplacian += i64::from(laplacian);
            self.squares += u64::from((laplacian * laplacian) as u32);
            let dx =
                at(above, r) - at(above, l) + 2 * (at(here, r) - at(here, l)) + at(below, r) - at(below, l);
            let dy =
                at(below, l) - at(above, l) + 2 * (at(below, x) - at(above, x)) + at(below, r) - at(above, r);
            self.gradient += f64::from(dx * dx + dy * dy).sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_wants_all_there_is() {
        assert_eq!(sharpening_need(&[9; 64], 8, 8, 0.0), 1.0);
    }

    #[test]
    fn a_ramp_has_no_laplacian_but_at_the_reflected_border() {
        let luma: Vec<u8> = (0..80).map(|i| (i % 10) as u8 * 8).collect();
        // Inside: Laplacian 0, gradient 8·8 = 64. First and last column: Laplacian ±16, gradient 0.
        let (variance, gradient) = edges(&luma, 10, 8);
        assert!((variance - 2.0 * 256.0 / 10.0).abs() < 1e-9);
        assert!((gradient - 64.0 * 0.8).abs() < 1e-9);
    }
}
