//! Samples that a fit may use, checked before smartcore sees them.
//!
//! smartcore panics on NaN in a fit and on a wrong number of columns in a prediction, and gives a number for NaN
//! in a prediction. A `[f64; 14]` cannot have a wrong length; the rest is checked here.

use smartcore::linalg::basic::matrix::DenseMatrix;
use thiserror::Error;

use crate::learning::table::{FEATURE_NAMES, N_FEATURES};

/// The features of one picture in the order of [`FEATURE_NAMES`].
pub type FeatureRow = [f64; N_FEATURES];

/// Beyond this, squares and sums inside a fit could overflow and splits lose their meaning.
const MAGNITUDE_MAX: f64 = 1e100;

/// A model cannot be fitted.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FitError {
    /// One sample or none.
    #[error("a fit needs at least 2 samples, not {n_samples}")]
    TooFewSamples {
        /// The number given.
        n_samples: usize,
    },
    /// Features and targets differ in number.
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
    /// A family that does not regress parameters.
    #[error("a model of gains is not fitted to parameters")]
    NotClassic,
    /// smartcore refused the fit, or its trees are not what this version of it is known to grow.
    #[error("smartcore could not fit the model: {reason}")]
    Smartcore {
        /// What it said.
        reason: String,
    },
}

/// A prediction cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum PredictError {
    /// Features of a schema that the model does not predict from.
    #[error("features {found} were measured, the model needs {needed}")]
    Schema {
        /// The schema measured.
        found: &'static str,
        /// The model's.
        needed: &'static str,
    },
    /// A feature is NaN or infinite.
    #[error("feature {feature} is {found}: a finite number is needed to predict")]
    Feature {
        /// Name of the feature.
        feature: &'static str,
        /// The number found.
        found: f64,
    },
    /// `color_method=learned` was asked of a model that does not predict how.
    #[error("the model {model} predicts no colour transform, which color_method=learned needs")]
    NoColorTransform {
        /// The model's id.
        model: String,
    },
}

/// At least two samples of finite features, shape `(n_samples, 14)`, and a finite target for each.
pub(super) struct Samples<'a> {
    features: &'a [FeatureRow],
    pub(super) targets: &'a [f64],
}

pub(super) type Matrix = DenseMatrix<f64>;

impl<'a> Samples<'a> {
    pub(super) fn check(features: &'a [FeatureRow], targets: &'a [f64]) -> Result<Self, FitError> {
        let n_samples = features.len();
        if n_samples != targets.len() {
            return Err(FitError::Lengths { n_samples, n_targets: targets.len() });
        }
        if n_samples < 2 {
            return Err(FitError::TooFewSamples { n_samples });
        }
        // NaN compares false with everything, so the test asks for what is wanted.
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

    /// The target that all samples share, if they do.
    pub(super) fn constant_target(&self) -> Option<f64> {
        let first = self.targets[0];
        self.targets.iter().all(|&target| target == first).then_some(first)
    }

    /// The features for smartcore, shape `(n_samples, 14)`, column after column because fits walk along columns.
    pub(super) fn matrix(&self) -> Result<Matrix, FitError> {
        let columns = (0..N_FEATURES).flat_map(|column| self.features.iter().map(move |row| row[column]));
        Matrix::new(self.features.len(), N_FEATURES, columns.collect(), true)
            .map_err(|error| FitError::Smartcore { reason: error.to_string() })
    }
}

/// Whether trees can be asked about `features`.
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
        let fault = |rows: &[FeatureRow], targets: &[f64]| Samples::check(rows, targets).err().unwrap();
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
