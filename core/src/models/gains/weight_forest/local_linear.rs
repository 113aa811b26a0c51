//! Local linear forests: a weighted linear regression in place of a weighted mean. Source: Friedberg, Tibshirani,
//! Athey, Wager, "Local linear forests", Journal of Computational and Graphical Statistics 30, 2021.
//!
//! A forest's weights show which training rows are similar to a vector. The plain mean of their targets is biased when the
//! vector lies at the edge of those rows. A regression of the targets on a few columns, evaluated at the vector, follows
//! the slope:
//!
//! ```text
//! target         |  * regression at the vector
//!             o  |
//!          o     |  + plain mean of the rows o
//!       o        |
//!    o           |
//!  --------------+---> column
//!                vector
//! ```

use serde::{Deserialize, Serialize};

use super::rows::NumberRows;
use crate::numeric::linear::Cholesky;

/// Least standard deviation by which a column is divided. A column with a smaller one counts as constant, because quotients
/// might not be finite.
const DEVIATION_MIN: f32 = 1e-6;
/// Ridge penalty of the slopes, for columns of standard deviation 1: pulls the slopes towards 0.
const RIDGE: f64 = 0.03;

/// The columns on which the regression runs, with their training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocalColumns {
    /// Indices of the columns among the features.
    columns: Vec<u32>,
    /// Values divided by the scales, shape `(n_rows, n_columns)`.
    rows: NumberRows,
    /// Standard deviation of each column over all rows; 1 for a constant column.
    scales: Vec<f32>,
}

impl LocalColumns {
    /// Takes the columns with the given indices from the features of a fit.
    ///
    /// # Panics
    /// When a column does not exist, or `columns` is empty.
    pub fn of(features: &NumberRows, columns: &[usize]) -> Self {
        let n = features.n_rows() as f64;
        let scale = |&column: &usize| {
            let values = || (0..features.n_rows()).map(|row| f64::from(features.number(row, column)));
            // The mean is subtracted before squaring: large values with a small deviation would cancel otherwise.
            let mean = values().sum::<f64>() / n;
            let deviation = (values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt() as f32;
            if deviation > DEVIATION_MIN { deviation } else { 1.0 }
        };
        let scales: Vec<f32> = columns.iter().map(scale).collect();
        let scaled = |row: usize| columns.iter().zip(&scales).map(move |(&c, s)| features.number(row, c) / s);
        let numbers = (0..features.n_rows()).flat_map(scaled).collect();
        let rows =
            NumberRows::new(numbers, columns.len()).expect("features divided by a millionth do not overflow");
        Self { columns: columns.iter().map(|&column| column as u32).collect(), rows, scales }
    }

    /// Returns whether the columns belong to a fit on `n_rows` rows of `n_features` features.
    pub fn is_consistent(&self, n_rows: usize, n_features: usize) -> bool {
        let n = self.columns.len();
        (self.rows.n_rows(), self.rows.n_columns(), self.scales.len()) == (n_rows, n, n)
            && self.columns.iter().all(|&column| (column as usize) < n_features)
            && self.scales.iter().all(|&scale| scale.is_finite() && scale > 0.0)
    }

    /// Returns new weights for the rows of `weights`. The mean of targets by the new weights is the regression's value
    /// at `features`, which is called "the vector" below. The new weights sum to 1, and some may be below 0. Costs the
    /// square of the number of columns per row.
    ///
    /// Let `x = (1, row − vector)`, `w` the given weight of the row and `R` the ridge on the slopes. The regression's value
    /// at the vector is its intercept: the first entry of `(Σ w·x·xᵀ + R)⁻¹ · Σ w·x·target`. The inverse is symmetric.
    /// With its first column `c`, the intercept is `Σ w·(c·x)·target`. So the new weight of a row is `w·(c·x)`, and one
    /// solved system serves all targets.
    pub(super) fn tilted(&self, weights: &[(usize, f64)], features: &[f32]) -> Vec<(usize, f64)> {
        // The same f32 division as for the rows. So the offset of an equal training row is exactly 0.
        let at = self.columns.iter().zip(&self.scales).map(|(&c, s)| f64::from(features[c as usize] / s));
        let at: Vec<f64> = at.collect();
        let n = at.len() + 1;
        let mut offsets = Vec::with_capacity(n * weights.len());
        for &(row, _) in weights {
            offsets.push(1.0);
            offsets.extend(self.rows.row(row).iter().zip(&at).map(|(&v, at)| f64::from(v) - at));
        }
        let weighted = || weights.iter().zip(offsets.chunks_exact(n));
        // The lower triangle of Σ w·x·xᵀ: the decomposition reads nothing else.
        let mut normal = vec![vec![0.0; n]; n];
        for (&(_, weight), x) in weighted() {
            for (i, normal) in normal.iter_mut().enumerate() {
                normal.iter_mut().zip(x).take(i + 1).for_each(|(sum, xj)| *sum += weight * x[i] * xj);
            }
        }
        // The intercept has no penalty. So the first equation reads Σ w·(c·x) = 1: the new weights sum to 1.
        (1..n).for_each(|i| normal[i][i] += RIDGE);
        // Solving for (1, 0, 0, …) gives the first column of the inverse. The bound on the diagonal is far below the
        // ridge.
        let mut slopes = vec![0.0; n];
        slopes[0] = 1.0;
        Cholesky::of(normal, RIDGE * RIDGE).solve(&mut slopes);
        let dot = |x: &[f64]| x.iter().zip(&slopes).map(|(x, s)| x * s).sum::<f64>();
        weighted().map(|(&(row, weight), x)| (row, weight * dot(x))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::gains::weight_forest::RowWeights;

    #[test]
    fn a_line_is_followed_beyond_the_rows_that_weigh() {
        // y = 3 + 2x at x = 0…9; the weights know only x ≤ 3, the vector is at x = 5.
        let xs = NumberRows::new((0..10).map(|x| x as f32).collect(), 1).unwrap();
        let ys = NumberRows::new((0..10).map(|x| 3.0 + 2.0 * x as f32).collect(), 1).unwrap();
        let local = LocalColumns::of(&xs, &[0]);
        let weights = RowWeights::dense(&[0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let plain = weights.mean(&ys)[0];
        let tilted = weights.local_mean(&ys, &local, &[5.0])[0];
        // By hand: deviation² 8.25, slope shrunk by 1.25 / (1.25 + 0.03 · 8.25).
        let slope = 2.0 * 1.25 / (1.25 + 0.03 * 8.25);
        assert_eq!(plain, 6.0);
        assert!((tilted - (6.0 + 3.5 * slope)).abs() < 1e-5, "{tilted}");
    }

    #[test]
    fn at_the_middle_of_what_weighs_it_is_the_plain_mean() {
        let xs = NumberRows::new(vec![1.0, 5.0, 3.0, -2.0, 2.0, 1.0], 2).unwrap();
        let ys = NumberRows::new(vec![4.0, -1.0, 7.0], 1).unwrap();
        let weights = RowWeights::dense(&[0.5, 0.25, 0.25]);
        let middle: Vec<f32> = weights.mean(&xs).into_iter().map(|v| v as f32).collect();
        let local = LocalColumns::of(&xs, &[0, 1]);
        let (plain, tilted) = (weights.mean(&ys)[0], weights.local_mean(&ys, &local, &middle)[0]);
        assert!((plain - tilted).abs() < 1e-6, "{plain} {tilted}");
        let sum: f64 = local.tilted(weights.entries(), &[9.0, -7.0]).iter().map(|(_, w)| w).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn columns_that_do_not_vary_are_harmless() {
        let xs = NumberRows::new(vec![7.0, 1.0, 7.0, 2.0], 2).unwrap();
        let ys = NumberRows::new(vec![0.0, 1.0], 1).unwrap();
        let local = LocalColumns::of(&xs, &[0, 1]);
        assert!(local.is_consistent(2, 2) && !local.is_consistent(2, 1) && !local.is_consistent(3, 2));
        let found = RowWeights::dense(&[0.5, 0.5]).local_mean(&ys, &local, &[1e30, 2.0])[0];
        assert!(found.is_finite(), "{found}");
    }
}
