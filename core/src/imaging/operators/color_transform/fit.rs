//! Fits the transform that brings a damaged picture nearest to its reference: ridge regression towards the identity.

use super::{ColorTransform, N_TERMS};
use crate::{imaging::Thumbnail, numeric::linear::Cholesky};

/// Ridge penalty of the constant and the linear terms: the cost of a deviation from the identity.
const RIDGE_LINEAR: f64 = 1e-3;
/// Ridge penalty of the quadratic terms, which can do more harm.
const RIDGE_QUADRATIC: f64 = 3e-2;

/// Number of terms of an affine transform.
const N_AFFINE: usize = 4;

impl ColorTransform {
    /// Fits all ten terms to the cells of two thumbnails.
    ///
    /// Returns the `T = I + D` with the least `|X·D − Y|²/n + Σ Λ·D²`. `X` are the terms of the damaged cells and `Y` is
    /// reference − damaged, all in [0, 1]. `Λ` is 0.001 for the constant and the linear terms and 0.03 for the quadratic
    /// ones, which keeps every coefficient within [`super::COEFFICIENT_MAX`]. The same bits for any number of threads.
    pub fn fit(damaged: &Thumbnail, reference: &Thumbnail) -> Self {
        fit_terms::<N_TERMS>(damaged, reference)
    }

    /// Fits the constant and the linear terms only. Otherwise the same as [`ColorTransform::fit`].
    pub fn fit_affine(damaged: &Thumbnail, reference: &Thumbnail) -> Self {
        fit_terms::<N_AFFINE>(damaged, reference)
    }
}

/// Returns the terms φ of a colour.
fn terms([r, g, b]: [f64; 3]) -> [f64; N_TERMS] {
    [1.0, r, g, b, r * r, g * g, b * b, r * g, r * b, g * b]
}

/// Solves the normal equations `(XᵀX/n + Λ)·D = XᵀY/n` of the first `N` terms. Cells are added in their order.
fn fit_terms<const N: usize>(damaged: &Thumbnail, reference: &Thumbnail) -> ColorTransform {
    let n = damaged.cells().len() as f64;
    let (mut products, mut targets) = ([[0.0; N]; N], [[0.0; 3]; N]);
    for (&damaged, reference) in damaged.cells().iter().zip(reference.cells()) {
        let x = terms(damaged);
        for i in 0..N {
            (0..=i).for_each(|j| products[i][j] += x[i] * x[j]);
            (0..3).for_each(|c| targets[i][c] += x[i] * (reference[c] - damaged[c]));
        }
    }
    for i in 0..N {
        (0..=i).for_each(|j| products[i][j] /= n);
        (0..3).for_each(|c| targets[i][c] /= n);
        products[i][i] += if i < N_AFFINE { RIDGE_LINEAR } else { RIDGE_QUADRATIC };
    }
    // The ridge makes the products positive definite.
    let products = Cholesky::of(products.to_vec(), f64::NEG_INFINITY);
    let mut rows = ColorTransform::IDENTITY.0;
    for c in 0..3 {
        let mut deviation = targets.map(|target| target[c]);
        products.solve(&mut deviation);
        for (row, deviation) in rows.iter_mut().zip(deviation) {
            row[c] = (f64::from(row[c]) + deviation) as f32;
        }
    }
    ColorTransform(rows)
}
