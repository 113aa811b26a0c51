//! Resize by exact area averaging: every destination sample is the mean of the source area that it covers.
//!
//! All in whole numbers. A source sample that a border cuts counts by the share that lies inside; in units of
//! 1/(destination side) of a sample these shares are whole, so the sums are exact and only the last step rounds.
//! Close to OpenCV's `INTER_AREA`, whose shares are f32.

use rayon::prelude::*;

use crate::imaging::Image;

/// Rows whose samples add up to no more than 16 bit: 256 · 255 < 2¹⁶.
const ROWS_IN_16_BIT: usize = 256;

/// The most rows of a source: their samples, weighted, add up to no more than 32 bit.
pub const SOURCE_ROWS_MAX: usize = 1 << 24;

/// The source samples `first..=last` that one destination sample covers. The first counts `head`, the last `tail`,
/// all between `middle`; together they count as many as the source has samples.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    first: usize,
    last: usize,
    head: u32,
    middle: u32,
    /// 0 when the last is the first.
    tail: u32,
}

fn spans(n_source: usize, n_destination: usize) -> Vec<Span> {
    let (s, n) = (n_source, n_destination);
    let span = |d: usize| {
        let (from, to) = (d * s, (d + 1) * s);
        let (first, last) = (from / n, (to - 1) / n);
        let head = to.min((first + 1) * n) - from;
        let tail = if last > first { to - last * n } else { 0 };
        Span { first, last, head: head as u32, middle: n as u32, tail: tail as u32 }
    };
    (0..n).map(span).collect()
}

/// The mean of every destination sample as `finish(numerator, denominator)`, exact.
///
/// `samples` are `from.1` rows of `from.0` pixels of `STEP` interleaved channels (0–255), the answer likewise
/// `to.1` rows of `to.0`. The denominator is always `from.0 · from.1`. Asked for more pixels than there are it
/// repeats samples. Cost: the source is read once; a row of the source is summed in 32 bit per task.
///
/// # Panics
/// When the buffer has another length, a side is zero or there are more than [`SOURCE_ROWS_MAX`] rows.
pub fn area_averages<T: Copy + Default + Send, const STEP: usize>(
    samples: &[u8],
    from: (usize, usize),
    to: (usize, usize),
    finish: impl Fn(u64, u64) -> T + Sync,
) -> Vec<T> {
    assert_eq!(samples.len(), from.0 * from.1 * STEP, "samples of the source picture");
    assert!(samples.len() * to.0 * to.1 > 0, "sides are at least 1");
    assert!(from.1 <= SOURCE_ROWS_MAX, "{} rows are more than {SOURCE_ROWS_MAX}", from.1);
    let (columns, rows) = (spans(from.0, to.0), spans(from.1, to.1));
    let denominator = from.0 as u64 * from.1 as u64;
    let mut out = vec![T::default(); to.0 * to.1 * STEP];
    out.par_chunks_mut(to.0 * STEP).zip(&rows).for_each_init(
        || Columns::new(from.0 * STEP),
        |sums, (out, span)| {
            let sums = sums.of(samples, span).as_chunks::<STEP>().0;
            for (out, span) in out.as_chunks_mut::<STEP>().0.iter_mut().zip(&columns) {
                *out = across(sums, span).map(|sum| finish(sum, denominator));
            }
        },
    );
    out
}

/// The colours of `image` at `width × height`, means rounded half up; alpha is dropped, since only measurements
/// need this.
///
/// # Panics
/// As [`area_averages`].
pub fn area_resize(image: &Image, width: usize, height: usize) -> Image {
    let (from, to) = ((image.width(), image.height()), (width, height));
    let samples = match image.channels().count() {
        1 => area_averages::<u8, 1>(image.samples(), from, to, rounded),
        _ => area_averages::<u8, 3>(image.samples(), from, to, rounded),
    };
    Image::new(width, height, image.channels(), samples, None).expect("sides were checked")
}

/// Half up.
fn rounded(numerator: u64, denominator: u64) -> u8 {
    ((numerator + denominator / 2) / denominator) as u8
}

/// Sums down the columns of a picture, with the buffers they need.
struct Columns {
    /// Of up to [`ROWS_IN_16_BIT`] rows.
    some: Vec<u16>,
    /// Of all rows of a span that count whole, then weighted with its first and last.
    sums: Vec<u32>,
}

impl Columns {
    fn new(stride: usize) -> Self {
        Self { some: vec![0; stride], sums: vec![0; stride] }
    }

    /// The weighted sum of the rows of `span`, for each sample of a row.
    fn of(&mut self, samples: &[u8], span: &Span) -> &[u32] {
        let stride = self.sums.len();
        let row = |y: usize| &samples[y * stride..][..stride];
        self.sums.fill(0);
        for rows in samples[..span.last * stride]
            .get((span.first + 1) * stride..)
            .unwrap_or_default()
            .chunks(ROWS_IN_16_BIT * stride)
        {
            self.add(rows, span.middle);
        }
        let (head, tail) = (span.head, span.tail);
        for ((sum, &first), &last) in self.sums.iter_mut().zip(row(span.first)).zip(row(span.last)) {
            *sum += head * u32::from(first) + tail * u32::from(last);
        }
        &self.sums
    }

    /// Adds rows that all count `weight`.
    fn add(&mut self, rows: &[u8], weight: u32) {
        let stride = self.some.len();
        self.some.fill(0);
        let mut fours = rows.chunks_exact(4 * stride);
        for four in &mut fours {
            let (upper, lower) = four.split_at(2 * stride);
            let ((a, b), (c, d)) = (upper.split_at(stride), lower.split_at(stride));
            for ((((sum, &a), &b), &c), &d) in self.some.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *sum += u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d);
            }
        }
        for row in fours.remainder().chunks_exact(stride) {
            self.some.iter_mut().zip(row).for_each(|(sum, &v)| *sum += u16::from(v));
        }
        self.sums.iter_mut().zip(&self.some).for_each(|(sum, &some)| *sum += weight * u32::from(some));
    }
}

/// The weighted sum of the columns of `span`, for each channel.
fn across<const STEP: usize>(sums: &[[u32; STEP]], span: &Span) -> [u64; STEP] {
    let mut total = [0u64; STEP];
    for pixel in sums[..span.last].get(span.first + 1..).unwrap_or_default() {
        for (total, &v) in total.iter_mut().zip(pixel) {
            *total += u64::from(v);
        }
    }
    std::array::from_fn(|c| {
        u64::from(span.middle) * total[c]
            + u64::from(span.head) * u64::from(sums[span.first][c])
            + u64::from(span.tail) * u64::from(sums[span.last][c])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imaging::Channels;

    fn image(width: usize, height: usize, channels: Channels, seed: usize) -> Image {
        let n = width * height * channels.count();
        let samples = (0..n).map(|i| ((i + seed) * (i + 7) * 31 / 5 % 256) as u8).collect();
        Image::new(width, height, channels, samples, None).unwrap()
    }

    /// The definition, sample by sample, with overlaps as plain fractions.
    fn plain(image: &Image, width: usize, height: usize) -> Vec<u8> {
        let n = image.channels().count();
        let overlap = |d: usize, n_destination: usize, i: usize, n_source: usize| {
            let (from, to) = (d * n_source, (d + 1) * n_source);
            to.min((i + 1) * n_destination).saturating_sub(from.max(i * n_destination)) as u64
        };
        let area = (image.width() * image.height()) as u64;
        let sample = |x: usize, y: usize, c: usize| {
            let mut sum = area / 2;
            for sy in 0..image.height() {
                for sx in 0..image.width() {
                    let weight =
                        overlap(x, width, sx, image.width()) * overlap(y, height, sy, image.height());
                    sum += weight * u64::from(image.samples()[(sy * image.width() + sx) * n + c]);
                }
            }
            (sum / area) as u8
        };
        (0..width * height * n).map(|i| sample(i / n % width, i / n / width, i % n)).collect()
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let image = image(5, 4, Channels::Rgb, 1);
        assert_eq!(area_resize(&image, 5, 4), image);
    }

    #[test]
    fn cut_samples_count_by_their_share() {
        // 3 → 2: (2·30 + 60) / 3 and (60 + 2·91) / 3 = 80.67.
        assert_eq!(area_averages::<u8, 1>(&[30, 60, 91], (3, 1), (2, 1), rounded), [40, 81]);
        // Down the same.
        assert_eq!(area_averages::<u8, 1>(&[30, 60, 91], (1, 3), (1, 2), rounded), [40, 81]);
        // Half up: (1 + 2) / 2.
        assert_eq!(area_averages::<u8, 1>(&[1, 2], (2, 1), (1, 1), rounded), [2]);
    }

    #[test]
    fn many_white_rows_do_not_overflow() {
        let white = vec![255; 3 * 2000];
        assert_eq!(area_averages::<u8, 1>(&white, (3, 2000), (2, 1), rounded), [255, 255]);
        assert_eq!(area_averages::<u8, 1>(&white, (3, 2000), (1, 3), rounded), [255; 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn equals_the_definition(
            (w, h) in (1usize..40, 1usize..40), (across, down) in (0.0..1.0f64, 0.0..1.0f64), seed in 0usize..999,
        ) {
            for channels in [Channels::Grey, Channels::Rgb] {
                let image = image(w, h, channels, seed);
                let to = |n: usize, share: f64| ((n as f64 * share) as usize).max(1);
                let (width, height) = (to(w, across), to(h, down));
                let resized = area_resize(&image, width, height);
                prop_assert_eq!(resized.samples(), plain(&image, width, height));
            }
        }
    }
}
