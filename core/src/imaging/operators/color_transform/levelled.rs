//! Colour transforms in levelled coordinates: a transform of the picture after its levels were set.
//!
//! With `x' = (x − low)/span` per channel, the terms φ(x') of second degree are linear combinations of the terms φ(x). So a
//! transform of levelled colours is a transform of plain colours, with other coefficients. Nothing is clipped between.

use super::{ColorTransform, ColorTransformError, N_COEFFICIENTS, N_TERMS};

/// The levels of a picture: per channel, the value that becomes 0 and the distance to the value that becomes 1. All
/// in stored values, 0–1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Value of each channel that becomes 0.
    pub low: [f64; 3],
    /// Distance from `low` to the value that becomes 1, above 0.
    pub span: [f64; 3],
}

impl Levels {
    /// The levels that change nothing.
    pub const PLAIN: Self = Self { low: [0.0; 3], span: [1.0; 3] };

    /// Returns a colour in levelled coordinates.
    pub fn of(&self, color: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|c| (color[c] - self.low[c]) / self.span[c])
    }
}

impl ColorTransform {
    /// Returns the transform that sets the levels of a picture, and then applies the transform with these coefficients, row
    /// by row, both without clipping between.
    ///
    /// # Errors
    /// When a coefficient of the whole is out of bounds.
    pub fn after_levels(
        coefficients: &[f64; N_COEFFICIENTS],
        levels: &Levels,
    ) -> Result<Self, ColorTransformError> {
        // Each levelled channel is factor · x + shift.
        let factor = levels.span.map(|span| 1.0 / span);
        let shift: [f64; 3] = std::array::from_fn(|c| -levels.low[c] * factor[c]);
        // Row k holds the levelled term k as a combination of the plain terms 1, r, g, b, r², g², b², rg, rb, gb.
        let mut combined = [[0.0; N_TERMS]; N_TERMS];
        combined[0][0] = 1.0;
        for c in 0..3 {
            combined[1 + c][0] = shift[c];
            combined[1 + c][1 + c] = factor[c];
            combined[4 + c][0] = shift[c] * shift[c];
            combined[4 + c][1 + c] = 2.0 * shift[c] * factor[c];
            combined[4 + c][4 + c] = factor[c] * factor[c];
        }
        for (term, [a, b]) in [(7, [0, 1]), (8, [0, 2]), (9, [1, 2])] {
            combined[term][0] = shift[a] * shift[b];
            combined[term][1 + a] = factor[a] * shift[b];
            combined[term][1 + b] = factor[b] * shift[a];
            combined[term][term] = factor[a] * factor[b];
        }
        let mut whole = [0.0; N_COEFFICIENTS];
        for (levelled, plain) in combined.iter().enumerate() {
            for (term, factor) in plain.iter().enumerate() {
                for c in 0..3 {
                    whole[3 * term + c] += factor * coefficients[3 * levelled + c];
                }
            }
        }
        Self::new(&whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::operators::color_transform::fit::terms;

    fn at(coefficients: &[f64; N_COEFFICIENTS], color: [f64; 3]) -> [f64; 3] {
        let terms = terms(color);
        std::array::from_fn(|c| (0..N_TERMS).map(|k| coefficients[3 * k + c] * terms[k]).sum())
    }

    #[test]
    fn a_transform_after_levels_is_both_one_after_the_other() {
        let levels = Levels { low: [0.1, 0.05, -0.02], span: [0.6, 0.8, 0.4] };
        let coefficients = std::array::from_fn(|i| f64::from((i * 7 % 11) as u8) / 10.0 - 0.5);
        let whole = ColorTransform::after_levels(&coefficients, &levels).unwrap().coefficients();
        for color in [[0.0, 0.0, 0.0], [0.2, 0.7, 0.4], [1.0, 0.3, 0.9]] {
            let (found, expected) = (at(&whole, color), at(&coefficients, levels.of(color)));
            assert!((0..3).all(|c| (found[c] - expected[c]).abs() < 1e-5), "{found:?} {expected:?}");
        }
        let same = ColorTransform::after_levels(&coefficients, &Levels::PLAIN).unwrap();
        assert_eq!(same, ColorTransform::new(&coefficients).unwrap());
    }

    #[test]
    fn levels_that_stretch_too_far_make_no_transform() {
        let coefficients = ColorTransform::IDENTITY.coefficients();
        let levels = Levels { low: [0.0; 3], span: [0.001; 3] };
        assert!(ColorTransform::after_levels(&coefficients, &levels).is_err());
    }
}
