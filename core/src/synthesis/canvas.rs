//! The picture while it is damaged: encoded levels in f32, so that nothing is rounded between two damages.
//!
//! Levels go from 0 to 255, as in the file. Every damage keeps them in this range. A damage acts on each channel of a
//! colour picture. A grey picture stays grey: the damage is applied to three equal channels, and their luminance is
//! the result.

use std::sync::LazyLock;

use rayon::prelude::*;

use super::srgb::{LUMINANCE_WEIGHTS, luminance, to_encoded, to_linear};
use crate::imaging::{Channels, Image};

/// The largest level, white.
pub(super) const WHITE: f32 = 255.0;

/// Straight pieces of a [`LevelCurve`]: sixteen per level. Whole levels are knots, so their values are exact.
const PIECES: usize = 255 * 16;

/// A function from levels to levels, both 0–255, by linear interpolation between exact values. Clipped to the range.
pub(super) struct LevelCurve(Vec<f32>);

/// Curve from encoded levels to linear light times 255.
static LINEAR: LazyLock<LevelCurve> = LazyLock::new(|| LevelCurve::new(to_linear));
/// Curve from linear light times 255 to encoded levels.
static ENCODED: LazyLock<LevelCurve> = LazyLock::new(|| LevelCurve::new(to_encoded));

impl LevelCurve {
    /// Builds the curve of a function from 0–1 to 0–1. Between knots, the error of `to_encoded`, the steepest
    /// function used, is below 0.005 levels.
    pub fn new(function: impl Fn(f64) -> f64) -> Self {
        let knot = |i| (function(i as f64 / PIECES as f64).clamp(0.0, 1.0) * f64::from(WHITE)) as f32;
        Self((0..=PIECES).map(knot).collect())
    }

    /// Returns the value at `level`, 0–255.
    pub fn at(&self, level: f32) -> f32 {
        let position = level * (PIECES as f32 / WHITE);
        let piece = (position as usize).min(PIECES - 1);
        let (from, to) = (self.0[piece], self.0[piece + 1]);
        from + (position - piece as f32) * (to - from)
    }
}

/// A picture of `height` rows of `width` pixels with 1 or 3 interleaved levels each. It has no alpha.
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub channels: Channels,
    pub levels: Vec<f32>,
}

impl Canvas {
    /// Copies the samples of a picture; alpha is left out.
    pub fn new(image: &Image) -> Self {
        let levels = image.samples().iter().map(|&v| f32::from(v)).collect();
        Self { width: image.width(), height: image.height(), channels: image.channels(), levels }
    }

    /// Number of interleaved channels, 1 or 3.
    pub fn step(&self) -> usize {
        self.channels.count()
    }

    /// Number of levels in a row.
    pub fn stride(&self) -> usize {
        self.width * self.step()
    }

    /// Returns the samples: levels rounded to whole numbers, halves upwards.
    pub fn samples(&self) -> Vec<u8> {
        self.levels.iter().map(|&level| (level + 0.5) as u8).collect()
    }

    /// Replaces every value `v` by `function(channel, v)`. Values are encoded, 0–1; results are clipped.
    pub fn map(&mut self, function: impl Fn(usize, f64) -> f64) {
        let curves: Vec<LevelCurve> = match self.channels {
            Channels::Rgb => (0..3).map(|channel| LevelCurve::new(|v| function(channel, v))).collect(),
            Channels::Grey => {
                let of_three = |v| [0, 1, 2].map(|channel| function(channel, v).clamp(0.0, 1.0));
                vec![LevelCurve::new(|v| to_encoded(luminance(of_three(v))))]
            }
        };
        self.for_rows(|_, row| {
            for pixel in row.chunks_exact_mut(curves.len()) {
                for (level, curve) in pixel.iter_mut().zip(&curves) {
                    *level = curve.at(*level);
                }
            }
        });
    }

    /// Replaces every linear light `v` of row `y` by `factor · v + summand`, clipped. `affine(y)` gives factor and
    /// summand per channel.
    pub fn map_linear_rows(&mut self, affine: impl Fn(usize) -> [(f64, f64); 3] + Sync) {
        let step = self.step();
        self.for_rows(|y, row| {
            let affine = affine(y);
            // In linear light, the luminance of three channels is their weighted sum. So one affine map gives the grey
            // result. The result differs from that of three maps only where one of the channels clips.
            let weighted = |part: fn(&(f64, f64)) -> f64| {
                affine.iter().zip(LUMINANCE_WEIGHTS).map(|(of, weight)| weight * part(of)).sum::<f64>()
            };
            let grey = [(weighted(|of| of.0), weighted(|of| of.1))];
            let affine = if step == 1 { &grey[..] } else { &affine[..] };
            for pixel in row.chunks_exact_mut(step) {
                for (level, &(factor, summand)) in pixel.iter_mut().zip(affine) {
                    *level = encoded(linear(*level) * factor as f32 + summand as f32);
                }
            }
        });
    }

    /// Multiplies linear light by `factor(x, y)`, clipped.
    pub fn multiply_linear(&mut self, factor: impl Fn(usize, usize) -> f64 + Sync) {
        let step = self.step();
        self.for_rows(|y, row| {
            for (x, pixel) in row.chunks_exact_mut(step).enumerate() {
                let factor = factor(x, y) as f32;
                for level in pixel {
                    *level = encoded(linear(*level) * factor);
                }
            }
        });
    }

    /// Returns all levels in linear light, 0–1.
    pub fn to_linear(&self) -> Vec<f32> {
        self.levels.par_iter().map(|&level| linear(level)).collect()
    }

    /// Sets all levels from linear light, clipped.
    pub fn set_linear(&mut self, light: &[f32]) {
        self.levels.par_iter_mut().zip(light).for_each(|(level, &light)| *level = encoded(light));
    }

    /// Calls `change(y, row)` for every row, on all threads of the current pool.
    pub fn for_rows(&mut self, change: impl Fn(usize, &mut [f32]) + Sync) {
        let stride = self.stride();
        self.levels.par_chunks_exact_mut(stride).enumerate().for_each(|(y, row)| change(y, row));
    }
}

/// Linear light, 0–1, of a level, 0–255.
pub(super) fn linear(level: f32) -> f32 {
    LINEAR.at(level) / WHITE
}

/// Level, 0–255, of linear light, clipped.
pub(super) fn encoded(light: f32) -> f32 {
    ENCODED.at((light * WHITE).clamp(0.0, WHITE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(channels: Channels) -> Canvas {
        let samples = (0..=255).flat_map(|v| vec![v; channels.count()]).collect();
        Canvas::new(&Image::new(256, 1, channels, samples, None).unwrap())
    }

    #[test]
    fn going_to_linear_light_and_back_changes_no_sample() {
        for channels in [Channels::Grey, Channels::Rgb] {
            let mut canvas = ramp(channels);
            let before = canvas.samples();
            let light = canvas.to_linear();
            canvas.set_linear(&light);
            canvas.map(|_, v| v);
            canvas.map_linear_rows(|_| [(1.0, 0.0); 3]);
            canvas.multiply_linear(|_, _| 1.0);
            assert_eq!(canvas.samples(), before);
        }
    }

    #[test]
    fn grey_takes_the_luminance_of_three_channels() {
        let function = |channel: usize, v: f64| [v * 0.5, v, v * v][channel];
        let (mut grey, mut rgb) = (ramp(Channels::Grey), ramp(Channels::Rgb));
        grey.map(function);
        rgb.map(function);
        for (grey, rgb) in grey.levels.iter().zip(rgb.levels.chunks_exact(3)) {
            let expected = to_encoded(luminance([0, 1, 2].map(|c| f64::from(rgb[c]) / 255.0))) * 255.0;
            assert!((f64::from(*grey) - expected).abs() < 1e-3, "{grey} {expected}");
        }
        let (mut grey, mut rgb) = (ramp(Channels::Grey), ramp(Channels::Rgb));
        let affine = |_: usize| [(0.3, 0.1), (0.6, 0.05), (0.8, 0.2)];
        grey.map_linear_rows(affine);
        rgb.map_linear_rows(affine);
        for (grey, rgb) in grey.levels.iter().zip(rgb.levels.chunks_exact(3)) {
            let expected = to_encoded(luminance([0, 1, 2].map(|c| f64::from(rgb[c]) / 255.0))) * 255.0;
            assert!((f64::from(*grey) - expected).abs() < 0.02, "{grey} {expected}");
        }
    }
}
