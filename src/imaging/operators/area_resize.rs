//! Shrinking by exact means: every pixel becomes the mean of the source area under it, parts of pixels by their part.
//!
//! In whole numbers: a source of `W × H` pixels and a result of `w × h` are both laid on a grid of `W·w × H·h` cells,
//! where each source pixel has `w·h` cells and each result `W·H`. The weighted sum is exact and rounded once, half up.
//! That is OpenCV's `INTER_AREA` without its roundings in between.

use std::ops::Range;

use rayon::prelude::*;

use crate::imaging::Image;

/// Rows that 16 bits can sum.
const ROWS_PER_SUM: usize = 257;
/// Weighted sums over so many rows fit into 32 bits: `2²⁴ · 255`.
const HEIGHT_MAX: usize = 1 << 24;

/// The size that fits into `side_max × side_max` with the aspect of `width × height`: itself when it fits already,
/// else the longer side `side_max` and the shorter rounded half up, at least 1.
pub fn fitted(width: usize, height: usize, side_max: usize) -> (usize, usize) {
    let longer = width.max(height);
    if longer <= side_max {
        return (width, height);
    }
    let scaled = |side: usize| ((2 * side * side_max + longer) / (2 * longer)).max(1);
    (scaled(width), scaled(height))
}

/// The colours of `image` at `width × height`, which must not be larger than it is; alpha is dropped.
///
/// Rounding: `⌊(Σ weight·sample + W·H/2) / (W·H)⌋`. Cost: one pass over the samples, 16 bits wide, and for each row of
/// the result one over a row; memory: 6 bytes per sample of a row and thread. The same samples for any number of
/// threads.
///
/// # Panics
/// When a side is zero or larger than the picture's.
pub fn area_resize(image: &Image, width: usize, height: usize) -> Image {
    let (from, step) = ((image.width(), image.height()), image.channels().count());
    assert!((1..=from.0).contains(&width), "{width} columns out of {}", from.0);
    assert!((1..=from.1).contains(&height), "{height} rows out of {}", from.1);
    let mut out = vec![0; width * height * step];
    let rows = out.par_chunks_mut(width * step).enumerate();
    if from.1 > HEIGHT_MAX {
        rows.for_each(|(y, row)| plain_row(image, (width, height), y, row));
    } else {
        let sums = || Sums { few: vec![0; from.0 * step], all: vec![0; from.0 * step] };
        rows.for_each_init(sums, |sums, (y, row)| {
            sums.add_rows(image, Span::new(y, from.1, height));
            let total = from.0 as u64 * from.1 as u64;
            for (x, pixel) in row.chunks_exact_mut(step).enumerate() {
                let span = Span::new(x, from.0, width);
                for (c, out) in pixel.iter_mut().enumerate() {
                    *out = ((span.sum(|i| u64::from(sums.all[i * step + c])) + total / 2) / total) as u8;
                }
            }
        });
    }
    Image::new(width, height, image.channels(), out, None).expect("sides are checked above")
}

/// The source rows or columns under one of the result, and their weights.
struct Span {
    /// Those that lie wholly under it.
    whole: Range<usize>,
    whole_weight: u64,
    /// The one before and the one behind them, with what of them lies under it.
    parts: [(usize, u64); 2],
}

impl Span {
    /// Under `d` of `n` that are made of `n_source`.
    fn new(d: usize, n_source: usize, n: usize) -> Self {
        // In cells: a source row has n of them, one of the result n_source.
        let (begin, end) = (d * n_source, (d + 1) * n_source);
        let whole = begin.div_ceil(n)..end / n;
        // With n_source ≥ n one of the result reaches over at least one end of a source row.
        let before = ((whole.start * n - begin) as u64, whole.start.saturating_sub(1));
        let behind = ((end - whole.end * n) as u64, whole.end.min(n_source - 1));
        Self { whole, whole_weight: n as u64, parts: [(before.1, before.0), (behind.1, behind.0)] }
    }

    /// The weighted sum of what `value` says of each source index.
    #[inline(always)]
    fn sum(&self, value: impl Fn(usize) -> u64) -> u64 {
        let whole: u64 = self.whole.clone().map(&value).sum();
        whole * self.whole_weight + self.parts.iter().map(|&(i, weight)| weight * value(i)).sum::<u64>()
    }
}

/// Sums of the columns over the rows under one row of the result.
struct Sums {
    /// Of whole rows, unweighted, as many as 16 bits hold.
    few: Vec<u16>,
    /// Of all rows, weighted.
    all: Vec<u32>,
}

impl Sums {
    fn add_rows(&mut self, image: &Image, span: Span) {
        let stride = self.all.len();
        let row = |y: usize| &image.samples()[y * stride..][..stride];
        let [(first, weight), (last, last_weight)] = span.parts.map(|(y, weight)| (row(y), weight as u32));
        for ((sum, &a), &b) in self.all.iter_mut().zip(first).zip(last) {
            *sum = weight * u32::from(a) + last_weight * u32::from(b);
        }
        let rows: Vec<usize> = span.whole.collect();
        for rows in rows.chunks(ROWS_PER_SUM) {
            self.few.fill(0);
            // Four rows at a time, so that sums are loaded and stored a quarter as often.
            let (fours, rest) = rows.as_chunks::<4>();
            for rows in fours {
                let [a, b, c, d] = rows.map(row);
                for ((((sum, &a), &b), &c), &d) in self.few.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *sum += u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d);
                }
            }
            for &y in rest {
                for (sum, &v) in self.few.iter_mut().zip(row(y)) {
                    *sum += u16::from(v);
                }
            }
            for (sum, &few) in self.all.iter_mut().zip(&self.few) {
                *sum += span.whole_weight as u32 * u32::from(few);
            }
        }
    }
}

/// One row of the result by the definition, cell by cell of both directions; the truth of the above.
fn plain_row(image: &Image, to: (usize, usize), y: usize, row: &mut [u8]) {
    let (from, step) = ((image.width(), image.height()), image.channels().count());
    let total = from.0 as u64 * from.1 as u64;
    let rows = Span::new(y, from.1, to.1);
    for (x, pixel) in row.chunks_exact_mut(step).enumerate() {
        let columns = Span::new(x, from.0, to.0);
        for (c, out) in pixel.iter_mut().enumerate() {
            let sample = |x: usize, y: usize| u64::from(image.samples()[(y * from.0 + x) * step + c]);
            let sum = rows.sum(|y| columns.sum(|x| sample(x, y)));
            *out = ((sum + total / 2) / total) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::Channels;

    fn picture(width: usize, height: usize, channels: Channels, seed: usize) -> Image {
        let n = width * height * channels.count();
        let samples = (0..n).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 7) as u8).collect();
        Image::new(width, height, channels, samples, None).unwrap()
    }

    /// Every cell of the common grid looked up by itself.
    fn by_cells(image: &Image, width: usize, height: usize) -> Vec<u8> {
        let (from, step) = ((image.width(), image.height()), image.channels().count());
        let mut out = Vec::new();
        for (y, x, c) in
            (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..step).map(move |c| (y, x, c))))
        {
            let mut sum = 0;
            for v in y * from.1..(y + 1) * from.1 {
                for u in x * from.0..(x + 1) * from.0 {
                    sum += usize::from(image.samples()[(v / height * from.0 + u / width) * step + c]);
                }
            }
            let total = from.0 * from.1;
            out.push(((2 * sum + total) / (2 * total)) as u8);
        }
        out
    }

    #[test]
    fn means_of_whole_and_parted_pixels() {
        let image = Image::new(4, 2, Channels::Grey, vec![1, 2, 10, 20, 3, 5, 30, 41], None).unwrap();
        // (1+2+3+5)/4 = 2.75; (10+20+30+41)/4 = 25.25.
        assert_eq!(area_resize(&image, 2, 1).samples(), [3, 25]);
        let row = Image::new(3, 1, Channels::Grey, vec![0, 30, 90], None).unwrap();
        // One and a half pixels each: (0 + 15)/1.5 and (15 + 90)/1.5.
        assert_eq!(area_resize(&row, 2, 1).samples(), [10, 70]);
        // A half is rounded up.
        let half = Image::new(2, 1, Channels::Grey, vec![4, 5], None).unwrap();
        assert_eq!(area_resize(&half, 1, 1).samples(), [5]);
    }

    #[test]
    fn more_rows_than_sixteen_bits_sum() {
        let white = Image::new(3, 1200, Channels::Rgb, vec![255; 3 * 1200 * 3], None).unwrap();
        assert!(area_resize(&white, 2, 2).samples().iter().all(|&v| v == 255));
    }

    #[test]
    fn sizes_fit_and_keep_their_aspect() {
        assert_eq!(fitted(4000, 3000, 256), (256, 192));
        assert_eq!(fitted(3000, 4001, 256), (192, 256));
        assert_eq!(fitted(100, 256, 256), (100, 256));
        assert_eq!(fitted(100_000, 3, 256), (256, 1));
    }

    proptest! {
        #[test]
        fn any_size_is_the_mean_of_its_cells(
            from in (1..14usize, 1..14usize),
            to in (1..14usize, 1..14usize),
            grey: bool,
            seed in 0..1000usize,
        ) {
            let (width, height) = (to.0.min(from.0), to.1.min(from.1));
            let channels = if grey { Channels::Grey } else { Channels::Rgb };
            let image = picture(from.0, from.1, channels, seed);
            let expected = by_cells(&image, width, height);
            let resized = area_resize(&image, width, height);
            prop_assert_eq!(resized.samples(), &expected[..]);
            let mut plain = vec![0; expected.len()];
            for (y, row) in plain.chunks_exact_mut(width * channels.count()).enumerate() {
                plain_row(&image, (width, height), y, row);
            }
            prop_assert_eq!(plain, expected);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let image = picture(97, 61, Channels::Rgb, 3);
        let with = |n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| area_resize(&image, 31, 17))
        };
        assert_eq!(with(1), with(3));
    }
}
