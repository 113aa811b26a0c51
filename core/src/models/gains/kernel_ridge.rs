//! Kernel ridge regression with a Gaussian kernel, on landmarks: a smooth predictor of any number of targets.
//!
//! Saunders, Gammerman and Vovk, "Ridge regression learning algorithm in dual variables", 1998; landmarks after Nyström:
//! Williams and Seeger, "Using the Nyström method to speed up kernel machines", 2001. A prediction is
//!
//! ```text
//! y(x) = mean + Σ_l a_l · exp(−γ/n · |z(x) − z_l|²)
//! ```
//!
//! with each of the features standardised, clamped to ±4 and multiplied by its emphasis to z; `n` is the sum of the squared
//! emphases. The `a` have the least `Σ_r w_r/λ · |y_r − y(x_r)|² + aᵀK a`,
//! where `K` is the kernel between the landmarks. Forests follow single training pictures; this predictor varies smoothly
//! between them, so the two err differently.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::weight_forest::{NumberRows, NumberRowsError};
use crate::numeric::{linear::Cholesky, random::bits_at};

/// γ of the kernel: at the mean squared distance of two pictures, about 2n, the kernel is e^(−2γ).
const GAMMA: f64 = 0.7;
/// λ, the ridge of a row of weight 1.
const RIDGE: f64 = 0.3;
/// Most landmarks. More than 1500 of 8000 pictures changed no result by more than 0.05 dB.
const LANDMARKS_MAX: usize = 1500;
/// Standardised features are clamped to ± this, so that one strange feature does not put a picture out of every reach.
const CLAMP: f32 = 4.0;
/// Added to the diagonal of the system. Otherwise landmarks that are close to each other would get huge coefficients of opposite
/// signs, which f32 cannot hold.
const JITTER: f64 = 1e-5;
/// Rows of the system that one task computes.
const ROWS_PER_TASK: usize = 8;

/// A fitted regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelRidge {
    /// Mean of each feature.
    means: Vec<f32>,
    /// One over the standard deviation of each feature; 0 for features that never vary.
    scales: Vec<f32>,
    /// How much each feature counts.
    emphasis: Vec<f32>,
    /// Standardised features of the landmarks, shape `(n_landmarks, n_features)`.
    landmarks: NumberRows,
    /// The `a`, shape `(n_landmarks, n_targets)`.
    coefficients: NumberRows,
    /// Weighted mean of each target.
    offsets: Vec<f32>,
}

impl KernelRidge {
    /// Fits the regression of `targets`, shape `(n_rows, n_targets)`, on `features`, shape `(n_rows, n_features)`. Rows of
    /// weight 0 are left out. Landmarks are drawn by weight. `emphasis` has a factor for each standardised feature, not all of
    /// them 0. The same bits for any number of threads.
    ///
    /// Cost: `n_rows · 1500²/2` products, some seconds for 8000 rows. Memory: `8 · n_rows · 1500` bytes.
    ///
    /// # Errors
    /// When a coefficient is not finite.
    ///
    /// # Panics
    /// When the numbers of rows differ, or no row has a weight.
    pub fn fit(
        features: &NumberRows,
        targets: &NumberRows,
        weights: &[f32],
        emphasis: &[f32],
        seed: u64,
    ) -> Result<Self, NumberRowsError> {
        assert!(features.n_rows() == weights.len() && targets.n_rows() == weights.len());
        assert_eq!(features.n_columns(), emphasis.len());
        let rows: Vec<usize> = (0..weights.len()).filter(|&row| weights[row] > 0.0).collect();
        assert!(!rows.is_empty(), "a fit needs a row");
        let (means, scales) = standard(features, &rows);
        let standardised: Vec<Vec<f32>> =
            rows.iter().map(|&row| standardise(features.row(row), &means, &scales, emphasis)).collect();
        let landmarks = draw(&rows, weights, seed);
        let landmarks: Vec<&Vec<f32>> = landmarks.iter().map(|&at| &standardised[at]).collect();
        let n = size(emphasis);
        let kernel_row =
            |z: &Vec<f32>| -> Vec<f64> { landmarks.iter().map(|landmark| kernel(z, landmark, n)).collect() };
        let kernels: Vec<Vec<f64>> = standardised.par_iter().map(kernel_row).collect();
        let between: Vec<Vec<f64>> = landmarks.par_iter().map(|landmark| kernel_row(landmark)).collect();
        let of_rows: Vec<f64> = rows.iter().map(|&row| f64::from(weights[row]) / RIDGE).collect();
        let offsets = weighted_means(targets, &rows, weights);
        let system = Cholesky::of(system(&kernels, &of_rows, between), 0.0);
        // Kᵀ·W·(targets − offsets), one column per target.
        let column = |target: usize| -> Vec<f64> {
            let mut right = vec![0.0; landmarks.len()];
            for ((kernels, weight), &row) in kernels.iter().zip(&of_rows).zip(&rows) {
                let excess = weight * (f64::from(targets.number(row, target)) - offsets[target]);
                right.iter_mut().zip(kernels).for_each(|(sum, kernel)| *sum += excess * kernel);
            }
            system.solve(&mut right);
            right
        };
        let columns: Vec<Vec<f64>> = (0..targets.n_columns()).into_par_iter().map(column).collect();
        let by_landmark = (0..landmarks.len()).flat_map(|l| columns.iter().map(move |column| column[l]));
        Ok(Self {
            coefficients: NumberRows::rounded(by_landmark, targets.n_columns())?,
            landmarks: NumberRows::new(landmarks.into_iter().flatten().copied().collect(), means.len())?,
            offsets: offsets.into_iter().map(|offset| offset as f32).collect(),
            emphasis: emphasis.to_vec(),
            means,
            scales,
        })
    }

    /// Predicts the targets for one vector of features. Cost: a product per feature and landmark, and one per target and
    /// landmark; 0.3 ms for 124 features, 90 targets and 1500 landmarks.
    ///
    /// # Panics
    /// When the number of features is not that of the fit.
    pub fn predict(&self, features: &[f32]) -> Vec<f32> {
        assert_eq!(features.len(), self.means.len(), "features of the fit");
        let z = standardise(features, &self.means, &self.scales, &self.emphasis);
        let n = size(&self.emphasis);
        let mut sums: Vec<f64> = self.offsets.iter().map(|&offset| f64::from(offset)).collect();
        for landmark in 0..self.landmarks.n_rows() {
            let kernel = kernel(&z, self.landmarks.row(landmark), n);
            for (sum, &a) in sums.iter_mut().zip(self.coefficients.row(landmark)) {
                *sum += kernel * f64::from(a);
            }
        }
        sums.into_iter().map(|sum| sum as f32).collect()
    }

    /// Returns whether the parts fit together and have these numbers of features and targets.
    pub(super) fn is_consistent(&self, n_features: usize, n_targets: usize) -> bool {
        self.means.len() == n_features
            && self.scales.len() == n_features
            && self.emphasis.len() == n_features
            && self.landmarks.n_columns() == n_features
            && self.coefficients.n_columns() == n_targets
            && self.offsets.len() == n_targets
            && self.landmarks.n_rows() == self.coefficients.n_rows()
            // Otherwise every distance would be 0/0.
            && size(&self.emphasis) > 0.0
            && [&self.means, &self.scales, &self.emphasis, &self.offsets]
                .iter()
                .all(|v| v.iter().all(|x| x.is_finite()))
    }
}

/// Returns the mean of each feature and one over its standard deviation, over `rows`.
fn standard(features: &NumberRows, rows: &[usize]) -> (Vec<f32>, Vec<f32>) {
    let n = rows.len() as f64;
    let column = |c: usize| rows.iter().map(move |&row| f64::from(features.number(row, c)));
    let of = |c: usize| {
        let mean = column(c).sum::<f64>() / n;
        let variance = column(c).map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        let scale = if variance > 0.0 { (1.0 / variance.sqrt()) as f32 } else { 0.0 };
        (mean as f32, if scale.is_finite() { scale } else { 0.0 })
    };
    (0..features.n_columns()).map(of).unzip()
}

fn standardise(features: &[f32], means: &[f32], scales: &[f32], emphasis: &[f32]) -> Vec<f32> {
    let of = |i: usize| ((features[i] - means[i]) * scales[i]).clamp(-CLAMP, CLAMP) * emphasis[i];
    (0..features.len()).map(of).collect()
}

/// The sum of the squared emphases, by which squared distances are divided.
fn size(emphasis: &[f32]) -> f64 {
    emphasis.iter().map(|&factor| f64::from(factor) * f64::from(factor)).sum()
}

/// Draws the indices of up to [`LANDMARKS_MAX`] of `rows`, in proportion to their weights and without repetition (Efraimidis
/// and Spirakis, "Weighted random sampling with a reservoir", 2006). The indices ascend.
fn draw(rows: &[usize], weights: &[f32], seed: u64) -> Vec<usize> {
    let key = |at: usize| {
        let uniform = ((bits_at(seed, rows[at] as u64) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        -libm::log(uniform) / f64::from(weights[rows[at]])
    };
    let mut drawn: Vec<usize> = (0..rows.len()).collect();
    drawn.sort_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
    drawn.truncate(LANDMARKS_MAX);
    drawn.sort_unstable();
    drawn
}

/// The kernel of two standardised vectors. Sums eight partial sums in a fixed order, so that it vectorises.
fn kernel(a: &[f32], b: &[f32], n: f64) -> f64 {
    let mut sums = [0.0f64; 8];
    let ((heads_a, rest_a), (heads_b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in heads_a.iter().zip(heads_b) {
        for i in 0..8 {
            let difference = f64::from(a[i]) - f64::from(b[i]);
            sums[i] += difference * difference;
        }
    }
    for (i, (a, b)) in rest_a.iter().zip(rest_b).enumerate() {
        let difference = f64::from(*a) - f64::from(*b);
        sums[i] += difference * difference;
    }
    libm::exp(-GAMMA / n * sums.iter().sum::<f64>())
}

fn weighted_means(targets: &NumberRows, rows: &[usize], weights: &[f32]) -> Vec<f64> {
    let total: f64 = rows.iter().map(|&row| f64::from(weights[row])).sum();
    let mean = |c| {
        rows.iter().map(|&row| f64::from(weights[row]) * f64::from(targets.number(row, c))).sum::<f64>()
            / total
    };
    (0..targets.n_columns()).map(mean).collect()
}

/// Returns `Kᵀ·W·K + between`, its lower triangle at least. Each entry adds the rows in their order.
fn system(kernels: &[Vec<f64>], weights: &[f64], mut between: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    between.par_chunks_mut(ROWS_PER_TASK).enumerate().for_each(|(task, system)| {
        let first = task * ROWS_PER_TASK;
        let end = first + system.len();
        for (kernels, weight) in kernels.iter().zip(weights) {
            for (i, sums) in system.iter_mut().enumerate() {
                let factor = weight * kernels[first + i];
                sums[..end].iter_mut().zip(kernels).for_each(|(sum, kernel)| *sum += factor * kernel);
            }
        }
        for (i, sums) in system.iter_mut().enumerate() {
            sums[first + i] += JITTER;
        }
    });
    between
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize, n_columns: usize, f: impl Fn(usize, usize) -> f32) -> NumberRows {
        NumberRows::new((0..n * n_columns).map(|i| f(i / n_columns, i % n_columns)).collect(), n_columns)
            .unwrap()
    }

    /// Values 0 to 1 without order.
    fn scattered(row: usize, column: usize) -> f32 {
        ((row * 7919 + column * 104_729 + row * row * 31) % 1000) as f32 / 1000.0
    }

    /// scikit-learn 1.9, `KernelRidge(alpha=0.3, kernel="rbf", gamma=0.35)` on the standardised features minus the mean of
    /// the target, gives the same numbers: with as many landmarks as rows, nothing is approximated.
    #[test]
    fn predictions_are_those_of_another_program() {
        let features = rows(60, 2, scattered);
        let target = |row| 3.0 * scattered(row, 0) - 2.0 * scattered(row, 1) * scattered(row, 0) + 1.0;
        let targets = rows(60, 1, |row, _| target(row));
        let fitted = KernelRidge::fit(&features, &targets, &[1.0; 60], &[1.0; 2], 1).unwrap();
        for (row, expected) in EXPECTED {
            let found = fitted.predict(features.row(row))[0];
            assert!((found - expected).abs() < 2e-4, "{row}: {found} {expected}");
        }
    }

    const EXPECTED: [(usize, f32); 3] = [(0, 1.116_842_7), (7, 2.543_105_3), (31, 1.890_659_1)];

    #[test]
    fn a_regression_whose_features_do_not_count_is_refused() {
        let (features, targets) = (rows(9, 2, scattered), rows(9, 1, scattered));
        let fitted = KernelRidge::fit(&features, &targets, &[1.0; 9], &[1.0; 2], 1).unwrap();
        assert!(fitted.is_consistent(2, 1) && !fitted.is_consistent(3, 1) && !fitted.is_consistent(2, 2));
        let deaf = KernelRidge { emphasis: vec![0.0; 2], ..fitted.clone() };
        let endless = KernelRidge { scales: vec![f32::INFINITY; 2], ..fitted };
        assert!(!deaf.is_consistent(2, 1) && !endless.is_consistent(2, 1));
    }

    #[test]
    fn a_smooth_function_is_predicted_between_its_rows() {
        let of = |x: f32, y: f32| (2.0 * x).sin() + y * y;
        let random = |i: usize| (bits_at(9, i as u64) >> 40) as f32 / (1 << 23) as f32 - 1.0;
        let features = rows(400, 2, |row, column| random(2 * row + column));
        let targets = rows(400, 1, |row, _| of(features.number(row, 0), features.number(row, 1)));
        let fitted = KernelRidge::fit(&features, &targets, &[1.0; 400], &[1.0; 2], 1).unwrap();
        for (x, y) in [(0.1, 0.2), (-0.5, 0.6), (0.7, -0.3)] {
            let found = fitted.predict(&[x, y])[0];
            assert!((found - of(x, y)).abs() < 0.05, "{found} {}", of(x, y));
        }
        // Far from every row, the mean remains.
        let mean = targets.iter().map(|row| row[0]).sum::<f32>() / 400.0;
        assert!((fitted.predict(&[1e9, -1e9])[0] - mean).abs() < 0.05);
    }

    #[test]
    fn rows_without_weight_change_nothing_and_landmarks_follow_weights() {
        let features = rows(50, 3, scattered);
        let targets = rows(50, 2, |row, column| scattered(row, column + 5));
        let weights: Vec<f32> = (0..50).map(|row| if row % 5 == 0 { 0.0 } else { 1.0 }).collect();
        let kept: Vec<usize> = (0..50).filter(|row| row % 5 != 0).collect();
        let all = KernelRidge::fit(&features, &targets, &weights, &[1.0; 3], 3).unwrap();
        let few = KernelRidge::fit(&features.select(&kept), &targets.select(&kept), &[1.0; 40], &[1.0; 3], 3)
            .unwrap();
        assert_eq!(all.predict(features.row(0)), few.predict(features.row(0)));
        let heavy: Vec<f32> = (0..4000).map(|row| if row < 2000 { 9.0 } else { 1.0 }).collect();
        let drawn = draw(&(0..4000).collect::<Vec<_>>(), &heavy, 1);
        let n_heavy = drawn.iter().filter(|&&row| row < 2000).count();
        assert!(drawn.len() == LANDMARKS_MAX && n_heavy > 1200 && n_heavy < 1450, "{n_heavy}");
    }
}
