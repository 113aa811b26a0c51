//! Optical densities of a picture: `D = −log10(T)` of the linear light `T` (ISO 5-1), from 0 (white) upwards.
//!
//! Densities of dyes add up where the layers lie on each other (law of Beer and Lambert). So models of dyes work here.

use std::sync::LazyLock;

use super::{
    canvas::{Canvas, LevelCurve, WHITE, encoded, linear},
    srgb::{LUMINANCE_WEIGHTS, to_linear},
};

/// The largest density of a picture's own. Films and prints reach 2 to 3.5, and scans seldom resolve more than this;
/// it is the density of level 5.
pub(super) const DENSITY_MAX: f32 = 2.8;
/// The largest density after a change. Its light is 0.0001, which is level 0.
const CHANGED_MAX: f32 = 4.0;

/// Curve from encoded levels to densities, as shares of [`DENSITY_MAX`] times 255.
static DENSITY: LazyLock<LevelCurve> = LazyLock::new(|| {
    let light_min = libm::exp10(-f64::from(DENSITY_MAX));
    LevelCurve::new(|v| -libm::log10(to_linear(v).max(light_min)) / f64::from(DENSITY_MAX))
});
/// Curve from densities, as shares of [`CHANGED_MAX`] times 255, to linear light times 255.
static LIGHT: LazyLock<LevelCurve> =
    LazyLock::new(|| LevelCurve::new(|share| libm::exp10(-share * f64::from(CHANGED_MAX))));

impl Canvas {
    /// Replaces the densities of red, green and blue of every pixel by `change(x, y, densities)`.
    ///
    /// The light of a pixel becomes `T + 10^−D′ − 10^−D`, clipped to 0–1. That is `10^−D′` wherever `D` is below
    /// [`DENSITY_MAX`]. So unchanged densities leave every sample as it was, black too. Densities of a grey picture are
    /// equal in three channels, and the result is the luminance of the changed light.
    pub fn map_density(&mut self, change: impl Fn(usize, usize, [f32; 3]) -> [f32; 3] + Sync) {
        let step = self.step();
        // The curves are fetched once, not at every level.
        let (density, light) = (&*DENSITY, &*LIGHT);
        let (to_density, from_density) = (DENSITY_MAX / WHITE, WHITE / CHANGED_MAX);
        let light = |density: f32| light.at((density * from_density).clamp(0.0, WHITE)) / WHITE;
        let least = light(DENSITY_MAX);
        self.for_rows(|y, row| {
            for (x, pixel) in row.chunks_exact_mut(step).enumerate() {
                let levels = if step == 1 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
                let before = levels.map(|level| density.at(level) * to_density);
                let after = change(x, y, before);
                let light = [0, 1, 2].map(|c| {
                    // Nearly every density is below the largest, where the light of the old density is `T` itself.
                    let hidden = if before[c] < DENSITY_MAX { 0.0 } else { linear(levels[c]) - least };
                    (light(after[c]) + hidden.min(0.0)).clamp(0.0, 1.0)
                });
                match pixel {
                    [grey] => {
                        let [red, green, blue] = LUMINANCE_WEIGHTS.map(|weight| weight as f32);
                        *grey = encoded(red * light[0] + green * light[1] + blue * light[2]);
                    }
                    _ => pixel.iter_mut().zip(light).for_each(|(level, light)| *level = encoded(light)),
                }
            }
        });
    }
}

/// Density, 0 to [`DENSITY_MAX`], of a level, 0–255.
#[cfg(test)]
pub(super) fn density(level: f32) -> f32 {
    DENSITY.at(level) * (DENSITY_MAX / WHITE)
}

/// Linear light of a density, 0 to 4.
#[cfg(test)]
pub(super) fn light(density: f32) -> f32 {
    LIGHT.at(density * (WHITE / CHANGED_MAX)) / WHITE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channels, Image};

    #[test]
    fn densities_are_those_of_the_standard() {
        for level in 0..=255 {
            let expected = -to_linear(f64::from(level) / 255.0).max(1e-9).log10();
            let found = f64::from(density(level as f32));
            assert!((found - expected.min(2.8)).abs() < 1e-5, "{level}: {found} {expected}");
        }
        for d in [0.0, 0.301, 1.0, 2.5, 4.0] {
            assert!((f64::from(light(d)) - 10f64.powf(-f64::from(d))).abs() < 1e-6, "{d}");
        }
    }

    #[test]
    fn unchanged_densities_change_nothing_and_a_density_of_0_3_halves_the_light() {
        for channels in [Channels::Grey, Channels::Rgb] {
            let samples = (0..=255).flat_map(|v| vec![v; channels.count()]).collect();
            let mut canvas = Canvas::new(&Image::new(256, 1, channels, samples, None).unwrap());
            let before = canvas.samples();
            canvas.map_density(|_, _, d| d);
            assert_eq!(canvas.samples(), before);
            canvas.map_density(|_, _, d| d.map(|d| d + std::f32::consts::LOG10_2));
            for (found, before) in canvas.levels.iter().zip(before).filter(|(_, before)| *before > 6) {
                let expected = to_linear(f64::from(before) / 255.0) / 2.0;
                let found = to_linear(f64::from(*found) / 255.0);
                assert!((found - expected).abs() < 1e-4, "{before}: {found} {expected}");
            }
        }
    }
}
