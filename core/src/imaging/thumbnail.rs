//! A picture reduced to 64×64 cells by exact area averaging. Colour transforms are fitted to it.

use rayon::prelude::*;

use super::{
    Image,
    alpha::{self, Measured},
};
use crate::cancel::{Cancel, Cancelled};

/// Cells per side, for any size and aspect of the picture.
pub const THUMBNAIL_SIDE: usize = 64;

/// Rows that one task sums.
const ROWS_PER_TASK: usize = 64;

/// Most parts of a picture that have sums of their own at the same time, 98 kB each. It bounds the memory for any number of
/// threads.
const PARTS_MAX: usize = 8;

/// Pixels of a part, at least. A small picture is one part.
const PIXELS_PER_PART: usize = 1 << 18;

/// The mean red, green and blue of every cell, 0–1 in stored values, row by row. All three are the same in grey pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Thumbnail(Vec<[f64; 3]>);

impl Thumbnail {
    /// Reduces a picture. Each cell is the mean of the part of the picture that it covers. A pixel on the edge of a cell
    /// counts by the part that lies inside. Sums are whole numbers, so the same for any number of threads. Cost: one pass, and
    /// 98 kB for each 2^18 pixels, at least once and at most eight times.
    ///
    /// Pixels weigh by their alpha. A cell with less than half of the largest weight shows too little. Such cells repeat the others,
    /// in order and evenly, so that ranks and fits are those of what is seen.
    pub fn of(image: &Image) -> Self {
        Cancel::uncancelled(|cancel| Self::of_until(image, cancel))
    }

    /// Same as [`Self::of`], and stops once `cancel` is set.
    ///
    /// # Errors
    /// When `cancel` is set.
    pub fn of_until(image: &Image, cancel: &Cancel) -> Result<Self, Cancelled> {
        let n = image.channels().count();
        let color = |at: usize| -> [u64; 3] {
            let pixel = &image.samples()[at * n..][..n];
            std::array::from_fn(|c| u64::from(pixel[c.min(n - 1)]))
        };
        match alpha::measured(image) {
            Measured::Equally => {
                let sums = sums_of(image, color, cancel)?;
                let whole = 255.0 * (image.width() as f64) * (image.height() as f64);
                Ok(Self(sums.into_iter().map(|cell| cell.map(|sum| sum as f64 / whole)).collect()))
            }
            Measured::Weighed(alpha) => {
                let weighed = |at: usize| {
                    let ([r, g, b], a) = (color(at), u64::from(alpha[at]));
                    [a * r, a * g, a * b, a]
                };
                let sums = sums_of(image, weighed, cancel)?;
                let weights: Vec<u64> = sums.iter().map(|cell| cell[3]).collect();
                let mean = |[r, g, b, a]: [u64; 4]| [r, g, b].map(|sum| sum as f64 / (255.0 * a as f64));
                let mut cells: Vec<[f64; 3]> = sums.into_iter().map(mean).collect();
                alpha::repeat_seen_cells(&mut cells, &weights);
                Ok(Self(cells))
            }
            Measured::Nothing => Ok(Self(vec![[0.0; 3]; THUMBNAIL_SIDE * THUMBNAIL_SIDE])),
        }
    }

    /// Returns the thumbnail with every cell changed.
    #[cfg(test)]
    pub(crate) fn map(&self, change: impl Fn([f64; 3]) -> [f64; 3]) -> Self {
        Self(self.0.iter().map(|&cell| change(cell)).collect())
    }

    /// The thumbnail of these cells, row by row.
    pub(crate) fn of_cells(cells: Vec<[f64; 3]>) -> Self {
        Self(cells)
    }

    /// The cells, row by row.
    pub fn cells(&self) -> &[[f64; 3]] {
        &self.0
    }
}

/// Returns the sum of `N` numbers of every pixel over each cell, in 1/4096 pixels. `numbers` has those of a pixel.
fn sums_of<const N: usize>(
    image: &Image,
    numbers: impl Fn(usize) -> [u64; N] + Sync,
    cancel: &Cancel,
) -> Result<Vec<[u64; N]>, Cancelled> {
    let (width, height) = (image.width(), image.height());
    let columns = Cover::all(width);
    let add = |mut sums: Vec<[u64; N]>, task: usize| {
        if cancel.is_cancelled() {
            return sums;
        }
        for y in task * ROWS_PER_TASK..height.min((task + 1) * ROWS_PER_TASK) {
            let number = |x: usize| numbers(y * width + x);
            let across: Vec<[u64; N]> = columns.iter().map(|cover| cover.sum(number)).collect();
            for (cell, weight) in cells_of(y, height) {
                let sums = &mut sums[cell * THUMBNAIL_SIDE..][..THUMBNAIL_SIDE];
                for (sums, across) in sums.iter_mut().zip(&across) {
                    (0..N).for_each(|c| sums[c] += weight * across[c]);
                }
            }
        }
        sums
    };
    let zero = || vec![[0u64; N]; THUMBNAIL_SIDE * THUMBNAIL_SIDE];
    let n_parts = (image.n_pixels() / PIXELS_PER_PART).clamp(1, PARTS_MAX);
    let n_tasks = height.div_ceil(ROWS_PER_TASK);
    let parts = (0..n_tasks).into_par_iter().with_min_len(n_tasks.div_ceil(n_parts)).fold(zero, add);
    let sums = parts.reduce_with(|mut sums, part| {
        sums.iter_mut().zip(part).for_each(|(sums, part)| (0..N).for_each(|c| sums[c] += part[c]));
        sums
    });
    cancel.check()?;
    Ok(sums.expect("a picture has rows"))
}

/// Returns the cells that pixel `at` of `n` covers, each with the covered part of the pixel, in 1/64.
fn cells_of(at: usize, n: usize) -> impl Iterator<Item = (usize, u64)> {
    let (from, to) = (at * THUMBNAIL_SIDE, (at + 1) * THUMBNAIL_SIDE);
    (from / n..=(to - 1) / n).map(move |cell| {
        let share = to.min((cell + 1) * n) - from.max(cell * n);
        (cell, share as u64)
    })
}

/// The pixels of a row that a cell covers: whole pixels between a first and a last one, which may be cut. Weights are in 1/64.
struct Cover {
    first: (usize, u64),
    whole: std::ops::Range<usize>,
    last: (usize, u64),
}

impl Cover {
    /// Returns the covers of all cells of a row of `n` pixels.
    fn all(n: usize) -> Vec<Self> {
        let cover = |cell: usize| {
            let (from, to) = (cell * n, (cell + 1) * n);
            let (first, last) = (from / THUMBNAIL_SIDE, (to - 1) / THUMBNAIL_SIDE);
            let share =
                |at: usize| (to.min((at + 1) * THUMBNAIL_SIDE) - from.max(at * THUMBNAIL_SIDE)) as u64;
            let last_share = if last == first { 0 } else { share(last) };
            Self { first: (first, share(first)), whole: first + 1..last, last: (last, last_share) }
        };
        (0..THUMBNAIL_SIDE).map(cover).collect()
    }

    /// Returns the weighted sum of the covered pixels, in 1/64.
    fn sum<const N: usize>(&self, at: impl Fn(usize) -> [u64; N]) -> [u64; N] {
        let mut whole = [0u64; N];
        for x in self.whole.clone() {
            let pixel = at(x);
            (0..N).for_each(|c| whole[c] += pixel[c]);
        }
        let (first, last) = (at(self.first.0), at(self.last.0));
        std::array::from_fn(|c| {
            THUMBNAIL_SIDE as u64 * whole[c] + self.first.1 * first[c] + self.last.1 * last[c]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    /// Cuts every pixel into 64×64 parts and counts every part in its cell: slow and plain.
    fn plainly(image: &Image) -> Vec<[f64; 3]> {
        let (w, h, n) = (image.width(), image.height(), image.channels().count());
        let mut sums = vec![[0u64; 3]; 64 * 64];
        for (y, x) in (0..64 * h).flat_map(|y| (0..64 * w).map(move |x| (y, x))) {
            for (c, sum) in sums[y / h * 64 + x / w].iter_mut().enumerate() {
                *sum += u64::from(image.samples()[((y / 64) * w + x / 64) * n + c.min(n - 1)]);
            }
        }
        sums.iter().map(|cell| cell.map(|sum| sum as f64 / (255 * w * h) as f64)).collect()
    }

    #[test]
    fn cells_are_means_over_what_they_cover_at_any_size() {
        for (w, h, channels) in
            [(1, 1, Channels::Rgb), (5, 3, Channels::Rgb), (64, 70, Channels::Grey), (67, 131, Channels::Rgb)]
        {
            let samples = (0..w * h * channels.count()).map(|i| (i * 37 + i * i / 11) as u8).collect();
            let image = Image::new(w, h, channels, samples, None).unwrap();
            assert_eq!(Thumbnail::of(&image).cells(), plainly(&image), "{w}×{h}");
        }
    }
}
