//! The code of a picture: the predicted coefficients of both colour transforms.

use serde::{Deserialize, Serialize};

use super::weight_forest::{LocalColumns, NumberRows, WeightForest, WeightsError};

/// Length of a code: the coefficients of an affine transform (4 × 3) and of a quadratic one (10 × 3).
pub const CODE_LENGTH: usize = 42;
/// Number of coefficients of the affine transform, which come first in a code.
pub const AFFINE_LENGTH: usize = 12;

/// The predicted coefficients of both colour transforms of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformCode {
    /// [`CODE_LENGTH`] coefficients, less those of the identity: a local linear mean of the coefficients that fitted
    /// similar training pictures. The mean is corrected for the difference between the picture's black, middle and
    /// white and those of the training pictures.
    pub values: Vec<f32>,
    /// Uncertainty: the mean over the coefficients of their standard deviation among similar training pictures.
    pub spread: f32,
}

impl TransformCode {
    /// Returns the features of the forest of colour corrections: `features`, the affine transform, and the spread.
    pub(super) fn join(&self, features: &[f32]) -> Vec<f32> {
        features.iter().chain(&self.values[..AFFINE_LENGTH]).copied().chain([self.spread]).collect()
    }
}

/// Predicts the code of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeModel {
    pub(super) forest: WeightForest,
    /// Codes of the training pictures, shape `(n_rows, CODE_LENGTH)`.
    pub(super) table: NumberRows,
    /// The features on which the regression runs.
    pub(super) local: LocalColumns,
}

impl CodeModel {
    /// Predicts the code of a picture.
    ///
    /// # Errors
    /// When the features are not those of the fit, or not finite.
    pub fn code(&self, features: &[f32]) -> Result<TransformCode, WeightsError> {
        let weights = self.forest.weights(features)?;
        let values =
            weights.local_mean(&self.table, &self.local, features).into_iter().map(|v| v as f32).collect();
        let spreads = weights.spread(&self.table);
        let spread = spreads.iter().sum::<f64>() / spreads.len() as f64;
        Ok(TransformCode { values, spread: spread as f32 })
    }

    /// Returns whether the parts fit together and need `n_features` features.
    pub(super) fn is_consistent(&self, n_features: usize) -> bool {
        let n_rows = self.forest.n_rows();
        self.forest.n_features() == n_features
            && (self.table.n_rows(), self.table.n_columns()) == (n_rows, CODE_LENGTH)
            && self.local.is_consistent(n_rows, n_features)
    }
}

#[cfg(test)]
mod tests {
    use super::super::weight_forest::WeightForestHyperparameters;
    use super::*;

    /// A weighted mean of codes cannot lie beyond the codes of the training. The local linear mean can: it follows the
    /// line.
    #[test]
    fn a_code_follows_what_a_picture_differs_by() {
        let features = NumberRows::new((0..60u8).map(f32::from).collect(), 1).unwrap();
        let line = (0..60u8).flat_map(|x| [f32::from(x); CODE_LENGTH]);
        let table = NumberRows::new(line.collect(), CODE_LENGTH).unwrap();
        let hyper = WeightForestHyperparameters {
            n_trees: 20,
            depth_max: None,
            leaf_samples_min: 5,
            split_features: 1.0,
            seed: 1,
        };
        let forest = WeightForest::fit(&features, &table, None, &hyper.check().unwrap()).unwrap();
        let local = LocalColumns::of(&features, &[0]);
        let code = CodeModel { forest, table, local }.code(&[65.0]).unwrap();
        assert!(code.values.iter().all(|&v| v > 59.0 && v <= 65.0), "{:?}", code.values);
    }
}
