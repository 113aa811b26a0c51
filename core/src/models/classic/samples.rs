//! Samples of a fit, checked before smartcore sees them.
//!
//! smartcore panics on NaN in a fit, panics on a wrong number of columns in a prediction, and predicts a number for NaN
//! features. A `[f64; 14]` cannot have a wrong length. The rest is checked here.

use smartcore::linalg::basic::matrix::DenseMatrix;
use thiserror::Error;

use crate::learning::table::{FEATURE_NAMES, N_FEATURES};
use crate::models::error::PredictError;

/// The features of one picture in the order of [`FEATURE_NAMES`].
pub type FeatureRow = [f64; N_FEATURES];

/// Largest magnitude of a number. With larger ones, squares and sums inside a fit could overflow.
const MAGNITUDE_MAX: f64 = 1e100;

/// A model cannot be fitted.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FitError {
    /// There are fewer than two samples.
    #[error("a fit needs at least 2 samples, not {n_samples}")]
    TooFewSamples {
        /// The number given.
        n_samples: usize,
    },
    /// The numbers of features and targets differ.
    #[error("{n_samples} rows of features do not match {n_targets} targets")]
    Lengths {
        /// Rows of features.
        n_samples: usize,
        /// Targets.
        n_targets: usize,
    },
    /// A feature is NaN, infinite or beyond ±1e100.
    #[error("feature {feature} of sample {sample} is {found}: a finite number within ±1e100 is needed")]
    Feature {
        /// Index of the sample.
        sample: usize,
        /// Name of the feature.
        feature: &'static str,
        /// The number found.
        found: f64,
    },
    /// A target is NaN, infinite or beyond ±1e100.
    #[error("the target of sample {sample} is {found}: a finite number within ±1e100 is needed")]
    Target {
        /// Index of the sample.
        sample: usize,
        /// The number found.
        found: f64,
    },
    /// The family is of another kind: it does not regress parameters.
    #[error("a table trains models of the classic kind only")]
    NotClassic,
    /// smartcore refused the fit, or its trees do not have the known form.
    #[error("smartcore could not fit the model: {reason}")]
    Smartcore {
        /// Description of the fault.
        reason: String,
    },
}

/// At least two samples of finite features, shape `(n_samples, 14)`, and a finite target for each.
pub(super) struct CheckedSamples<'a> {
    features: &'a [FeatureRow],
    pub(super) targets: &'a [f64],
}

/// Features as smartcore takes them.
pub(super) type Matrix = DenseMatrix<f64>;

impl<'a> CheckedSamples<'a> {
    /// Checks features and targets.
    pub(super) fn check(features: &'a [FeatureRow], targets: &'a [f64]) -> Result<Self, FitError> {
        let n_samples = features.len();
        if n_samples != targets.len() {
            return Err(FitError::Lengths { n_samples, n_targets: targets.len() });
        }
        if n_samples < 2 {
            return Err(FitError::TooFewSamples { n_samples });
        }
        // NaN compares false with everything, so the condition states what is allowed.
        let usable = |number: f64| number.abs() <= MAGNITUDE_MAX;
        for (sample, (row, &target)) in features.iter().zip(targets).enumerate() {
            if let Some(at) = row.iter().position(|&feature| !usable(feature)) {
                return Err(FitError::Feature { sample, feature: FEATURE_NAMES[at], found: row[at] });
            }
            if !usable(target) {
                return Err(FitError::Target { sample, found: target });
            }
        }
        Ok(Self { features, targets })
    }

    /// Returns the target of all samples when they are equal.
    pub(super) fn constant_target(&self) -> Option<f64> {
        let first = self.targets[0];
        self.targets.iter().all(|&target| target == first).then_some(first)
    }

    /// Returns the features for smartcore, shape `(n_samples, 14)`, column after column because fits read one column at a time.
    pub(super) fn matrix(&self) -> Result<Matrix, FitError> {
        let columns = (0..N_FEATURES).flat_map(|column| self.features.iter().map(move |row| row[column]));
        Matrix::new(self.features.len(), N_FEATURES, columns.collect(), true)
            .map_err(|error| FitError::Smartcore { reason: error.to_string() })
    }
}

/// Checks that `features` are finite, as a prediction needs.
pub(super) fn check_finite(features: &FeatureRow) -> Result<(), PredictError> {
    match features.iter().position(|feature| !feature.is_finite()) {
        Some(at) => Err(PredictError::Feature { feature: FEATURE_NAMES[at], found: features[at] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_before_smartcore_can_panic() {
        let rows = [[1.0; N_FEATURES]; 3];
        let fault =
            |rows: &[FeatureRow], targets: &[f64]| CheckedSamples::check(rows, targets).err().unwrap();
        assert_eq!(fault(&rows, &[1.0; 2]), FitError::Lengths { n_samples: 3, n_targets: 2 });
        assert_eq!(fault(&rows[..1], &[1.0]), FitError::TooFewSamples { n_samples: 1 });
        assert_eq!(fault(&[], &[]), FitError::TooFewSamples { n_samples: 0 });
        for found in [f64::INFINITY, f64::NEG_INFINITY, 1e101] {
            let mut broken = rows;
            broken[2][13] = found;
            let expected = FitError::Feature { sample: 2, feature: "sharpening_need", found };
            assert_eq!(fault(&broken, &[1.0; 3]), expected);
            assert_eq!(fault(&rows, &[1.0, found, 1.0]), FitError::Target { sample: 1, found });
        }
        assert!(matches!(fault(&rows, &[1.0, 1.0, f64::NAN]), FitError::Target { sample: 2, .. }));
        let mut broken = rows;
        broken[0][0] = f64::NAN;
        assert!(matches!(fault(&broken, &[1.0; 3]), FitError::Feature { sample: 0, feature: "mean", .. }));
        assert!(check_finite(&broken[0]).is_err());
        assert!(check_finite(&broken[1]).is_ok());
    }
}
