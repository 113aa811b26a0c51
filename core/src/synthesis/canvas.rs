//! The picture while it is damaged: encoded samples in f32, so that damages follow each other without rounding between.
//!
//! Levels go from 0 to 255 as in the file; every damage leaves them within. Colour is damaged per channel. A grey picture
//! stays grey: it takes the luminance of what the same damage makes of three equal channels.

use std::sync::LazyLock;

use rayon::prelude::*;

use super::srgb::{LUMINANCE_WEIGHTS, luminance, to_encoded, to_linear};
use crate::imaging::{Channels, Image};

/// The largest level.
pub(super) const WHITE: f32 = 255.0;

/// Straight pieces of a [`Curve`]: sixteen per level, so that whole levels are knots and come out exactly.
const PIECES: usize = 255 * 16;

/// A function from 0–255 to 0–255 by straight pieces between exact values; clipped to the range.
pub(super) struct Curve(Vec<f32>);

static LINEAR: LazyLock<Curve> = LazyLock::new(|| Curve::new(to_linear));
static ENCODED: LazyLock<Curve> = LazyLock::new(|| Curve::new(to_encoded));

impl Curve {
    /// From a function on 0–1. Between knots `to_encoded`, the steepest one used, is off by less than 0.005 levels.
    pub fn new(function: impl Fn(f64) -> f64) -> Self {
        let knot = |i| (function(i as f64 / PIECES as f64).clamp(0.0, 1.0) * f64::from(WHITE)) as f32;
        Self((0..=PIECES).map(knot).collect())
    }

    pub fn at(&self, level: f32) -> f32 {
        let position = level * (PIECES as f32 / WHITE);
        let piece = (position as usize).min(PIECES - 1);
        let (from, to) = (self.0[piece], self.0[piece + 1]);
        from + (position - piece as f32) * (to - from)
    }
}

/// `height` rows of `width` pixels of 1 or 3 interleaved levels. Alpha stays outside.
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub channels: Channels,
    pub levels: Vec<f32>,
}

impl Canvas {
    pub fn new(image: &Image) -> Self {
        let levels = image.samples().iter().map(|&v| f32::from(v)).collect();
        Self { width: image.width(), height: image.height(), channels: image.channels(), levels }
    }

    /// Interleaved channels.
    pub fn step(&self) -> usize {
        self.channels.count()
    }

    /// Samples in a row.
    pub fn stride(&self) -> usize {
        self.width * self.step()
    }

    /// The samples, rounded (halves upwards).
    pub fn samples(&self) -> Vec<u8> {
        self.levels.iter().map(|&level| (level + 0.5) as u8).collect()
    }

    /// Applies `function(channel, encoded value 0–1)`, clipped, to every sample.
    pub fn map(&mut self, function: impl Fn(usize, f64) -> f64) {
        let curves: Vec<Curve> = match self.channels {
            Channels::Rgb => (0..3).map(|channel| Curve::new(|v| function(channel, v))).collect(),
            Channels::Grey => {
                let of_three = |v| [0, 1, 2].map(|channel| function(channel, v).clamp(0.0, 1.0));
                vec![Curve::new(|v| to_encoded(luminance(of_three(v))))]
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

    /// Applies `affine(y)`, a factor and a summand per channel in linear light 0–1, to every row; clipped.
    pub fn map_linear_rows(&mut self, affine: impl Fn(usize) -> [(f64, f64); 3] + Sync) {
        let step = self.step();
        self.for_rows(|y, row| {
            let affine = affine(y);
            // In linear light the luminance of three equal channels is the weighted sum, but for clipping.
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

    /// Multiplies linear light by `factor(x, y)`; clipped.
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

    /// All samples in linear light 0–1.
    pub fn to_linear(&self) -> Vec<f32> {
        self.levels.par_iter().map(|&level| linear(level)).collect()
    }

    /// Takes all samples from linear light; clipped.
    pub fn set_linear(&mut self, light: &[f32]) {
        self.levels.par_iter_mut().zip(light).for_each(|(level, &light)| *level = encoded(light));
    }

    /// Calls `change(y, row)` for every row, on all threads of the pool.
    pub fn for_rows(&mut self, change: impl Fn(usize, &mut [f32]) + Sync) {
        let stride = self.stride();
        self.levels.par_chunks_exact_mut(stride).enumerate().for_each(|(y, row)| change(y, row));
    }
}

fn linear(level: f32) -> f32 {
    LINEAR.at(level) / WHITE
}

fn encoded(light: f32) -> f32 {
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
