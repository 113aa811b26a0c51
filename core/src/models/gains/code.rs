//! The code of a picture: the colour transforms that its features predict.

use serde::{Deserialize, Serialize};

use super::{
    coordinates::Coordinates,
    kernel_ridge::KernelRidge,
    weight_forest::{LocalColumns, SteppedRows, WeightForest, WeightsError},
};
use crate::imaging::operators::color_transform::{ColorTransform, Levels, N_COEFFICIENTS};

/// Length of a code: the coefficients of a quadratic transform in each of [`Coordinates::ALL`].
pub const CODE_LENGTH: usize = 3 * N_COEFFICIENTS;

/// Step of the coefficients in tables.
pub(super) const CODE_STEP: f32 = 1.0 / 2048.0;

/// What predicts a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePredictor {
    /// The forest.
    Forest,
    /// The kernel ridge regression.
    Ridge,
    /// The mean of both.
    Mean,
    /// Half of that mean: a step from the levels to what is predicted.
    Half,
    /// Nothing is predicted: only the levels of the coordinates are set.
    Levels,
}

impl CodePredictor {
    /// Returns the name in names of candidates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forest => "forest",
            Self::Ridge => "ridge",
            Self::Mean => "mean",
            Self::Half => "half",
            Self::Levels => "levels",
        }
    }
}

/// The predicted coefficients of a picture's colour transforms, and the levels that they refer to.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformCode {
    /// By the forest: [`CODE_LENGTH`] coefficients, less those of the identity. A local linear mean of the coefficients that
    /// fitted similar training pictures, corrected for the difference between the picture's black, middle and white and
    /// those of the training pictures.
    pub forest: Vec<f32>,
    /// By kernel ridge regression: as many coefficients.
    pub ridge: Vec<f32>,
    /// Levels of the picture in each of [`Coordinates::ALL`].
    pub levels: [Levels; 3],
}

impl TransformCode {
    /// Returns the transform in plain coordinates that a predictor found in `coordinates`; `None` when a coefficient is out
    /// of bounds.
    pub fn transform(&self, predictor: CodePredictor, coordinates: Coordinates) -> Option<ColorTransform> {
        let part = coordinates as usize;
        let mut coefficients = ColorTransform::IDENTITY.coefficients();
        for (i, coefficient) in coefficients.iter_mut().enumerate() {
            let at = part * N_COEFFICIENTS + i;
            let (forest, ridge) = (f64::from(self.forest[at]), f64::from(self.ridge[at]));
            *coefficient += match predictor {
                CodePredictor::Forest => forest,
                CodePredictor::Ridge => ridge,
                CodePredictor::Mean => 0.5 * (forest + ridge),
                CodePredictor::Half => 0.25 * (forest + ridge),
                CodePredictor::Levels => 0.0,
            };
        }
        ColorTransform::after_levels(&coefficients, &self.levels[part]).ok()
    }
}

/// Predicts the code of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeModel {
    pub(super) forest: WeightForest,
    /// Codes of the training pictures, shape `(n_rows, CODE_LENGTH)`.
    pub(super) table: SteppedRows,
    /// The features on which the forest's regression runs.
    pub(super) local: LocalColumns,
    pub(super) ridge: KernelRidge,
}

impl CodeModel {
    /// Predicts the code of a picture.
    ///
    /// # Errors
    /// When the features are not those of the fit, or not finite.
    pub fn code(&self, features: &[f32]) -> Result<TransformCode, WeightsError> {
        let weights = self.forest.weights(features)?;
        let forest = weights.local_mean(self.table.rows(), &self.local, features);
        Ok(TransformCode {
            forest: forest.into_iter().map(|v| v as f32).collect(),
            ridge: self.ridge.predict(features),
            levels: Coordinates::ALL.map(|coordinates| coordinates.levels(features)),
        })
    }

    /// Returns whether the parts fit together and need `n_features` features.
    pub(super) fn is_consistent(&self, n_features: usize) -> bool {
        let n_rows = self.forest.n_rows();
        self.forest.n_features() == n_features
            && (self.table.rows().n_rows(), self.table.rows().n_columns()) == (n_rows, CODE_LENGTH)
            && self.local.is_consistent(n_rows, n_features)
            && self.ridge.is_consistent(n_features, CODE_LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use super::super::weight_forest::{NumberRows, WeightForestHyperparameters};
    use super::*;
    use crate::features::rich::N_RICH;

    /// A weighted mean of codes cannot lie beyond the codes of the training. The local linear mean can: it follows the
    /// line.
    #[test]
    fn a_code_follows_what_a_picture_differs_by() {
        let row = |x: u8| std::iter::once(f32::from(x)).chain([0.0; N_RICH - 1]);
        let features = NumberRows::new((0..60u8).flat_map(row).collect(), N_RICH).unwrap();
        let line = (0..60u8).flat_map(|x| [f32::from(x) / 10.0; CODE_LENGTH]);
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
        let ridge = KernelRidge::fit(&features, &table, &[1.0; 60], &[1.0; N_RICH], 1).unwrap();
        let table =
            SteppedRows::new(table.iter().flatten().map(|&v| v.into()), CODE_LENGTH, CODE_STEP).unwrap();
        let asked: Vec<f32> = row(65).collect();
        let code = CodeModel { forest, table, local, ridge }.code(&asked).unwrap();
        assert!(code.forest.iter().all(|&v| v > 5.9 && v <= 6.5), "{:?}", code.forest);
        assert!(code.ridge.iter().all(|&v| v > 5.0), "{:?}", code.ridge);
    }

    #[test]
    fn a_transform_takes_its_part_of_the_code() {
        let mut code = TransformCode {
            forest: vec![0.0; CODE_LENGTH],
            ridge: vec![0.0; CODE_LENGTH],
            levels: [Levels::PLAIN, Levels { low: [0.5; 3], span: [0.5; 3] }, Levels::PLAIN],
        };
        code.forest[0] = 0.25;
        let constant =
            |predictor, coordinates| code.transform(predictor, coordinates).unwrap().coefficients()[0];
        use CodePredictor::{Forest, Half, Mean, Ridge};
        let of_plain = [Forest, Ridge, Mean, Half, CodePredictor::Levels]
            .map(|predictor| constant(predictor, Coordinates::Plain));
        assert_eq!(of_plain, [0.25, 0.0, 0.125, 0.0625, 0.0]);
        assert_eq!(constant(CodePredictor::Ridge, Coordinates::Channels), -1.0);
        assert_eq!(constant(CodePredictor::Levels, Coordinates::Channels), -1.0);
        assert_eq!(constant(CodePredictor::Forest, Coordinates::Together), 0.0);
        code.ridge[0] = 65.0;
        assert_eq!(code.transform(CodePredictor::Ridge, Coordinates::Plain), None);
    }
}
