//! Statistics of the centred log-magnitude spectrum `M = 20·ln(|F| + 1)` of the luma.
//!
//! # Why half of the columns is enough
//!
//! The luma is real, so its spectrum is symmetric: `F(−u, −v)` is the conjugate of `F(u, v)` and has the same
//! magnitude. A real FFT of the rows gives the columns u = 0 … width/2. A complex FFT follows along each of them.
//! Most values count twice: for themselves and for their mirrors in columns that are not computed.
//!
//! ```text
//!   u:        0     1 … width/2 − 1     width/2        width/2 + 1 … width − 1
//!             │            │               │                      │
//!   weight    1            2               1 (even width)      mirrors, not computed
//!                                          2 (odd width)
//! ```
//!
//! Column 0 and, for an even width, column width/2 are their own mirrors: both values of a mirrored pair lie in them.
//!
//! # Order
//!
//! Columns are transformed in blocks of fixed size. The blocks' statistics are merged in order, so any number of
//! threads gives the same bits.

use std::sync::Arc;

use rayon::prelude::*;
use realfft::RealFftPlanner;
use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::moments::Moments;
use crate::cancel::{Cancel, Cancelled};

/// Half the side of the centre block, in frequencies: −30 … 29.
const BLOCK: isize = 30;

/// Number of rows that one task transforms.
const ROWS_PER_TASK: usize = 32;

/// Bytes per pixel that all columns at work may take together. A pair may take twelve bytes per pixel, of which luma
/// and half spectrum take nine. For small pictures this constant limits the number of tasks at work.
const COLUMNS_BYTES_PER_PIXEL: usize = 1;

/// Returns the number of columns that one task transforms, of `n_half` columns in all.
///
/// Eight columns are two cache lines of every row, and half a megabyte at 24 megapixels. In a narrow picture eight
/// columns would be a large part of all, so a task takes one.
fn columns_per_task(n_half: usize) -> usize {
    if n_half < 64 { 1 } else { 8 }
}

/// Statistics of a spectrum. `M` is the log-magnitude; all statistics are population ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// Mean of M.
    pub mean: f64,
    /// Standard deviation of M.
    pub std_dev: f64,
    /// Skewness of M, 0 for a constant M.
    pub skewness: f64,
    /// Excess kurtosis of M, 0 for a constant M.
    pub kurtosis: f64,
    /// Mean of M in the centre block of 60×60 frequencies, clipped to the picture.
    pub inside_mean: f64,
    /// Mean of M outside the centre block, 0 when there is no outside.
    pub outside_mean: f64,
    /// Share of the magnitude |F| outside the centre block, 0–1.
    pub outside_share: f64,
    /// Mean of M where the whole part of the radius is 0, n/4, n/2, 3n/4 and n − 1, with n = min(rows/2, columns/2).
    pub radial: [f64; 5],
}

/// Measures the spectrum of `luma`: `height · width` samples, sides of at least 2. Stops once `cancel` is set, between
/// two calls into the FFT.
pub fn measure(luma: &[u8], width: usize, height: usize, cancel: &Cancel) -> Result<Spectrum, Cancelled> {
    let n_half = width / 2 + 1;
    let rows = transform_rows(luma, width, height, cancel)?;
    let column_fft = FftPlanner::new().plan_fft_forward(height);
    let n_tasks = n_half.div_ceil(columns_per_task(n_half));
    let complex_bytes = size_of::<Complex<f64>>();
    let task_bytes = complex_bytes
        * (columns_per_task(n_half) * height + column_fft.get_inplace_scratch_len())
        + size_of::<f64>() * height;
    // At least one task runs, even if a single one takes more than the limit.
    let at_once = (COLUMNS_BYTES_PER_PIXEL * width * height / task_bytes).max(1);
    let parts: Vec<SpectrumSums> = (0..n_tasks)
        .into_par_iter()
        // Rayon makes no piece shorter than this, so at most `at_once` pieces exist. Each piece has one task at work.
        .with_min_len(n_tasks.div_ceil(at_once))
        .map(|task| {
            let first = task * columns_per_task(n_half);
            if cancel.is_cancelled() {
                return SpectrumSums::new(width, height);
            }
            let columns = transform_columns(&rows, n_half, first, height, &column_fft);
            let mut sums = SpectrumSums::new(width, height);
            for (u, column) in (first..).zip(columns.chunks_exact(height)) {
                sums.add_column(u, column);
            }
            sums
        })
        .collect();
    // Sums of f64 depend on their order. Parts are merged from the first to the last, whichever thread made them.
    let mut total = SpectrumSums::new(width, height);
    for part in &parts {
        total.merge(part);
    }
    cancel.check()?;
    Ok(total.finish())
}

/// Returns the real FFT of every row, `width/2 + 1` values each, in blocks of rows.
///
/// Each task allocates its own block. Filling one large buffer with zeros would keep the other threads waiting.
fn transform_rows(
    luma: &[u8],
    width: usize,
    height: usize,
    cancel: &Cancel,
) -> Result<Vec<Vec<Complex<f64>>>, Cancelled> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(width);
    let n_half = width / 2 + 1;
    debug_assert_eq!(luma.len(), width * height);
    let blocks = luma.par_chunks(width * ROWS_PER_TASK).map_init(
        || (fft.make_input_vec(), fft.make_scratch_vec()),
        |(input, scratch), samples| {
            if cancel.is_cancelled() {
                return Vec::new();
            }
            let mut rows = vec![Complex::default(); samples.len() / width * n_half];
            for (out, row) in rows.chunks_exact_mut(n_half).zip(samples.chunks_exact(width)) {
                for (i, &v) in input.iter_mut().zip(row) {
                    *i = f64::from(v);
                }
                fft.process_with_scratch(input, out, scratch).expect("buffers made by the plan fit it");
            }
            rows
        },
    );
    let blocks = blocks.collect();
    cancel.check()?;
    Ok(blocks)
}

/// Returns the transformed columns of one task, from column `first` on, one after the other.
fn transform_columns(
    rows: &[Vec<Complex<f64>>],
    n_half: usize,
    first: usize,
    height: usize,
    fft: &Arc<dyn Fft<f64>>,
) -> Vec<Complex<f64>> {
    let n_columns = columns_per_task(n_half).min(n_half - first);
    let mut columns = vec![Complex::default(); n_columns * height];
    // Row by row, so that each cache line of the transformed rows is read once.
    for (y, row) in rows.iter().flat_map(|block| block.chunks_exact(n_half)).enumerate() {
        for (c, &value) in row[first..first + n_columns].iter().enumerate() {
            columns[c * height + y] = value;
        }
    }
    // Each column lies in one piece, so one call transforms all of them in place.
    fft.process(&mut columns);
    columns
}

/// Running statistics over some columns. Two of them can be merged.
#[derive(Clone)]
struct SpectrumSums {
    width: usize,
    height: usize,
    moments: Moments,
    /// M in the centre block.
    inside: WeightedMean,
    magnitude: f64,
    magnitude_inside: f64,
    /// Radii of the five circles. Small pictures have equal ones.
    radii: [usize; 5],
    /// M on each circle. Of equal circles only the first is used.
    radial: [WeightedMean; 5],
}

/// Number and sum of some values, each with its weight.
#[derive(Clone, Copy, Default)]
struct WeightedMean {
    n: f64,
    sum: f64,
}

impl WeightedMean {
    fn add(&mut self, value: f64, weight: f64) {
        self.n += weight;
        self.sum += weight * value;
    }

    fn merge(&mut self, other: WeightedMean) {
        self.n += other.n;
        self.sum += other.sum;
    }

    /// Returns the mean, 0 without values.
    fn value(self) -> f64 {
        if self.n > 0.0 { self.sum / self.n } else { 0.0 }
    }
}

impl SpectrumSums {
    fn new(width: usize, height: usize) -> Self {
        let n = (width / 2).min(height / 2);
        Self {
            width,
            height,
            moments: Moments::default(),
            inside: WeightedMean::default(),
            magnitude: 0.0,
            magnitude_inside: 0.0,
            radii: [0, n / 4, n / 2, 3 * n / 4, n - 1],
            radial: [WeightedMean::default(); 5],
        }
    }

    /// Adds column `u` (horizontal frequency `u`) and its mirror of frequency `−u`, if that is another column.
    fn add_column(&mut self, u: usize, column: &[Complex<f64>]) {
        // Frequency 0 and, for even widths, the Nyquist frequency are their own mirrors.
        let mirrored = u != 0 && 2 * u != self.width;
        // Signed frequencies run from −width/2, so the Nyquist frequency of an even width is negative.
        let fx = if 2 * u == self.width { -(u as isize) } else { u as isize };
        let weight = if mirrored { 2.0 } else { 1.0 };
        let log_magnitudes: Vec<f64> = column
            .iter()
            .enumerate()
            .map(|(v, value)| {
                // A square root rounds equally on every CPU. `norm` would call `hypot`, whose rounding depends on the
                // system.
                let magnitude = value.norm_sqr().sqrt();
                let m = 20.0 * libm::log(magnitude + 1.0);
                let fy = signed(v, self.height);
                // The block −30 … 29 is not symmetric, so value and mirror are tested apart.
                let n_inside = f64::from(in_block(fx, fy))
                    + if mirrored { f64::from(in_block(-fx, signed_mirror(v, self.height))) } else { 0.0 };
                self.inside.add(m, n_inside);
                self.magnitude += weight * magnitude;
                self.magnitude_inside += n_inside * magnitude;
                // A value and its mirror have the same radius, so one test serves both.
                let radius = ((fx * fx + fy * fy) as f64).sqrt() as usize;
                if let Some(ring) = self.ring(radius) {
                    self.radial[ring].add(m, weight);
                }
                m
            })
            .collect();
        self.moments.merge(&Moments::of(&log_magnitudes, weight));
    }

    /// Returns the index of the circle of this radius, if there is one.
    fn ring(&self, radius: usize) -> Option<usize> {
        self.radii.iter().position(|&r| r == radius)
    }

    fn merge(&mut self, other: &SpectrumSums) {
        self.moments.merge(&other.moments);
        self.inside.merge(other.inside);
        self.magnitude += other.magnitude;
        self.magnitude_inside += other.magnitude_inside;
        for (ring, other) in self.radial.iter_mut().zip(&other.radial) {
            ring.merge(*other);
        }
    }

    /// Returns the statistics of all columns added.
    fn finish(&self) -> Spectrum {
        let n = self.moments.n;
        let variance = self.moments.m2 / n;
        // Skewness and kurtosis of a constant M are 0/0, and are defined as 0.
        let shape = |moment: f64, scale: f64, normal: f64| {
            if variance > 0.0 { moment / n / scale - normal } else { 0.0 }
        };
        let outside = WeightedMean { n: n - self.inside.n, sum: self.moments.mean * n - self.inside.sum };
        let circle = |&radius: &usize| self.ring(radius).map_or(0.0, |ring| self.radial[ring].value());
        Spectrum {
            mean: self.moments.mean,
            std_dev: variance.sqrt(),
            skewness: shape(self.moments.m3, variance * variance.sqrt(), 0.0),
            kurtosis: shape(self.moments.m4, variance * variance, 3.0),
            inside_mean: self.inside.value(),
            outside_mean: outside.value(),
            outside_share: if self.magnitude > 0.0 {
                (self.magnitude - self.magnitude_inside) / self.magnitude
            } else {
                0.0
            },
            radial: self.radii.each_ref().map(circle),
        }
    }
}

/// Returns the signed frequency of index `v` of `n`: −n/2 … (n−1)/2.
fn signed(v: usize, n: usize) -> isize {
    if v < n.div_ceil(2) { v as isize } else { v as isize - n as isize }
}

/// Returns the signed frequency of the mirror of index `v`.
fn signed_mirror(v: usize, n: usize) -> isize {
    signed((n - v) % n, n)
}

/// Whether a frequency lies in the centre block.
fn in_block(fx: isize, fy: isize) -> bool {
    let inside = -BLOCK..BLOCK;
    inside.contains(&fx) && inside.contains(&fy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(luma: &[u8], width: usize, height: usize) -> Spectrum {
        measure(luma, width, height, &Cancel::never()).unwrap()
    }

    /// The definition, term by term, on a tiny picture.
    fn plain(luma: &[u8], width: usize, height: usize) -> Spectrum {
        let mut magnitudes = Vec::new();
        for fy in -(height as isize / 2)..(height as isize + 1) / 2 {
            for fx in -(width as isize / 2)..(width as isize + 1) / 2 {
                let mut f = Complex::new(0.0, 0.0);
                for (i, &v) in luma.iter().enumerate() {
                    let (x, y) = ((i % width) as f64, (i / width) as f64);
                    let turn = fx as f64 * x / width as f64 + fy as f64 * y / height as f64;
                    f += Complex::from_polar(f64::from(v), -std::f64::consts::TAU * turn);
                }
                magnitudes.push((fx, fy, f.norm()));
            }
        }
        let n = magnitudes.len() as f64;
        let m = |magnitude: f64| 20.0 * (magnitude + 1.0).ln();
        let mean = magnitudes.iter().map(|t| m(t.2)).sum::<f64>() / n;
        let central = |p: i32| magnitudes.iter().map(|t| (m(t.2) - mean).powi(p)).sum::<f64>() / n;
        let std_dev = central(2).sqrt();
        let inside: Vec<_> = magnitudes.iter().filter(|t| in_block(t.0, t.1)).collect();
        let outside: Vec<_> = magnitudes.iter().filter(|t| !in_block(t.0, t.1)).collect();
        let n_rings = (width / 2).min(height / 2);
        let ring = |r: usize| {
            let on = |t: &&(isize, isize, f64)| ((t.0 * t.0 + t.1 * t.1) as f64).sqrt() as usize == r;
            let values: Vec<f64> = magnitudes.iter().filter(on).map(|t| m(t.2)).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let mean_of = |part: &[&(isize, isize, f64)]| {
            if part.is_empty() { 0.0 } else { part.iter().map(|t| m(t.2)).sum::<f64>() / part.len() as f64 }
        };
        Spectrum {
            mean,
            std_dev,
            skewness: central(3) / std_dev.powi(3),
            kurtosis: central(4) / std_dev.powi(4) - 3.0,
            inside_mean: mean_of(&inside),
            outside_mean: mean_of(&outside),
            outside_share: outside.iter().map(|t| t.2).sum::<f64>()
                / magnitudes.iter().map(|t| t.2).sum::<f64>(),
            radial: [ring(0), ring(n_rings / 4), ring(n_rings / 2), ring(3 * n_rings / 4), ring(n_rings - 1)],
        }
    }

    #[test]
    fn half_the_spectrum_is_the_whole_for_odd_and_even_sides() {
        for (width, height) in [(7, 7), (8, 8), (7, 10), (12, 9), (62, 7), (61, 9), (8, 63)] {
            let luma: Vec<u8> = (0..width * height).map(|i| (i * i * 31 % 253) as u8).collect();
            let (fast, plain) = (measured(&luma, width, height), plain(&luma, width, height));
            let numbers = |s: &Spectrum| {
                let r = s.radial;
                [
                    s.mean,
                    s.std_dev,
                    s.skewness,
                    s.kurtosis,
                    s.inside_mean,
                    s.outside_mean,
                    s.outside_share,
                    r[0],
                    r[1],
                    r[2],
                    r[3],
                    r[4],
                ]
            };
            for (i, (a, b)) in numbers(&fast).into_iter().zip(numbers(&plain)).enumerate() {
                assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{width}×{height} value {i}: {a} {b}");
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let (width, height) = (129, 65);
        let luma: Vec<u8> = (0..width * height).map(|i| (i * 7919 % 256) as u8).collect();
        let with = |n: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| measured(&luma, width, height))
        };
        assert_eq!(with(1), with(3));
    }
}
