//! Fits the transform that brings a damaged picture nearest to its reference: ridge regression towards the identity.

use super::{ColorTransform, Levels, N_COEFFICIENTS, N_TERMS};
use crate::{imaging::Thumbnail, numeric::linear::Cholesky};

/// Ridge penalty of the constant and the linear terms: the cost of a deviation from the identity.
const RIDGE_LINEAR: f64 = 1e-3;
/// Ridge penalty of the quadratic terms, which can do more harm.
const RIDGE_QUADRATIC: f64 = 3e-2;

/// Number of terms with the weaker penalty: the constant and the linear ones.
const N_AFFINE: usize = 4;

impl ColorTransform {
    /// Fits all ten terms to the cells of two thumbnails.
    ///
    /// Returns the `T = I + D` with the least `|X·D − Y|²/n + Σ Λ·D²`. `X` are the terms of the damaged cells and `Y` is
    /// reference − damaged, all in [0, 1]. `Λ` is 0.001 for the constant and the linear terms and 0.03 for the quadratic
    /// ones, which keeps every coefficient within [`super::COEFFICIENT_MAX`]. The same bits for any number of threads.
    pub fn fit(damaged: &Thumbnail, reference: &Thumbnail) -> Self {
        let deviation = Self::fit_levelled(damaged, reference, &Levels::PLAIN);
        let mut transform = ColorTransform::IDENTITY;
        for (to, deviation) in transform.0.as_flattened_mut().iter_mut().zip(deviation) {
            *to = (f64::from(*to) + deviation) as f32;
        }
        transform
    }

    /// Same as [`ColorTransform::fit`] in the coordinates of `levels`: `X` are the terms of the levelled damaged cells, and
    /// `Y` is reference − levelled damaged. Returns the deviation `D` in these coordinates, row by row.
    ///
    /// Solves the normal equations `(XᵀX/n + Λ)·D = XᵀY/n`. Cells are added in their order.
    pub fn fit_levelled(
        damaged: &Thumbnail,
        reference: &Thumbnail,
        levels: &Levels,
    ) -> [f64; N_COEFFICIENTS] {
        let n = damaged.cells().len() as f64;
        let (mut products, mut targets) = ([[0.0; N_TERMS]; N_TERMS], [[0.0; 3]; N_TERMS]);
        for (&damaged, reference) in damaged.cells().iter().zip(reference.cells()) {
            let levelled = levels.of(damaged);
            let x = terms(levelled);
            for i in 0..N_TERMS {
                (0..=i).for_each(|j| products[i][j] += x[i] * x[j]);
                (0..3).for_each(|c| targets[i][c] += x[i] * (reference[c] - levelled[c]));
            }
        }
        for i in 0..N_TERMS {
            (0..=i).for_each(|j| products[i][j] /= n);
            (0..3).for_each(|c| targets[i][c] /= n);
            products[i][i] += if i < N_AFFINE { RIDGE_LINEAR } else { RIDGE_QUADRATIC };
        }
        // The ridge makes the products positive definite.
        let products = Cholesky::of(products.to_vec(), f64::NEG_INFINITY);
        let mut deviation = [0.0; N_COEFFICIENTS];
        for c in 0..3 {
            let mut column = targets.map(|target| target[c]);
            products.solve(&mut column);
            column.iter().enumerate().for_each(|(k, &d)| deviation[3 * k + c] = d);
        }
        deviation
    }
}

/// Returns the terms φ of a colour.
pub(crate) fn terms([r, g, b]: [f64; 3]) -> [f64; N_TERMS] {
    [1.0, r, g, b, r * r, g * g, b * b, r * g, r * b, g * b]
}
