//! The weights of training rows that a forest returns for one vector of features.
//!
//! Means, quantiles and spreads of any target follow from the weights (Meinshausen, "Quantile regression forests",
//! Journal of Machine Learning Research 7, 2006). The weights also show how similar the vector is to the training.

use super::local_linear::LocalColumns;
use super::rows::NumberRows;

/// The weights above 0 of training rows, by ascending row. They sum to 1 up to rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct RowWeights {
    n_rows: usize,
    entries: Vec<(usize, f64)>,
}

/// A sum of weights reaches a quantile's share when it falls short of the share by at most this. Rounding changes sums
/// of thousands of weights by less. Unless sample weights differ extremely, no weight of 1000 trees is as small.
const ROUNDING: f64 = 1e-12;

impl RowWeights {
    /// Keeps the weights above 0 of a list that has a weight for each row.
    pub(in crate::models::gains) fn dense(weights: &[f64]) -> Self {
        let entries = weights.iter().copied().enumerate().filter(|(_, weight)| *weight > 0.0).collect();
        Self { n_rows: weights.len(), entries }
    }

    /// Number of rows that the forest was fitted on.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Rows with a weight above 0, ascending, with their weights.
    pub fn entries(&self) -> &[(usize, f64)] {
        &self.entries
    }

    /// Returns the weighted mean of each column of `targets`, shape `(n_rows, n_columns)`. Sums run from the first row
    /// to the last. Costs a multiplication per column and entry.
    ///
    /// # Panics
    /// When the targets have another number of rows than the fit. Check tables when they are loaded.
    pub fn mean(&self, targets: &NumberRows) -> Vec<f64> {
        self.check(targets);
        mean_of(&self.entries, targets)
    }

    /// Returns the local linear mean of each column of `targets`. A regression on `columns` corrects the mean for the
    /// difference between the vector `features` and the weighted rows. The result may lie beyond all targets.
    ///
    /// # Panics
    /// Same as [`RowWeights::mean`], and when the columns are of another fit.
    pub fn local_mean(&self, targets: &NumberRows, columns: &LocalColumns, features: &[f32]) -> Vec<f64> {
        self.check(targets);
        mean_of(&columns.tilted(&self.entries, features), targets)
    }

    /// Returns the weighted standard deviation of each column: the square root of the weighted mean of (target − mean)².
    ///
    /// # Panics
    /// Same as [`RowWeights::mean`].
    pub fn spread(&self, targets: &NumberRows) -> Vec<f64> {
        // A second pass subtracts the mean first. The mean of squares less the squared mean would cancel.
        let means = self.mean(targets);
        let mut spreads = vec![0.0; targets.n_columns()];
        for &(row, weight) in &self.entries {
            for ((spread, &target), mean) in spreads.iter_mut().zip(targets.row(row)).zip(&means) {
                let excess = f64::from(target) - mean;
                *spread += weight * excess * excess;
            }
        }
        spreads.into_iter().map(f64::sqrt).collect()
    }

    /// Returns the quantile `q` of a column: the least target such that the rows of at most this target have at least
    /// the share `q` of the weight. With `q = 0` it is the least target of the entries, with `q = 1` the largest. Sorts
    /// the entries.
    ///
    /// # Panics
    /// Same as [`RowWeights::mean`]; also when there is no such column, or `q` is not in `[0, 1]`.
    pub fn quantile(&self, targets: &NumberRows, column: usize, q: f64) -> f64 {
        self.check(targets);
        assert!((0.0..=1.0).contains(&q), "a quantile's share is 0 to 1, not {q}");
        let mut ordered: Vec<(f32, f64)> =
            self.entries.iter().map(|&(row, weight)| (targets.number(row, column), weight)).collect();
        // The sort is stable: weights of equal targets are summed in the order of their rows.
        ordered.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut reached = 0.0;
        // Eight weights of 0.1 sum to a little less than 0.8. Without the tolerance, the next target would be the
        // quantile.
        let quantile = ordered.iter().find(|(_, weight)| {
            reached += weight;
            reached >= q - ROUNDING
        });
        quantile.or(ordered.last()).map_or(f64::NAN, |&(target, _)| f64::from(target))
    }

    /// Returns the weights without the rows for which `exclude` is true, scaled to sum to 1 again. Returns `None` when no
    /// row remains.
    ///
    /// The excluded rows have still shaped the trees, so predictions for training rows look better than they are.
    /// Honest predictions come from forests fitted without the row's fold
    /// ([`grouped_folds`](crate::learning::grouped_folds)).
    pub fn without(&self, exclude: impl Fn(usize) -> bool) -> Option<Self> {
        let mut entries: Vec<(usize, f64)> =
            self.entries.iter().copied().filter(|&(row, _)| !exclude(row)).collect();
        let total: f64 = entries.iter().map(|(_, weight)| weight).sum();
        // Weights are positive, so the total is 0 only for an empty list, which divides nothing.
        entries.iter_mut().for_each(|(_, weight)| *weight /= total);
        (!entries.is_empty()).then_some(Self { n_rows: self.n_rows, entries })
    }

    /// Returns the largest weight. For the features of a training row, it is usually that row's weight. It is 1 when
    /// the vector's leaf holds the same single row in every tree.
    pub fn largest(&self) -> f64 {
        self.entries.iter().fold(0.0, |largest, &(_, weight)| largest.max(weight))
    }

    /// Returns the effective number of rows, 1/Σw² (Kish, "Survey sampling", 1965). It is 1 when one row has all weight,
    /// and the number of rows when all weights are equal. It is large when the trees disagree about which rows are similar.
    pub fn effective_rows(&self) -> f64 {
        1.0 / self.entries.iter().map(|(_, weight)| weight * weight).sum::<f64>()
    }

    fn check(&self, targets: &NumberRows) {
        assert_eq!(targets.n_rows(), self.n_rows, "targets have a row for each row of the fit");
    }
}

/// Returns the sum of weight · target for each column.
fn mean_of(weights: &[(usize, f64)], targets: &NumberRows) -> Vec<f64> {
    let mut means = vec![0.0; targets.n_columns()];
    // Rows outside, columns inside: the table is read along memory, and each column adds in the order of rows.
    for &(row, weight) in weights {
        for (mean, &target) in means.iter_mut().zip(targets.row(row)) {
            *mean += weight * f64::from(target);
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> RowWeights {
        RowWeights::dense(&[0.5, 0.0, 0.25, 0.125, 0.125])
    }

    /// Returns two columns of targets; the second column has equal targets.
    fn targets() -> NumberRows {
        NumberRows::new(vec![4.0, 1.0, 100.0, 9.0, 2.0, 1.0, 8.0, 3.0, -8.0, 3.0], 2).unwrap()
    }

    #[test]
    fn mean_and_spread_are_weighted() {
        // By hand: 2 + 0.5 + 1 − 1; 0.5 + 0.25 + 0.375 + 0.375. Squares about 2.5: (2.25, 0.25, 30.25, 110.25); about
        // 1.5: 0.25, 0.25, 2.25, 2.25.
        assert_eq!(weights().mean(&targets()), [2.5, 1.5]);
        let squares: [f64; 2] = [1.125 + 0.0625 + 3.78125 + 13.78125, 0.75];
        assert_eq!(weights().spread(&targets()), squares.map(f64::sqrt));
    }

    #[test]
    fn a_quantile_is_where_the_sum_of_weights_first_reaches_the_share() {
        // In order: −8 (1/8), 2 (3/8), 4 (7/8), 8 (1).
        let quantile = |q| weights().quantile(&targets(), 0, q);
        assert_eq!([quantile(0.0), quantile(0.125), quantile(0.126)], [-8.0, -8.0, 2.0]);
        assert_eq!([quantile(0.375), quantile(0.5), quantile(0.875)], [2.0, 4.0, 4.0]);
        assert_eq!([quantile(0.9), quantile(1.0)], [8.0, 8.0]);
        assert_eq!([0.75, 0.76].map(|q| weights().quantile(&targets(), 1, q)), [1.0, 3.0]);
        // Eight tenths sum to 0.7999999999999999: rounding must not move the quantile to the ninth row.
        let tenths = RowWeights::dense(&[0.1; 10]);
        let targets = NumberRows::new((1..=10).map(|i| i as f32).collect(), 1).unwrap();
        assert_eq!([0.7, 0.8, 1.0].map(|q| tenths.quantile(&targets, 0, q)), [7.0, 8.0, 10.0]);
    }

    #[test]
    fn rows_left_out_leave_their_weight_to_the_others() {
        let left = weights().without(|row| row == 0).unwrap();
        assert_eq!(left.entries(), [(2, 0.5), (3, 0.25), (4, 0.25)]);
        assert_eq!(left.n_rows(), 5);
        assert_eq!(weights().without(|row| row != 1), None);
    }

    #[test]
    fn agreement_is_seen_in_the_weights() {
        assert_eq!(weights().largest(), 0.5);
        // 1/(1/4 + 1/16 + 1/64 + 1/64) = 64/22.
        assert_eq!(weights().effective_rows(), 64.0 / 22.0);
        assert_eq!(RowWeights::dense(&[0.25; 4]).effective_rows(), 4.0);
    }

    #[test]
    #[should_panic(expected = "a row for each row of the fit")]
    fn targets_of_another_fit_are_a_broken_contract() {
        weights().mean(&NumberRows::new(vec![1.0; 4], 1).unwrap());
    }
}
