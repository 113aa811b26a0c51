//! Grey planes in `f32` on which registration works: brought to a size, smoothed, and freed of light and contrast.
//!
//! Every function is a fixed sequence of IEEE operations, so the same picture gives the same plane on any CPU.

use crate::imaging::{Channels, Image};

/// BT.601 weights of red, green and blue in the luma.
const WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];

/// `height` rows of `width` samples. The position of a sample is its pixel's centre; (0, 0) is the top left one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plane {
    pub width: usize,
    pub height: usize,
    pub samples: Vec<f32>,
}

impl Plane {
    pub fn new(width: usize, height: usize, samples: Vec<f32>) -> Self {
        assert_eq!(samples.len(), width * height, "samples of a plane");
        Self { width, height, samples }
    }

    pub fn row(&self, y: usize) -> &[f32] {
        &self.samples[y * self.width..][..self.width]
    }

    /// Returns the sample nearest to a place. Border: repeated.
    pub fn nearest(&self, x: f32, y: f32) -> f32 {
        let clamp = |v: f32, n: usize| (v + 0.5).max(0.0).min((n - 1) as f32) as usize;
        self.samples[clamp(y, self.height) * self.width + clamp(x, self.width)]
    }

    /// Returns the bilinear sample at a place; `None` outside the centres of the outermost pixels.
    pub fn sample(&self, x: f64, y: f64) -> Option<f32> {
        if !(x >= 0.0 && y >= 0.0 && x <= (self.width - 1) as f64 && y <= (self.height - 1) as f64) {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (fx, fy) = ((x - left as f64) as f32, (y - top as f64) as f32);
        let (upper, lower) = (self.row(top), self.row(bottom));
        let above = upper[left] + fx * (upper[right] - upper[left]);
        let below = lower[left] + fx * (lower[right] - lower[left]);
        Some(above + fy * (below - above))
    }

    /// Returns the luma (0–255) of `image` at `width × height`. Proportions are not kept.
    ///
    /// The filter is a triangle whose half-width is the larger of a source and a destination pixel. So shrinking
    /// averages and enlarging interpolates. Memory: 4 bytes per source row and destination column.
    pub fn luma(image: &Image, width: usize, height: usize) -> Self {
        let columns = triangle_taps(image.width(), width);
        let row_samples = image.width() * image.channels().count();
        let mut row = vec![0.0; image.width()];
        let mut narrow = Vec::with_capacity(image.height() * width);
        for samples in image.samples().chunks_exact(row_samples) {
            match image.channels() {
                Channels::Grey => row.iter_mut().zip(samples).for_each(|(o, &v)| *o = f32::from(v)),
                Channels::Rgb => row.iter_mut().zip(samples.as_chunks::<3>().0).for_each(|(o, p)| {
                    *o = WEIGHTS[0] * f32::from(p[0])
                        + WEIGHTS[1] * f32::from(p[1])
                        + WEIGHTS[2] * f32::from(p[2]);
                }),
            }
            narrow.extend(columns.iter().map(|(first, weights)| dot(weights, &row[*first..])));
        }
        let mut out = vec![0.0; width * height];
        for (row, (first, weights)) in out.chunks_exact_mut(width).zip(triangle_taps(image.height(), height))
        {
            for (k, weight) in weights.iter().enumerate() {
                add_scaled(row, &narrow[(first + k) * width..][..width], *weight);
            }
        }
        Self::new(width, height, out)
    }

    /// Returns the plane smoothed by a Gaussian of standard deviation `sigma` pixels. Border: repeated.
    pub fn blurred(&self, sigma: f64) -> Self {
        let half = gaussian(sigma);
        let radius = half.len() - 1;
        let (width, height) = (self.width, self.height);
        let mut padded = vec![0.0; width + 2 * radius];
        let mut across = vec![0.0; self.samples.len()];
        for (out, row) in across.chunks_exact_mut(width).zip(self.samples.chunks_exact(width)) {
            padded[..radius].fill(row[0]);
            padded[radius..][..width].copy_from_slice(row);
            padded[radius + width..].fill(row[width - 1]);
            add_scaled(out, &padded[radius..], half[0]);
            for (k, &weight) in half.iter().enumerate().skip(1) {
                add_scaled(out, &padded[radius - k..], weight);
                add_scaled(out, &padded[radius + k..], weight);
            }
        }
        let mut out = vec![0.0; self.samples.len()];
        for (y, row) in out.chunks_exact_mut(width).enumerate() {
            add_scaled(row, &across[y * width..], half[0]);
            for (k, &weight) in half.iter().enumerate().skip(1) {
                add_scaled(row, &across[y.saturating_sub(k) * width..], weight);
                add_scaled(row, &across[(y + k).min(height - 1) * width..], weight);
            }
        }
        Self::new(width, height, out)
    }

    /// Returns every second sample of every second row. The plane should be smooth, since nothing is averaged.
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let rows = (0..height).flat_map(|y| self.row(2 * y).iter().step_by(2).copied());
        Self::new(width, height, rows.collect())
    }

    /// Returns the plane freed of light and contrast: `(v − local mean) / (local deviation + floor)`.
    ///
    /// Mean and deviation are those of a box of `2·radius + 1` pixels. The floor is a tenth of the whole plane's
    /// deviation plus 0.1; it keeps noise in flat places small. Casts, haze, fading and uneven light change the
    /// result little.
    pub fn structure(&self, radius: usize) -> Self {
        let squares = Self::new(self.width, self.height, self.samples.iter().map(|v| v * v).collect());
        let (mean, square) = (self.box_mean(radius), squares.box_mean(radius));
        let n = self.samples.len() as f64;
        let whole = self.samples.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance =
            self.samples.iter().map(|&v| (f64::from(v) - whole) * (f64::from(v) - whole)).sum::<f64>() / n;
        let floor = 0.1 * variance.sqrt() as f32 + 0.1;
        let local = mean.samples.iter().zip(&square.samples);
        let samples =
            self.samples.iter().zip(local).map(|(v, (m, s))| (v - m) / ((s - m * m).max(0.0).sqrt() + floor));
        Self::new(self.width, self.height, samples.collect())
    }

    /// Returns the mean in a box of `2·radius + 1` pixels, by running sums in f64. Border: the box is cut.
    fn box_mean(&self, radius: usize) -> Self {
        let (width, height) = (self.width, self.height);
        let mut across = vec![0.0f64; self.samples.len()];
        for (out, row) in across.chunks_exact_mut(width).zip(self.samples.chunks_exact(width)) {
            let mut sum: f64 = row.iter().take(radius).map(|&v| f64::from(v)).sum();
            for x in 0..width {
                sum += row.get(x + radius).map_or(0.0, |&v| f64::from(v));
                sum -= if x > radius { f64::from(row[x - radius - 1]) } else { 0.0 };
                out[x] = sum / ((x + radius).min(width - 1) - x.saturating_sub(radius) + 1) as f64;
            }
        }
        let mut sums = vec![0.0f64; width];
        let add = |sums: &mut [f64], y: usize, sign: f64| {
            sums.iter_mut().zip(&across[y * width..][..width]).for_each(|(s, v)| *s += sign * v);
        };
        (0..radius.min(height)).for_each(|y| add(&mut sums, y, 1.0));
        let mut out = Vec::with_capacity(self.samples.len());
        for y in 0..height {
            if y + radius < height {
                add(&mut sums, y + radius, 1.0);
            }
            if y > radius {
                add(&mut sums, y - radius - 1, -1.0);
            }
            let n = ((y + radius).min(height - 1) - y.saturating_sub(radius) + 1) as f64;
            out.extend(sums.iter().map(|s| (s / n) as f32));
        }
        Self::new(width, height, out)
    }

    /// Returns the central differences across and down; 0 on the border.
    pub fn gradients(&self) -> (Self, Self) {
        let (width, height) = (self.width, self.height);
        let (mut across, mut down) = (vec![0.0; width * height], vec![0.0; width * height]);
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let i = y * width + x;
                across[i] = 0.5 * (self.samples[i + 1] - self.samples[i - 1]);
                down[i] = 0.5 * (self.samples[i + width] - self.samples[i - width]);
            }
        }
        (Self::new(width, height, across), Self::new(width, height, down))
    }
}

/// Returns the scalar product, as long as the shorter slice.
fn dot(weights: &[f32], values: &[f32]) -> f32 {
    weights.iter().zip(values).map(|(w, v)| w * v).sum()
}

/// Adds `weight` times `values` to `out`.
fn add_scaled(out: &mut [f32], values: &[f32], weight: f32) {
    out.iter_mut().zip(values).for_each(|(o, v)| *o += weight * v);
}

/// Returns one side of a normalised Gaussian, the centre first, up to three standard deviations.
fn gaussian(sigma: f64) -> Vec<f32> {
    let radius = libm::ceil(3.0 * sigma) as usize;
    let weight = |k: usize| libm::exp(-((k * k) as f64) / (2.0 * sigma * sigma));
    let sum = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
    (0..=radius).map(|k| (weight(k) / sum) as f32).collect()
}

/// Returns, for each destination sample, the first source sample that it reads and the weights from there on. The
/// weights add up to 1.
fn triangle_taps(n_source: usize, n_destination: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = n_source as f64 / n_destination as f64;
    let support = scale.max(1.0);
    let taps = |d: usize| {
        let centre = (d as f64 + 0.5) * scale - 0.5;
        let first = libm::ceil(centre - support).max(0.0) as usize;
        let last = (libm::floor(centre + support).max(0.0) as usize).min(n_source - 1);
        let first = first.min(last);
        let weight = |i: usize| (1.0 - ((i as f64 - centre) / support).abs()).max(0.0);
        let mut weights: Vec<f64> = (first..=last).map(weight).collect();
        let mut sum: f64 = weights.iter().sum();
        // At a border the triangle may reach a sample only where its weight is 0.
        if sum <= 0.0 {
            (weights, sum) = (vec![1.0; last + 1 - first], (last + 1 - first) as f64);
        }
        (first, weights.iter().map(|w| (w / sum) as f32).collect())
    };
    (0..n_destination).map(taps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Plane {
        Plane::new(
            width,
            height,
            (0..width * height).map(|i| (i % width) as f32 + 3.0 * (i / width) as f32).collect(),
        )
    }

    #[test]
    fn luma_keeps_its_own_size_and_averages_when_shrunk() {
        let image = Image::new(4, 2, Channels::Grey, vec![0, 100, 200, 40, 0, 100, 200, 40], None).unwrap();
        assert_eq!(Plane::luma(&image, 4, 2).samples, [0.0, 100.0, 200.0, 40.0, 0.0, 100.0, 200.0, 40.0]);
        // A triangle of two pixels' half-width around 0.5: weights 3, 3, 1 (of 7) of the columns 0, 1, 2.
        let small = Plane::luma(&image, 2, 1);
        assert!((small.samples[0] - (300.0 + 200.0) / 7.0).abs() < 1e-4, "{small:?}");
        let white = Image::new(1, 1, Channels::Rgb, vec![255; 3], None).unwrap();
        assert!(Plane::luma(&white, 3, 5).samples.iter().all(|v| (v - 255.0).abs() < 1e-3));
    }

    #[test]
    fn a_blur_keeps_the_mean_of_a_constant_and_the_slope_of_a_ramp() {
        let blurred = ramp(40, 40).blurred(2.0);
        assert!((blurred.row(20)[20] - 80.0).abs() < 1e-3);
        assert!((ramp(40, 40).sample(1.25, 2.5).unwrap() - 8.75).abs() < 1e-6);
        assert_eq!(ramp(40, 40).sample(39.1, 0.0), None);
        let (across, down) = blurred.gradients();
        assert!((across.row(20)[20] - 1.0).abs() < 1e-4 && (down.row(20)[20] - 3.0).abs() < 1e-4);
    }

    #[test]
    fn structure_forgets_light_and_contrast() {
        let picture = Plane::new(60, 50, (0..3000).map(|i| ((i * i / 7) % 200) as f32 + 20.0).collect());
        let faded = Plane::new(60, 50, picture.samples.iter().map(|v| 0.5 * v + 60.0).collect());
        let (a, b) = (picture.structure(8), faded.structure(8));
        let worst = a.samples.iter().zip(&b.samples).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.01, "{worst}");
        assert!((picture.box_mean(8).row(25)[30] - mean_of_box(&picture, 30, 25, 8)).abs() < 1e-3);
        assert!((picture.box_mean(8).row(1)[59] - mean_of_box(&picture, 59, 1, 8)).abs() < 1e-3);
    }

    fn mean_of_box(plane: &Plane, x: usize, y: usize, radius: usize) -> f32 {
        let columns = x.saturating_sub(radius)..=(x + radius).min(plane.width - 1);
        let rows = y.saturating_sub(radius)..=(y + radius).min(plane.height - 1);
        let values: Vec<f32> = rows.flat_map(|y| columns.clone().map(move |x| plane.row(y)[x])).collect();
        values.iter().sum::<f32>() / values.len() as f32
    }
}
