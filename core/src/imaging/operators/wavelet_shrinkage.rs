//! Denoising by shrinking the details of an à trous wavelet transform, each channel separately. Border reflect-101.
//!
//! The transform splits a picture into three scales of detail and a coarse rest. A detail is the difference of two
//! successive blurs:
//!
//! ```text
//! v ──blur──► once ──blur──► twice ──blur──► thrice       B3 spline [1 4 6 4 1]/16, taps 1, 2, 4 pixels apart
//!   v − once      once − twice   twice − thrice           details, from fine to coarse
//!
//! v = (v − once) + (once − twice) + (twice − thrice) + thrice
//! ```
//!
//! Holes ("trous") between the taps double the scale. The picture is not made smaller, so the result does not depend on
//! where a coarser grid would begin. Source: Starck and Murtagh, "Automatic noise estimation from the multiresolution
//! support", 1998.
//!
//! Soft thresholds (Donoho 1995): a detail `w` becomes `sign(w)·max(|w| − T, 0)`, which is `w − clamp(w, −T, T)`. So the
//! restored picture is
//!
//! ```text
//! restored = v − Σ clamp(detail, −T, T)        T = denoise · sigma · [1, 0.25, 0.1]
//! ```
//!
//! rounded half to even and clamped to 0–255. Noise sinks with every blur, and so do the thresholds. Sigma is the noise's
//! standard deviation, estimated as the median of |finest detail| over 0.6745. A median hardly depends on the few large
//! details of edges.
//!
//! All numbers are whole. Each blur multiplies by 256, so samples are exact in 1/2⁸, 1/2¹⁶ and 1/2²⁴ of a stored value after
//! one, two and three blurs. The last is rounded half up to 1/2¹⁶. With 16 bits per sample the same sums are taken in f32
//! (`wavelet_shrinkage/deep.rs`).

mod deep;

pub(crate) use self::deep::measured_deep_noise_until;
pub use self::deep::{deep_noise_sigma, deep_noise_sigma_until, shrink_deep, shrink_deep_until};

use std::ops::{Add, Mul};

use rayon::prelude::*;

use super::gaussian_blur::{pad_row, reflect_101};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Image, Sample,
        alpha::{self, Whole},
    },
};

/// One side of the B3 spline's taps in 1/16: at distances 0, 1 and 2.
const TAPS: [u32; 3] = [6, 4, 1];
/// Distance between the taps at each scale, in pixels.
const STEPS_PX: [usize; 3] = [1, 2, 4];
/// Thresholds of the scales, relative to the finest one: noise sinks with every blur.
const SHARES: [f64; 3] = [1.0, 0.25, 0.1];
/// Median of |x| of a normal distribution with standard deviation 1.
const MEDIAN_OF_NORMAL: f64 = 0.6745;
/// The number 1 in the unit of details, 1/2¹⁶ of a stored value.
const ONE: i32 = 1 << 16;
/// Number of possible magnitudes of the finest detail, in 1/2⁸: 0 to 255.
const N_MAGNITUDES: usize = 255 * 256 + 1;

/// Rows that one task restores. The task reads 28 more rows around them.
const ROWS_PER_TASK: usize = 128;
/// Columns that are blurred together, so that their rows of all scales stay in the L2 cache. 28 more columns are read.
const COLUMNS: usize = 512;
/// Pixels that one task measures. Its histograms take a quarter of a megabyte per channel.
const PIXELS_PER_COUNT: usize = 1 << 20;

/// Reach of the blurs up to each scale, in pixels: twice the steps, added up.
const REACH: [usize; 3] = [2, 6, 14];
/// Distance of the farthest pixel that a restored one depends on.
pub(crate) const REACH_PX: usize = REACH[2];
/// Rows that are kept after 0, 1 and 2 blurs. The next blur reads them; the first blur is also read at the restored row.
const N_KEPT: [usize; 3] = [5, 13, 17];

/// Returns the standard deviation of the noise in each channel, in stored values.
///
/// It is the median magnitude of the finest detail over 0.6745. Of an even number of magnitudes the median is the mean of
/// the two middle ones. Medians come from counting, so they are exact and the same for any number of threads. Cost: one
/// blur. Memory: at most a byte per pixel above the first megabyte.
///
/// Of a picture that alpha hides in part, only the pixels with at least half of the largest alpha count. Their neighbours should have
/// the colours that are seen ([`pipeline::measure`](crate::imaging::pipeline::measure) sees to it).
pub fn noise_sigma(image: &Image) -> Vec<f64> {
    Cancel::uncancelled(|cancel| noise_sigma_until(image, cancel))
}

/// Same as [`noise_sigma`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
pub fn noise_sigma_until(image: &Image, cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
    measured_noise_until(image, Counted::of(alpha::weights(image)), cancel)
}

/// Same as [`noise_sigma_until`]; `counted` says which pixels count.
pub(crate) fn measured_noise_until(
    image: &Image,
    counted: Option<Counted<u8>>,
    cancel: &Cancel,
) -> Result<Vec<f64>, Cancelled> {
    let (n, height) = (image.channels().count(), image.height());
    let rows_per_count = PIXELS_PER_COUNT.div_ceil(image.width());
    let count = |mut counts: Vec<u32>, task: usize| {
        let ys = task * rows_per_count..height.min((task + 1) * rows_per_count);
        blur(image, ys, 1, cancel, &mut |from, own, blurred| {
            if let Some(counted) = &counted {
                for (i, (&v, &blurred)) in own.iter().zip(blurred[0]).enumerate() {
                    if counted.is_counted((from + i) / n) {
                        let magnitude = (i32::from(v) * 256 - blurred as i32).unsigned_abs() as usize;
                        counts[i % n * N_MAGNITUDES + magnitude] += 1;
                    }
                }
                return;
            }
            for (i, (&v, &blurred)) in own.iter().zip(blurred[0]).enumerate() {
                let magnitude = (i32::from(v) * 256 - blurred as i32).unsigned_abs() as usize;
                counts[i % n * N_MAGNITUDES + magnitude] += 1;
            }
        });
        counts
    };
    let zero = || vec![0u32; n * N_MAGNITUDES];
    let parts = (0..height.div_ceil(rows_per_count)).into_par_iter().fold(zero, count);
    let counts = parts.reduce(zero, |a, b| a.iter().zip(b).map(|(a, b)| a + b).collect());
    cancel.check()?;
    Ok(counts.chunks_exact(N_MAGNITUDES).map(|counts| median(counts) / 256.0 / MEDIAN_OF_NORMAL).collect())
}

/// Which pixels count in a measurement of noise: those with at least half of the largest alpha.
#[derive(Clone, Copy)]
pub(crate) struct Counted<'a, S> {
    alpha: &'a [S],
    least: u64,
}

impl<'a, S: Whole> Counted<'a, S> {
    /// By the weights of a picture; `None` counts all pixels.
    pub(crate) fn of(weights: Option<&'a [S]>) -> Option<Self> {
        let alpha = weights?;
        let full: u64 = alpha.iter().map(|&a| a.into()).max()?;
        Some(Self { alpha, least: full.div_ceil(2) })
    }

    fn is_counted(&self, at: usize) -> bool {
        self.alpha[at].into() >= self.least
    }
}

/// Returns the median of the numbers 0, 1, 2 …, where `counts` says how often each occurs.
fn median(counts: &[u32]) -> f64 {
    let n: u64 = counts.iter().map(|&n| u64::from(n)).sum();
    let at_rank = |rank: u64| {
        let mut below = 0;
        let bin = counts.iter().position(|&n| {
            below += u64::from(n);
            below >= rank
        });
        bin.expect("ranks are of samples") as f64
    };
    (at_rank(n.div_ceil(2)) + at_rank(n / 2 + 1)) / 2.0
}

/// Shrinks the finest details of each channel by up to `denoise` (0–5, 0 changes nothing) times `sigma`, coarser
/// details by less. `sigma` has one number per channel, as [`noise_sigma`] returns it. Alpha and size are kept, and
/// flat pictures stay flat. Memory: one more set of samples and a quarter of a megabyte per thread. Runs on the rayon pool that
/// the caller installed; the same bytes for any number of threads.
///
/// # Panics
/// When the number of sigmas is not the number of channels.
pub fn shrink(image: Image, denoise: f64, sigma: &[f64]) -> Image {
    Cancel::uncancelled(|cancel| shrink_until(image, denoise, sigma, cancel))
}

/// Same as [`shrink`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`shrink`].
pub fn shrink_until(image: Image, denoise: f64, sigma: &[f64], cancel: &Cancel) -> Result<Image, Cancelled> {
    let (n, stride) = (image.channels().count(), image.width() * image.channels().count());
    assert_eq!(sigma.len(), n, "one sigma per channel");
    let of_channel: Vec<[i32; 3]> = sigma.iter().map(|&sigma| thresholds(denoise, sigma)).collect();
    // One threshold per sample of a run of columns, so that interleaved channels are plain loops.
    let thresholds =
        [0, 1, 2].map(|scale| (0..COLUMNS * n).map(|i| of_channel[i % n][scale]).collect::<Vec<i32>>());
    let mut shrunk = vec![0u8; image.samples().len()];
    shrunk.par_chunks_mut(ROWS_PER_TASK * stride).enumerate().for_each(|(task, part)| {
        let top = task * ROWS_PER_TASK;
        blur(&image, top..top + part.len() / stride, 3, cancel, &mut |from, own, blurred| {
            shrink_row(own, blurred, &thresholds, &mut part[from - top * stride..][..own.len()]);
        });
    });
    cancel.check()?;
    Ok(image.with_samples(shrunk))
}

/// Returns the thresholds of the three scales in units of details. Thresholds too large for 32 bits saturate.
fn thresholds(denoise: f64, sigma: f64) -> [i32; 3] {
    SHARES.map(|share| (denoise * share * sigma * f64::from(ONE)).round_ties_even() as i32)
}

/// Restores a row. The blurs come in their own units (1/2⁸, 1/2¹⁶, 1/2²⁴) and are brought to 1/2¹⁶.
fn shrink_row(own: &[u8], blurred: &[&[u32]], thresholds: &[Vec<i32>; 3], out: &mut [u8]) {
    let n = out.len();
    let (own, [once, twice, thrice]) = (&own[..n], [0, 1, 2].map(|scale| &blurred[scale][..n]));
    let [first, second, third] = thresholds.each_ref().map(|thresholds| &thresholds[..n]);
    for i in 0..n {
        let v = i32::from(own[i]) << 16;
        let (once, twice) = ((once[i] << 8) as i32, twice[i] as i32);
        // The largest blur is 255 · 2²⁴. With 128 more it is still below 2³².
        let thrice = ((thrice[i] + 128) >> 8) as i32;
        // Each detail is at most 255 · 2¹⁶. So with any thresholds the sum is at most 4 · 255 · 2¹⁶, below 2³¹.
        let restored = v
            - (v - once).clamp(-first[i], first[i])
            - (once - twice).clamp(-second[i], second[i])
            - (twice - thrice).clamp(-third[i], third[i]);
        // Rounds half to even: 1 more is added where the whole part is odd.
        let even = (restored >> 16) & 1;
        out[i] = ((restored + ONE / 2 - 1 + even) >> 16).clamp(0, 255) as u8;
    }
}

/// Receives a part of a row from [`blur`]: its first sample in the picture, the stored values, and each blur of them.
type Visit<'v, S = u8> = dyn FnMut(usize, &[S], &[&[<S as DenoiseSample>::Sum]]) + 'v;

/// A type of samples, with the numbers that hold its blurs.
trait DenoiseSample: Sample {
    /// Sums of samples: whole numbers of 32 bits for 8 bits, f32 for 16.
    type Sum: Copy + Default + Send + Sync + Add<Output = Self::Sum> + Mul<Output = Self::Sum>;
    /// [`TAPS`] as sums.
    const SUM_TAPS: [Self::Sum; 3];

    /// Returns the sample as a sum.
    fn sum(self) -> Self::Sum;
}

impl DenoiseSample for u8 {
    type Sum = u32;
    const SUM_TAPS: [u32; 3] = TAPS;

    #[inline(always)]
    fn sum(self) -> u32 {
        u32::from(self)
    }
}

/// Blurs the rows `ys` once, twice … up to `n_scales` times, one run of columns after another, each from the top. Ends early
/// once `cancel` is set.
fn blur<S: DenoiseSample>(
    image: &Image<S>,
    ys: std::ops::Range<usize>,
    n_scales: usize,
    cancel: &Cancel,
    visit: &mut Visit<S>,
) {
    let (n, width) = (image.channels().count(), image.width());
    for left in (0..width).step_by(COLUMNS) {
        let n_columns = COLUMNS.min(width - left);
        let mut blurs = Blurs::new(image, left, n_columns, n_scales, ys.start as isize);
        let reach = REACH[n_scales - 1] as isize;
        for p in ys.start as isize - reach..ys.end as isize + reach {
            if cancel.is_cancelled() {
                return;
            }
            blurs.push(p);
            let y = p - reach;
            if y >= ys.start as isize {
                let from = (y as usize * width + left) * n;
                let blurred: [&[S::Sum]; 3] =
                    std::array::from_fn(|i| blurs.after(i.min(n_scales - 1) + 1, y));
                visit(from, &image.samples()[from..][..n_columns * n], &blurred[..n_scales]);
            }
        }
    }
}

/// The blurs of a run of columns, as a stream of rows from the top.
///
/// A row is blurred as soon as the rows that it reads are there. When row `p` is pushed:
///
/// ```text
/// row            p − 14 …          p − 6        p − 2      p
/// after 0 blurs                                            ■ new
/// after 1 blur                                  ■ from p − 4 … p
/// after 2 blurs                    ■ from p − 10, p − 8 … p − 2
/// after 3 blurs  ■ from p − 22, p − 18 … p − 6
/// ```
///
/// So row `p − 14` is restored. The ring after one blur keeps 13 rows, back to that row. The ring after two blurs keeps 17
/// rows, which the third blur reads. Rows and columns outside the picture are reflected: the blur of a reflected picture is
/// the reflected blur.
struct Blurs<'a, S: DenoiseSample> {
    image: &'a Image<S>,
    /// First column that is read. It may lie outside the picture.
    first: isize,
    /// First row that is restored.
    top: isize,
    n_scales: usize,
    /// Rings of rows after 0, 1, 2 … blurs: row `p` in slot `p mod` the number of slots.
    rings: Vec<Vec<Vec<S::Sum>>>,
    padded: Vec<S>,
    /// A row blurred down and not across.
    down: Vec<S::Sum>,
}

impl<'a, S: DenoiseSample> Blurs<'a, S> {
    fn new(image: &'a Image<S>, left: usize, n_columns: usize, n_scales: usize, top: isize) -> Self {
        let (n, reach) = (image.channels().count(), REACH[n_scales - 1]);
        // After each blur fewer columns around the restored ones are needed.
        let width = |blurs: usize| (n_columns + 2 * margin(n_scales, blurs)) * n;
        // The last blur of a row is read as soon as it is made. So one row is enough.
        let n_rows = |blurs: usize| if blurs == n_scales { 1 } else { N_KEPT[blurs] };
        Self {
            image,
            first: left as isize - reach as isize,
            top,
            n_scales,
            rings: (0..=n_scales)
                .map(|blurs| vec![vec![S::Sum::default(); width(blurs)]; n_rows(blurs)])
                .collect(),
            padded: vec![S::default(); width(0)],
            down: vec![S::Sum::default(); width(0)],
        }
    }

    /// Adds row `p` of the picture and makes the blurred rows that it completes.
    fn push(&mut self, p: isize) {
        let (n, stride) = (self.image.channels().count(), self.image.width() * self.image.channels().count());
        let row = &self.image.samples()[reflect_101(p, self.image.height()) * stride..][..stride];
        pad_row(row, n, self.first, &mut self.padded);
        let own = slot(&mut self.rings[0], p);
        own.iter_mut().zip(&self.padded).for_each(|(own, &v)| *own = v.sum());
        let mut at = p;
        for scale in 0..self.n_scales {
            let step = STEPS_PX[scale];
            // The outermost tap reads `2·step` rows below. So the newest row that can be blurred lies that far above.
            at -= 2 * step as isize;
            // No restored row reads rows above these, and such rows would be incomplete.
            if at < self.top - margin(self.n_scales, scale + 1) as isize {
                break;
            }
            let (before, after) = self.rings.split_at_mut(scale + 1);
            let rows = [-2, -1, 0, 1, 2].map(|k| kept(&before[scale], at + k * step as isize));
            blur_row::<S>(rows, step * n, &mut self.down, slot(&mut after[0], at));
        }
    }

    /// Returns the restored columns of row `y` after this number of blurs.
    fn after(&self, blurs: usize, y: isize) -> &[S::Sum] {
        let row = kept(&self.rings[blurs], y);
        let cut = margin(self.n_scales, blurs) * self.image.channels().count();
        &row[cut..row.len() - cut]
    }
}

/// Returns how many rows or columns around the restored ones are needed after this number of blurs.
fn margin(n_scales: usize, blurs: usize) -> usize {
    REACH[n_scales - 1] - if blurs == 0 { 0 } else { REACH[blurs - 1] }
}

/// Returns row `p` of a ring.
fn kept<T>(ring: &[Vec<T>], p: isize) -> &[T] {
    &ring[p.rem_euclid(ring.len() as isize) as usize]
}

/// Returns the slot of row `p` of a ring, to be written.
fn slot<T>(ring: &mut [Vec<T>], p: isize) -> &mut [T] {
    let n = ring.len() as isize;
    &mut ring[p.rem_euclid(n) as usize]
}

/// Blurs by the spline: down five rows, then across with taps `step` samples apart. The result is 256 times the mean.
fn blur_row<S: DenoiseSample>(rows: [&[S::Sum]; 5], step: usize, down: &mut [S::Sum], out: &mut [S::Sum]) {
    let taps = S::SUM_TAPS;
    // The outermost taps of the pass across lie `4·step` samples apart, so the pass down needs that many more.
    let down = &mut down[..out.len() + 4 * step];
    let [a, b, c, d, e] = rows.map(|row| &row[..down.len()]);
    for (i, down) in down.iter_mut().enumerate() {
        *down = taps[0] * c[i] + taps[1] * (b[i] + d[i]) + taps[2] * (a[i] + e[i]);
    }
    let n = out.len();
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|k| &down[k * step..][..n]);
    for (i, out) in out.iter_mut().enumerate() {
        // At the third scale this sum is at most 255 · 2²⁴, below 2³². So all three blurs are exact in 32 bits.
        *out = taps[0] * c[i] + taps[1] * (b[i] + d[i]) + taps[2] * (a[i] + e[i]);
    }
}

#[cfg(test)]
mod tests;
