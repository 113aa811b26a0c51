//! The wide ones among the Gaussian blurs of `gaussian_blur`, for less than a multiplication per tap, to the same bits.
//!
//! The taps are whole 256ths, so neighbouring ones differ by little or nothing: with running sums, few samples and running
//! sums make a window's (`slide`). Down the rows first (`down`): the sums are below 2¹⁶. Across (`across`), their high and low
//! bytes are summed apart, again below 2¹⁶, so that 16-bit numbers that wrap are exact throughout; see `imaging::bands` for
//! how the two make the blurred sample.

mod across;
mod down;
mod slide;

pub use across::{Across, Offsets};
pub use down::{BLOCK, Down, Part, RowRing};
pub use slide::Slide;

/// A wide blur as a stream of rows of one channel, as `gaussian_blur::RowBlur` is.
#[derive(Clone, Debug)]
pub struct SlidingBlur {
    slide: Slide,
    rows: RowRing,
    /// Columns of a padded row.
    n_padded: usize,
    n: usize,
    n_pushed: isize,
    /// What is above the first row pushed counts as 0.
    down: Down,
    sums: Vec<u16>,
    offsets: Offsets,
    across: Across<1>,
    blurred: Vec<u8>,
}

impl SlidingBlur {
    /// For rows of `n` samples.
    pub fn new(slide: Slide, n: usize) -> Self {
        let (radius, n_padded) = (slide.radius(), n + 2 * slide.radius());
        let across = Across::new(n, radius);
        Self {
            rows: RowRing::new(radius, n_padded),
            n_padded,
            n,
            n_pushed: 0,
            down: Down::new(n_padded),
            sums: vec![0; n_padded.next_multiple_of(BLOCK)],
            offsets: across.offsets(&slide),
            across,
            blurred: vec![0; Across::<1>::n_blurred(n)],
            slide,
        }
    }

    /// Bytes that a blur of rows of `n` samples takes.
    pub fn bytes(radius: usize, n: usize) -> usize {
        let n_padded = n + 2 * radius;
        let sums = 2 * n_padded.next_multiple_of(BLOCK);
        RowRing::bytes(radius, n_padded)
            + Down::bytes(n_padded)
            + sums
            + Across::<1>::bytes(n, radius)
            + Across::<1>::n_blurred(n)
    }

    /// Distance of the outermost tap in pixels.
    pub fn radius(&self) -> usize {
        self.slide.radius()
    }

    /// The row whose window ends with the last one pushed.
    fn centre(&self) -> isize {
        self.n_pushed - 1 - self.radius() as isize
    }

    /// Takes in the next row: `n + 2·radius` samples.
    #[inline(always)]
    pub fn push(&mut self, padded: &[u8]) {
        self.rows.row_mut(self.n_pushed)[..self.n_padded].copy_from_slice(&padded[..self.n_padded]);
        self.n_pushed += 1;
        let y = self.centre();
        self.down.advance(&self.slide, Part { rows: &self.rows, from: 0 }, y);
    }

    /// The blurred row that lies `radius` rows above the last one pushed.
    #[inline(always)]
    pub fn row(&mut self) -> &[u8] {
        let y = self.centre();
        self.down.sums(&self.slide, Part { rows: &self.rows, from: 0 }, y, &mut self.sums);
        self.across.blur(&self.offsets, &self.sums[..self.n_padded], &mut self.blurred);
        &self.blurred[..self.n]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::operators::gaussian_blur::{Rows, blur_rows, half_taps, pad_row, reflect_101};

    fn samples(n: usize, seed: usize) -> Vec<u8> {
        (0..n).map(|i| ((i * i + seed) * 2_654_435_761 % 65_537) as u8).collect()
    }

    #[test]
    fn a_sliding_blur_is_the_plain_one_at_any_size() {
        for sigma in [4.5, 5.0, 7.0, 10.0, 12.7, 15.0, 19.9, 20.0] {
            let taps = half_taps(sigma);
            let slide = Slide::new(&taps).unwrap();
            let radius = slide.radius() as isize;
            for (width, height) in [(1, 1), (1, 30), (31, 1), (7, 7), (55, 13), (130, 121)] {
                for picture in [samples(width * height, 7), vec![255; width * height]] {
                    let rows = Rows { samples: &picture, width, height, step: 1 };
                    let mut blur = SlidingBlur::new(slide.clone(), width);
                    let mut padded = vec![0; width + 2 * radius as usize];
                    let mut next = -radius;
                    blur_rows(rows, &taps, 0..height, |y, plain| {
                        while next <= y as isize + radius {
                            pad_row(rows.row(reflect_101(next, height)), 1, -radius, &mut padded);
                            blur.push(&padded);
                            next += 1;
                        }
                        assert_eq!(blur.row(), plain, "sigma {sigma}, row {y} of {width} × {height}");
                    });
                }
            }
        }
    }
}
