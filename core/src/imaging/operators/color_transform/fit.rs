//! The transform that brings a damaged picture nearest to its reference: ridge regression towards doing nothing.

use super::{ColorTransform, N_TERMS};
use crate::{imaging::Thumbnail, numeric::linear::Cholesky};

/// What a deviation from the identity costs, for the constant and the linear terms.
const RIDGE_LINEAR: f64 = 1e-3;
/// And for the quadratic terms, which have more freedom to do harm.
const RIDGE_QUADRATIC: f64 = 3e-2;

/// Terms of an affine transform.
const N_AFFINE: usize = 4;

impl ColorTransform {
    /// Fits all ten terms: the `T = I + D` of least `|X·D − Y|²/n + Σ Λ·D²`, with `X` the terms of the damaged cells and
    /// `Y` reference − damaged, all in [0, 1]. `Λ` is 0.001 for the constant and linear terms, 0.03 for the quadratic
    /// ones; so no coefficient leaves [`super::COEFFICIENT_MAX`]. The same bits for any number of threads.
    pub fn fit(damaged: &Thumbnail, reference: &Thumbnail) -> Self {
        fit_terms::<N_TERMS>(damaged, reference)
    }

    /// Fits the constant and the linear terms alone.
    pub fn fit_affine(damaged: &Thumbnail, reference: &Thumbnail) -> Self {
        fit_terms::<N_AFFINE>(damaged, reference)
    }
}

fn terms([r, g, b]: [f64; 3]) -> [f64; N_TERMS] {
    [1.0, r, g, b, r * r, g * g, b * b, r * g, r * b, g * b]
}

/// Solves the normal equations of the first `N` terms, cells added in their order.
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
