//! From features to parameters: the trained model, its schema and its bounds.

use thiserror::Error;

use crate::{
    features::FeatureVector,
    imaging::{ColorMethod, ParameterError, RestorationParameters, checked_sigma, checked_strength},
    learning::{ArtifactError, ModelArtifact, ModelCard, PredictError, RawPrediction, model_id},
    receipt,
};

/// The model that the program carries, made by `make model`; see `models/README.md` for its card.
static BUILT_IN: &[u8] = include_bytes!("../models/builtin.model");

/// Predicted sigma and strength are rounded to this fraction, so that they print exactly.
const STEPS_PER_UNIT: f64 = 1000.0;

/// Most bytes that a model file may inflate to.
const MODEL_BYTES_MAX: usize = 256 << 20;

/// To [`STEPS_PER_UNIT`].
fn rounded(value: f64) -> f64 {
    (value * STEPS_PER_UNIT).round_ties_even() / STEPS_PER_UNIT
}

/// What the caller fixed; the predictor fills in the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestedParameters {
    color_method: Option<ColorMethod>,
    sigma: Option<f64>,
    strength: Option<f64>,
}

impl RequestedParameters {
    /// `color` on means white balance; `color_method` selects by name; both may be given if they agree.
    ///
    /// # Errors
    /// For values out of range and a switch and a method that disagree.
    pub fn new(
        color: Option<bool>,
        color_method: Option<ColorMethod>,
        sigma: Option<f64>,
        strength: Option<f64>,
    ) -> Result<Self, ParameterError> {
        if let (Some(color), Some(method)) = (color, color_method)
            && ColorMethod::from_switch(color) != method
        {
            return Err(ParameterError::Disagreement { color, method });
        }
        Ok(Self {
            color_method: color_method.or(color.map(ColorMethod::from_switch)),
            sigma: sigma.map(checked_sigma).transpose()?,
            strength: strength.map(checked_strength).transpose()?,
        })
    }

    /// The parameters if nothing is left to predict. Strength 0 needs no sigma.
    pub fn complete(&self) -> Option<RestorationParameters> {
        let (color, strength) = (self.color_method?, self.strength?);
        let sigma = if strength == 0.0 { self.sigma.or(Some(1.0)) } else { self.sigma };
        RestorationParameters::new(color, sigma?, strength).ok()
    }
}

/// A model ready to predict.
#[derive(Debug)]
pub struct Predictor {
    artifact: ModelArtifact,
    id: String,
    sha256: String,
}

/// A model cannot be used.
#[derive(Debug, Error)]
pub enum PredictorError {
    /// The file is no model of this release.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Its bounds are no parameters.
    #[error("the model's searched bounds: {0}")]
    Bounds(#[from] ParameterError),
}

/// What a model said of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Its numbers as they came.
    pub raw: RawPrediction,
    /// Rounded, clamped to what was searched, and overruled by what the caller fixed.
    pub parameters: RestorationParameters,
}

impl Predictor {
    /// The model that the program carries.
    pub fn built_in() -> Self {
        Self::from_bytes(BUILT_IN).expect("the embedded model is tested")
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When it is not a model, of another release's trees or feature schema, or with impossible bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PredictorError> {
        let artifact = ModelArtifact::from_bytes(bytes, MODEL_BYTES_MAX)?;
        // Clamped predictions must be parameters, whatever the file says was searched.
        let bounds = &artifact.card.bounds;
        for sigma in [bounds.sigma_min, bounds.sigma_max] {
            checked_sigma(rounded(sigma))?;
        }
        for strength in [bounds.strength_min, bounds.strength_max] {
            checked_strength(rounded(strength))?;
        }
        let sha256 = receipt::digest(bytes);
        let id = model_id(artifact.card.family, bytes);
        Ok(Self { artifact, id, sha256 })
    }

    /// Family and the first digits of the digest.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 of the model file, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How the model was made and how good it is.
    pub fn card(&self) -> &ModelCard {
        &self.artifact.card
    }

    /// Predicts for one picture; microseconds.
    ///
    /// # Errors
    /// When a feature is not finite.
    pub fn predict(
        &self,
        features: &FeatureVector,
        requested: &RequestedParameters,
    ) -> Result<Prediction, PredictError> {
        let raw = self.artifact.regressors.predict(features)?;
        let predicted = self.artifact.card.bounds.apply(raw);
        let color = requested.color_method.unwrap_or(ColorMethod::from_switch(predicted.color));
        let sigma = requested.sigma.unwrap_or(rounded(predicted.sigma));
        let strength = requested.strength.unwrap_or(rounded(predicted.strength));
        let parameters = RestorationParameters::new(color, sigma, strength)
            .expect("requested values are checked, and so are the bounds of a loaded model");
        Ok(Prediction { raw, parameters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As its card and `sha256sum` say it; a model compressed again may be other bytes.
    #[test]
    fn the_id_ends_with_the_digest_of_the_file() {
        let predictor = Predictor::built_in();
        assert_eq!(predictor.id(), format!("random_forest-{}", &predictor.sha256()[..12]));
        assert_eq!(predictor.sha256(), receipt::digest(BUILT_IN));
    }
}
