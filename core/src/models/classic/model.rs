//! The fitted regressors of a classic model, one for each parameter of a restoration.

use serde::{Deserialize, Serialize};

use super::gradient_boosting::FittedGradientBoosting;
use super::random_forest::FittedRandomForest;
use super::samples::FeatureRow;
use crate::{
    imaging::RestorationParameters,
    models::{error::PredictError, family::Family},
};

/// A fitted regressor of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regressor(pub(super) FittedTrees);

/// The trees of a regressor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum FittedTrees {
    RandomForest(FittedRandomForest),
    GradientBoosting(FittedGradientBoosting),
}

impl Regressor {
    /// Returns the family of the trees.
    pub fn family(&self) -> Family {
        match self.0 {
            FittedTrees::RandomForest(_) => Family::RandomForest,
            FittedTrees::GradientBoosting(_) => Family::GradientBoosting,
        }
    }

    /// Predicts the target of one picture.
    ///
    /// # Errors
    /// When a feature is not finite.
    pub fn predict(&self, features: &FeatureRow) -> Result<f64, PredictError> {
        match &self.0 {
            FittedTrees::RandomForest(forest) => forest.predict(features),
            FittedTrees::GradientBoosting(boosting) => boosting.predict(features),
        }
    }
}

/// The three predicted numbers before rounding and clamping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RawPrediction {
    /// Colour correction, 0 off to 1 on.
    pub color: f64,
    /// Sigma in pixels.
    pub sigma: f64,
    /// Strength.
    pub strength: f64,
}

impl From<&RestorationParameters> for RawPrediction {
    /// Returns parameters as three numbers.
    fn from(parameters: &RestorationParameters) -> Self {
        Self {
            color: f64::from(u8::from(parameters.color_method().is_on())),
            sigma: parameters.sigma(),
            strength: parameters.strength(),
        }
    }
}

/// The regressors of all parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterRegressors {
    /// Predicts `apply_color_correction` as 0 and 1.
    pub color: Regressor,
    /// Predicts `sharpen_sigma` in pixels.
    pub sigma: Regressor,
    /// Predicts `sharpen_strength`.
    pub strength: Regressor,
}

impl ParameterRegressors {
    /// Returns the family of the regressors; `None` when they differ.
    pub fn family(&self) -> Option<Family> {
        let family = self.color.family();
        (self.sigma.family() == family && self.strength.family() == family).then_some(family)
    }

    /// Predicts all parameters of one picture from its features.
    ///
    /// # Errors
    /// When a feature is not finite.
    pub fn predict(&self, features: &FeatureRow) -> Result<RawPrediction, PredictError> {
        Ok(RawPrediction {
            color: self.color.predict(features)?,
            sigma: self.sigma.predict(features)?,
            strength: self.strength.predict(features)?,
        })
    }
}
