//! Resize by exact area averaging: every destination sample is the mean of the source area that it covers.
//!
//! All sums are whole numbers. A source sample that a border cuts counts by the part that lies inside. Measured in
//! 1/(destination side) of a sample, these parts are whole. So the sums are exact, and only the last step rounds. Close to
//! OpenCV's `INTER_AREA`, whose parts are f32.
//!
//! Five samples to three, in thirds of a sample. Each destination sample covers five thirds:
//!
//! ```text
//! source         |   0   |   1   |   2   |   3   |   4   |
//! destination    |      0     |      1      |     2      |
//! weights           3    2      1    3    1    2    3
//! ```
//!
//! Both directions are separate: first the weighted sums down the columns of a destination row, then across those sums.
//! Most of the work is the whole rows between the two that are cut. They are added in 16 bits and weighted once.

mod streamed;
mod weighed;

use std::ops::{Add, AddAssign, Mul, Range};

use rayon::prelude::*;

pub(crate) use self::streamed::StreamedAverages;
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Image,
        alpha::{self, Measured},
    },
};

/// Most rows whose samples add up within 16 bits: 256 · 255 < 2¹⁶.
const ROWS_IN_16_BIT: usize = 256;

/// Samples of a row that are added up at a time. Their sums stay in the L1 cache.
const SAMPLES_AT_A_TIME: usize = 4096;

/// Most source rows whose weighted samples add up within 32 bits: the weights add up to their number.
const ROWS_IN_32_BIT: usize = 1 << 24;

/// The source samples `first..=last` that one destination sample covers, and their weights: `head` for the first, `tail`
/// for the last, `middle` for each one between. The weights add up to the number of source samples.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    first: usize,
    last: usize,
    head: u32,
    middle: u32,
    /// 0 when the last sample is the first.
    tail: u32,
}

impl Span {
    /// Returns the weight of a source sample within the span.
    fn share(&self, at: usize) -> u32 {
        match at {
            _ if at == self.first => self.head,
            _ if at == self.last => self.tail,
            _ => self.middle,
        }
    }
}

/// Returns the span of every destination sample in one direction.
fn spans(n_source: usize, n_destination: usize) -> Vec<Span> {
    let (s, n) = (n_source, n_destination);
    let span = |d: usize| {
        let (from, to) = (d * s, (d + 1) * s);
        // `to` is exclusive. Without the `- 1`, a span that ends on a border would reach one sample too far.
        let (first, last) = (from / n, (to - 1) / n);
        let head = to.min((first + 1) * n) - from;
        // A span inside one sample has all of its weight in `head`. A tail would count it twice.
        let tail = if last > first { to - last * n } else { 0 };
        Span { first, last, head: head as u32, middle: n as u32, tail: tail as u32 }
    };
    (0..n).map(span).collect()
}

/// Returns the mean of every destination sample, as `finish(numerator, denominator)`; both are exact.
///
/// `samples` are `from.1` rows of `from.0` pixels of `STEP` interleaved channels (0–255). The result has `to.1` rows of
/// `to.0` such pixels. The denominator is always `from.0 · from.1`. A larger destination repeats samples. Cost: one pass
/// over the source. Memory: 6 bytes per sample of a row and thread. Runs on the rayon pool that the caller installed.
///
/// # Panics
/// When the number of samples is not `from.0 · from.1 · STEP`, or a side is zero.
pub fn area_averages<T: Copy + Default + Send, const STEP: usize>(
    samples: &[u8],
    from: (usize, usize),
    to: (usize, usize),
    finish: impl Fn(u64, u64) -> T + Sync,
) -> Vec<T> {
    Cancel::uncancelled(|cancel| area_averages_until::<T, STEP>(samples, from, to, finish, cancel))
}

/// Same as [`area_averages`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`area_averages`].
pub fn area_averages_until<T: Copy + Default + Send, const STEP: usize>(
    samples: &[u8],
    from: (usize, usize),
    to: (usize, usize),
    finish: impl Fn(u64, u64) -> T + Sync,
    cancel: &Cancel,
) -> Result<Vec<T>, Cancelled> {
    assert_eq!(samples.len(), from.0 * from.1 * STEP, "samples of the source picture");
    assert!(from.0 * from.1 * to.0 * to.1 > 0, "sides are at least 1");
    if from.1 <= ROWS_IN_32_BIT {
        averages::<u32, T, STEP>(samples, from, to, finish, cancel)
    } else {
        averages::<u64, T, STEP>(samples, from, to, finish, cancel)
    }
}

fn averages<S: Sum, T: Copy + Default + Send, const STEP: usize>(
    samples: &[u8],
    from: (usize, usize),
    to: (usize, usize),
    finish: impl Fn(u64, u64) -> T + Sync,
    cancel: &Cancel,
) -> Result<Vec<T>, Cancelled> {
    let (columns, rows) = (spans(from.0, to.0), spans(from.1, to.1));
    let denominator = from.0 as u64 * from.1 as u64;
    let mut out = vec![T::default(); to.0 * to.1 * STEP];
    out.par_chunks_mut(to.0 * STEP).zip(&rows).for_each_init(
        || AreaColumnSums::<S>::new(from.0 * STEP),
        |sums, (out, span)| {
            let Some(sums) = sums.of(samples, span, cancel) else { return };
            let sums = sums.as_chunks::<STEP>().0;
            for (out, span) in out.as_chunks_mut::<STEP>().0.iter_mut().zip(&columns) {
                *out = across(sums, span).map(|sum| finish(sum, denominator));
            }
        },
    );
    cancel.check()?;
    Ok(out)
}

/// Returns the colours of `image` at `width × height`, means rounded half up.
///
/// Pixels weigh by their alpha, which is dropped. What alpha hides takes the colours that are seen around it.
///
/// # Panics
/// When a side is zero.
pub fn area_resize(image: &Image, width: usize, height: usize) -> Image {
    Cancel::uncancelled(|cancel| area_resize_until(image, width, height, cancel))
}

/// Same as [`area_resize`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// When a side is zero.
pub fn area_resize_until(
    image: &Image,
    width: usize,
    height: usize,
    cancel: &Cancel,
) -> Result<Image, Cancelled> {
    let resized = area_resize_with_alpha_until(image, width, height, cancel)?;
    if resized.alpha().is_none() {
        return Ok(resized);
    }
    let samples = alpha::seen(&resized).into_owned().into_parts().0;
    Ok(Image::new(width, height, image.channels(), samples, None).expect("sides were checked"))
}

/// Same as [`area_resize_until`], and keeps alpha where it hides something: the mean, rounded up. A pixel of alpha 0 is black.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// When a side is zero.
pub(crate) fn area_resize_with_alpha_until(
    image: &Image,
    width: usize,
    height: usize,
    cancel: &Cancel,
) -> Result<Image, Cancelled> {
    let (from, to) = ((image.width(), image.height()), (width, height));
    let n_samples = width * height * image.channels().count();
    let samples = match alpha::measured(image) {
        Measured::Weighed(alpha) => return weighed::area_resize_until(image, alpha, to, cancel),
        Measured::Nothing => vec![0; n_samples],
        Measured::Equally => match image.channels().count() {
            1 => area_averages_until::<u8, 1>(image.samples(), from, to, rounded, cancel)?,
            _ => area_averages_until::<u8, 3>(image.samples(), from, to, rounded, cancel)?,
        },
    };
    Ok(Image::new(width, height, image.channels(), samples, None).expect("sides were checked"))
}

/// Rounds a quotient below 256 half up.
pub(crate) fn rounded(numerator: u64, denominator: u64) -> u8 {
    let numerator = numerator + denominator / 2;
    // The quotient is below 256. Unless it is whole, it is at least 1/denominator below the next whole number. An f64
    // has a smaller error than that, and divides several times faster than u64.
    if denominator < 1 << 40 {
        return (numerator as f64 / denominator as f64) as u8;
    }
    (numerator / denominator) as u8
}

/// A number that holds a weighted sum down a column: `u32`, or `u64` for very tall pictures.
trait Sum:
    Copy + Default + Send + AddAssign + Add<Output = Self> + Mul<Output = Self> + From<u32> + Into<u64>
{
}
impl Sum for u32 {}
impl Sum for u64 {}

/// Buffers for the weighted sums down the columns of a picture.
struct AreaColumnSums<S> {
    /// Sums of up to [`ROWS_IN_16_BIT`] rows, for up to [`SAMPLES_AT_A_TIME`] columns.
    some: Vec<u16>,
    /// Weighted sums of all rows of a span, for all columns.
    sums: Vec<S>,
}

impl<S: Sum> AreaColumnSums<S> {
    fn new(stride: usize) -> Self {
        Self { some: vec![0; stride.min(SAMPLES_AT_A_TIME)], sums: vec![S::default(); stride] }
    }

    /// Returns the weighted sum of the rows of `span`, for each sample of a row. `None` once `cancel` is set.
    fn of(&mut self, samples: &[u8], span: &Span, cancel: &Cancel) -> Option<&[S]> {
        let stride = self.sums.len();
        let (head, middle, tail) = (S::from(span.head), S::from(span.middle), S::from(span.tail));
        for (sums, from) in self.sums.chunks_mut(SAMPLES_AT_A_TIME).zip((0..).step_by(SAMPLES_AT_A_TIME)) {
            let some = &mut self.some[..sums.len()];
            let n = some.len();
            // The first row may also be the last. Its tail is 0 then, so the row counts once.
            let row = |y: usize| &samples[y * stride + from..][..n];
            for ((sum, &first), &last) in sums.iter_mut().zip(row(span.first)).zip(row(span.last)) {
                *sum = head * S::from(u32::from(first)) + tail * S::from(u32::from(last));
            }
            if cancel.is_cancelled() {
                return None;
            }
            for y in (span.first + 1..span.last).step_by(ROWS_IN_16_BIT) {
                let rows = y..span.last.min(y + ROWS_IN_16_BIT);
                add_up(rows, &samples[from..], stride, some);
                for (sum, &some) in sums.iter_mut().zip(&*some) {
                    // The weights add up to the number of source rows. So 32 bits hold up to 2²⁴ rows.
                    *sum += middle * S::from(u32::from(some));
                }
            }
        }
        Some(&self.sums)
    }
}

/// Sums at most [`ROWS_IN_16_BIT`] `rows` for the first columns of `samples`. Adds four rows at a time, so that each
/// sum is loaded and stored once for four rows.
fn add_up(mut rows: Range<usize>, samples: &[u8], stride: usize, sums: &mut [u16]) {
    let n = sums.len();
    let row = |y: usize| &samples[y * stride..][..n];
    sums.fill(0);
    while rows.len() >= 4 {
        let y = rows.start;
        for ((((sum, &a), &b), &c), &d) in
            sums.iter_mut().zip(row(y)).zip(row(y + 1)).zip(row(y + 2)).zip(row(y + 3))
        {
            *sum += u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d);
        }
        rows.start += 4;
    }
    for y in rows {
        sums.iter_mut().zip(row(y)).for_each(|(sum, &v)| *sum += u16::from(v));
    }
}

/// Returns the weighted sum of the columns of `span`, for each channel.
fn across<S: Sum, const STEP: usize>(sums: &[[S; STEP]], span: &Span) -> [u64; STEP] {
    let mut total = [0u64; STEP];
    // In a span of one sample, the range would begin after its end. `get` then gives no pixels.
    for pixel in sums[..span.last].get(span.first + 1..).unwrap_or_default() {
        for (total, &v) in total.iter_mut().zip(pixel) {
            *total += v.into();
        }
    }
    std::array::from_fn(|c| {
        u64::from(span.middle) * total[c]
            + u64::from(span.head) * sums[span.first][c].into()
            + u64::from(span.tail) * sums[span.last][c].into()
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

    /// The definition, sample by sample: every source sample weighted by its overlap with the destination sample.
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
        // The same three samples as a column.
        assert_eq!(area_averages::<u8, 1>(&[30, 60, 91], (1, 3), (1, 2), rounded), [40, 81]);
        // Half up: (1 + 2) / 2.
        assert_eq!(area_averages::<u8, 1>(&[1, 2], (2, 1), (1, 1), rounded), [2]);
    }

    #[test]
    fn wide_rows_are_taken_in_parts_without_a_seam() {
        // A row of 9033 samples takes three parts: samples left and right of the seams between them.
        let image = image(3011, 2, Channels::Rgb, 3);
        assert_eq!(area_resize(&image, 2, 1).samples(), plain(&image, 2, 1));
        assert_eq!(area_resize(&image, 3011, 2), image);
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
                if channels == Channels::Grey {
                    let wide = averages::<u64, u8, 1>(image.samples(), (w, h), (width, height), rounded, &Cancel::never());
                    prop_assert_eq!(resized.samples(), wide.unwrap());
                }
            }
        }
    }
}
