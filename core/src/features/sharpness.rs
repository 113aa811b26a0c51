//! The feature `sharpening_need`: how much a picture seems to need sharpening (the first system's heuristic).

use rayon::prelude::*;

use crate::{
    cancel::{Cancel, Cancelled},
    imaging::operators::gaussian_blur::{pad_row, reflect_101},
};

/// Returns `0.4·max(0, 1 − V/500) + 0.3·max(0, 1 − share/0.5) + 0.3·max(0, 1 − G/30)`, clamped to 0–1.
///
/// - V: population variance of the Laplacian (4 neighbours) of the luma.
/// - G: mean magnitude of the 3×3 Sobel gradient of the luma.
/// - `share`: the spectrum's magnitude outside the centre block over the whole magnitude, 0–1 (`outside_share`).
///
/// V and G are those of [`edges`].
pub fn sharpening_need((variance, gradient): (f64, f64), outside_share: f64) -> f64 {
    let need = 0.4 * (1.0 - variance / 500.0).max(0.0)
        + 0.3 * (1.0 - outside_share / 0.5).max(0.0)
        + 0.3 * (1.0 - gradient / 30.0).max(0.0);
    need.clamp(0.0, 1.0)
}

/// Rows that one task sums. The tasks' sums are added in order, so threads change nothing.
const ROWS_PER_TASK: usize = 64;

/// Samples of a row that are summed in 32 bits: the largest square is 1020², and 1024·1020² is below 2³¹.
const SAMPLES_AT_A_TIME: usize = 1024;

/// Sum and sum of squares of the Laplacian, and sum of the gradient's magnitude.
#[derive(Clone, Copy, Default)]
struct EdgeSums {
    laplacian: i64,
    squares: u64,
    gradient: f64,
}

/// Units: those of the luma, 0–255. Border: reflect-101. Cost: one pass.
///
/// Returns the Laplacian's population variance and the gradient's mean magnitude, in one pass over three rows at a
/// time.
pub fn edges(luma: &[u8], width: usize, height: usize, cancel: &Cancel) -> Result<(f64, f64), Cancelled> {
    let tasks: Vec<usize> = (0..height).step_by(ROWS_PER_TASK).collect();
    let rows = |from: usize| {
        let (mut sums, mut padded) = (EdgeSums::default(), vec![0; 3 * (width + 2)]);
        for y in from..height.min(from + ROWS_PER_TASK) {
            if cancel.is_cancelled() {
                break;
            }
            for (above, out) in padded.chunks_exact_mut(width + 2).enumerate() {
                let row = reflect_101(y as isize + above as isize - 1, height);
                pad_row(&luma[row * width..][..width], 1, -1, out);
            }
            sums.add_row(&padded, width);
        }
        sums
    };
    let parts: Vec<EdgeSums> = tasks.into_par_iter().map(rows).collect();
    cancel.check()?;
    let n = (width * height) as f64;
    let mean = parts.iter().map(|part| part.laplacian).sum::<i64>() as f64 / n;
    let squares = parts.iter().map(|part| part.squares).sum::<u64>() as f64;
    let gradient = parts.iter().map(|part| part.gradient).sum::<f64>();
    Ok((squares / n - mean * mean, gradient / n))
}

impl EdgeSums {
    /// Adds the middle one of three rows. `padded` holds the rows above, here and below, each with one sample more on
    /// both sides.
    fn add_row(&mut self, padded: &[u8], width: usize) {
        let mut magnitudes = [0.0; SAMPLES_AT_A_TIME];
        for from in (0..width).step_by(SAMPLES_AT_A_TIME) {
            let n = SAMPLES_AT_A_TIME.min(width - from);
            let [above, here, below] = [0, 1, 2].map(|row| &padded[row * (width + 2) + from..][..n + 2]);
            let (mut laplacians, mut squares) = (0, 0);
            // A flat loop over neighbours at fixed distances vectorises on any CPU.
            for (x, magnitude) in magnitudes[..n].iter_mut().enumerate() {
                let at = |row: &[u8], i: usize| i32::from(row[x + i]);
                let laplacian = at(above, 1) + at(below, 1) + at(here, 0) + at(here, 2) - 4 * at(here, 1);
                laplacians += laplacian;
                squares += laplacian * laplacian;
                let dx = at(above, 2) - at(above, 0) + 2 * (at(here, 2) - at(here, 0)) + at(below, 2)
                    - at(below, 0);
                let dy = at(below, 0) - at(above, 0) + 2 * (at(below, 1) - at(above, 1)) + at(below, 2)
                    - at(above, 2);
                *magnitude = f64::from(dx * dx + dy * dy).sqrt();
            }
            self.laplacian += i64::from(laplacians);
            self.squares += squares as u64;
            // Added in the order of the samples, so that `SAMPLES_AT_A_TIME` changes no bit.
            magnitudes[..n].iter().for_each(|magnitude| self.gradient += magnitude);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_edges(luma: &[u8], width: usize, height: usize) -> (f64, f64) {
        edges(luma, width, height, &Cancel::never()).unwrap()
    }

    #[test]
    fn a_flat_picture_wants_all_there_is() {
        assert_eq!(sharpening_need(plain_edges(&[9; 64], 8, 8), 0.0), 1.0);
    }

    #[test]
    fn a_ramp_has_no_laplacian_but_at_the_reflected_border() {
        let luma: Vec<u8> = (0..80).map(|i| (i % 10) as u8 * 8).collect();
        // Inside: Laplacian 0, gradient 8·8 = 64. First and last column: Laplacian ±16, gradient 0.
        let (variance, gradient) = plain_edges(&luma, 10, 8);
        assert!((variance - 2.0 * 256.0 / 10.0).abs() < 1e-9);
        assert!((gradient - 64.0 * 0.8).abs() < 1e-9);
    }

    #[test]
    fn wide_rows_are_taken_in_parts_without_a_seam() {
        // Transposing swaps both gradients, so the two can only differ in the order of their sums.
        let (width, height) = (2500, 9);
        let wide: Vec<u8> = (0..width * height).map(|i| (i * i % 251) as u8).collect();
        let tall: Vec<u8> = (0..width * height).map(|i| wide[i % height * width + i / height]).collect();
        let ((variance, gradient), (v, g)) =
            (plain_edges(&wide, width, height), plain_edges(&tall, height, width));
        assert!((variance - v).abs() < 1e-9 * v && (gradient - g).abs() < 1e-9 * g);
    }
}
