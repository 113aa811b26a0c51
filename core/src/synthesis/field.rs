//! Smooth random fields over a picture, 0 to 1, for damages that differ from place to place.

use std::f64::consts::TAU;

use super::damage_model::{DamageParameter, Scale};
use crate::numeric::random::RandomStream;

/// Number of cosines of a field of patches.
const N_WAVES: usize = 5;
/// Points per side of the grid that gives the smallest and largest sum of the cosines.
const GRID: usize = 24;

/// Names of the patterns, in the order of [`Field::new`].
const NAMES: [&str; 4] = ["patches", "edge", "corner", "border"];

/// Parameter `pattern`.
pub(super) const PATTERN: DamageParameter = DamageParameter {
    name: "pattern",
    bounds: (0.0, 3.0),
    otherwise: Some(0.0),
    scale: Scale::Names(&NAMES),
};
/// Parameter `size`, in longer sides of the picture.
pub(super) const SIZE: DamageParameter = DamageParameter::linear("size", (0.1, 2.0), 0.7);

/// A smooth field. Places are measured in longer sides of the picture.
pub(super) struct Field {
    width: usize,
    height: usize,
    shape: Shape,
}

enum Shape {
    /// A sum of cosines, scaled to 0–1: per wave, cosine and sine of every column and row.
    Patches { columns: Vec<[[f64; 2]; N_WAVES]>, rows: Vec<[[f64; 2]; N_WAVES]>, from: f64, scale: f64 },
    /// From 1 at the nearest of these sides (left, right, top, bottom) to 0 at the distance `size`.
    Sides { sides: [bool; 4], size: f64 },
    /// From 1 at a corner to 0 at the distance `size`. Right and bottom are true.
    Corner { right: bool, bottom: bool, size: f64 },
}

impl Field {
    /// Returns the field of the pattern with this index. Waves, side and corner are drawn by `key`. `size` is the
    /// shortest wavelength of patches, or the reach of an edge, in longer sides.
    pub fn new(width: usize, height: usize, pattern: f64, size: f64, key: u64) -> Self {
        let mut draws = RandomStream::new(key);
        let shape = match NAMES[pattern as usize] {
            "edge" => {
                let side = draws.below(4);
                Shape::Sides { sides: [0, 1, 2, 3].map(|i| i == side), size }
            }
            "corner" => Shape::Corner { right: draws.below(2) == 1, bottom: draws.below(2) == 1, size },
            "border" => Shape::Sides { sides: [true; 4], size },
            _ => patches(width, height, size, &mut draws),
        };
        Self { width, height, shape }
    }

    /// Returns the value at a pixel, 0 to 1.
    pub fn at(&self, x: usize, y: usize) -> f64 {
        let longer = self.width.max(self.height) as f64;
        let centre = |i: usize| (i as f64 + 0.5) / longer;
        let (left, top) = (centre(x), centre(y));
        let (right, bottom) = (centre(self.width - 1 - x), centre(self.height - 1 - y));
        match &self.shape {
            Shape::Patches { columns, rows, from, scale } => {
                ((sum(&columns[x], &rows[y]) - from) * scale).clamp(0.0, 1.0)
            }
            Shape::Sides { sides, size } => {
                let distances = [left, right, top, bottom].into_iter().zip(sides);
                let nearest = distances.filter(|(_, counts)| **counts).map(|(d, _)| d);
                falling(nearest.fold(f64::INFINITY, f64::min) / size)
            }
            Shape::Corner { right: at_right, bottom: at_bottom, size } => {
                let dx = if *at_right { right } else { left };
                let dy = if *at_bottom { bottom } else { top };
                falling((dx * dx + dy * dy).sqrt() / size)
            }
        }
    }
}

/// From 1 at 0 to 0 at 1 and beyond, with no corner (`1 − 3t² + 2t³`).
fn falling(t: f64) -> f64 {
    let t = t.min(1.0);
    1.0 - t * t * (3.0 - 2.0 * t)
}

/// The sum of `cos(a + b)` over the waves, from cosine and sine of `a` and `b`.
fn sum(column: &[[f64; 2]; N_WAVES], row: &[[f64; 2]; N_WAVES]) -> f64 {
    column.iter().zip(row).map(|(a, b)| a[0] * b[0] - a[1] * b[1]).sum()
}

fn patches(width: usize, height: usize, size: f64, draws: &mut RandomStream) -> Shape {
    // Wavelengths from `size` to 2.5 times `size`, in any direction.
    let waves: [[f64; 3]; N_WAVES] = [(); N_WAVES].map(|()| {
        let per_side = (0.4 + 0.6 * draws.uniform()) / size * TAU;
        let (sin, cos) = libm::sincos(draws.uniform() * TAU);
        [per_side * cos, per_side * sin, draws.uniform() * TAU]
    });
    let longer = width.max(height) as f64;
    let turned = |angle: f64| [libm::cos(angle), libm::sin(angle)];
    let columns: Vec<_> = (0..width)
        .map(|x| waves.map(|[along, _, phase]| turned(along * (x as f64 + 0.5) / longer + phase)))
        .collect();
    let rows: Vec<_> =
        (0..height).map(|y| waves.map(|[_, down, _]| turned(down * (y as f64 + 0.5) / longer))).collect();
    let on_grid = |i: usize, n: usize| i * (n - 1) / (GRID - 1);
    let sums =
        (0..GRID * GRID).map(|i| sum(&columns[on_grid(i % GRID, width)], &rows[on_grid(i / GRID, height)]));
    let (least, most) =
        sums.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), v| (least.min(v), most.max(v)));
    // A single pixel has one value; its field is 0.
    let scale = if most > least { 1.0 / (most - least) } else { 0.0 };
    Shape::Patches { columns, rows, from: least, scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_goes_from_0_to_1_and_is_smooth() {
        let (width, height) = (90, 60);
        for (pattern, name) in NAMES.iter().enumerate() {
            let field = Field::new(width, height, pattern as f64, 0.3, 7);
            let values: Vec<f64> = (0..width * height).map(|i| field.at(i % width, i / width)).collect();
            let (least, most) = values.iter().fold((1f64, 0f64), |(l, m), &v| (l.min(v), m.max(v)));
            assert!(least < 0.02 && most > 0.98, "{name}: {least} {most}");
            // 0.3 of 90 px is one wave: five waves of a range of 1 change by less than 0.25 per pixel.
            let step = values.windows(2).enumerate().filter(|(i, _)| (i + 1) % width != 0);
            assert!(step.map(|(_, pair)| (pair[1] - pair[0]).abs()).fold(0.0, f64::max) < 0.25, "{name}");
        }
        let one = Field::new(1, 1, 0.0, 0.3, 7).at(0, 0);
        assert_eq!(one, 0.0);
    }

    #[test]
    fn the_key_draws_another_field() {
        let at = |key| Field::new(50, 50, 0.0, 0.5, key).at(20, 30);
        assert_eq!(at(1), at(1));
        assert_ne!(at(1), at(2));
    }

    #[test]
    fn a_border_is_the_same_on_all_sides() {
        let field = Field::new(40, 20, 3.0, 0.2, 1);
        assert_eq!(field.at(0, 10), field.at(39, 10));
        assert_eq!(field.at(20, 0), field.at(20, 19));
        assert_eq!(field.at(20, 10), 0.0);
    }
}
