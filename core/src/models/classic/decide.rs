//! Turns the regressors' numbers into parameters: clamps them to the searched bounds and rounds them. Parameters that
//! the caller fixed replace predicted ones.

use super::{
    artifact::ModelArtifact,
    card::{PredictedParameters, SearchedBounds},
    model::RawPrediction,
    samples::FeatureRow,
};
use crate::{
    features::{Features, Schema},
    imaging::{ColorMethod, ParameterError, RestorationParameters, checked_sigma, checked_strength},
    models::{error::PredictError, requested::RequestedParameters},
};

/// Predicted sigma and strength are rounded to multiples of 1/1000, so that they print exactly.
const STEPS_PER_UNIT: f64 = 1000.0;

/// The prediction of a classic model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassicPrediction {
    /// The regressors' numbers.
    pub raw: RawPrediction,
    /// The parameters of the restoration.
    pub parameters: RestorationParameters,
}

/// Predicts the parameters that `requested` leaves open.
///
/// # Errors
/// When the features are not of the seed schema, or one is not finite.
pub fn predict(
    artifact: &ModelArtifact,
    features: &Features,
    requested: &RequestedParameters,
) -> Result<ClassicPrediction, PredictError> {
    let row: &FeatureRow = features
        .values
        .as_slice()
        .try_into()
        .map_err(|_| PredictError::Schema { found: features.schema.name(), needed: Schema::Seed.name() })?;
    let raw = artifact.regressors.predict(row)?;
    let predicted = artifact.card.bounds.apply(raw);
    let color = requested.color_method.unwrap_or(ColorMethod::from_switch(predicted.color));
    let sigma = requested.sigma.unwrap_or(rounded(predicted.sigma));
    let strength = requested.strength.unwrap_or(rounded(predicted.strength));
    let parameters = RestorationParameters::new(color, sigma, strength)
        .expect("requested values and the bounds of a loaded model are in range");
    Ok(ClassicPrediction { raw, parameters })
}

impl ModelArtifact {
    /// Predicts the parameters of one picture, clamped to the searched bounds.
    ///
    /// # Errors
    /// When a feature is not finite.
    pub fn predict(&self, features: &FeatureRow) -> Result<PredictedParameters, PredictError> {
        Ok(self.card.bounds.apply(self.regressors.predict(features)?))
    }
}

impl SearchedBounds {
    /// Turns the regressors' numbers into parameters. Colour correction is on from 0.5, if any searched candidate had it
    /// on. Sigma and strength are clamped to the bounds.
    pub fn apply(&self, raw: RawPrediction) -> PredictedParameters {
        // Not `clamp`, which panics when the bounds are in the wrong order.
        PredictedParameters {
            color: self.color_ever_on && raw.color >= 0.5,
            sigma: raw.sigma.max(self.sigma_min).min(self.sigma_max),
            strength: raw.strength.max(self.strength_min).min(self.strength_max),
        }
    }

    /// Checks that clamped and rounded predictions are parameters of a restoration.
    ///
    /// # Errors
    /// When a rounded bound is out of the range of its parameter.
    pub fn check(&self) -> Result<(), ParameterError> {
        for sigma in [self.sigma_min, self.sigma_max] {
            checked_sigma(rounded(sigma))?;
        }
        for strength in [self.strength_min, self.strength_max] {
            checked_strength(rounded(strength))?;
        }
        Ok(())
    }
}

/// Rounds to [`STEPS_PER_UNIT`].
fn rounded(value: f64) -> f64 {
    (value * STEPS_PER_UNIT).round_ties_even() / STEPS_PER_UNIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_are_clamped_to_what_was_searched() {
        let mut bounds = SearchedBounds {
            sigma_min: 0.5,
            sigma_max: 2.0,
            strength_min: -0.5,
            strength_max: 1.5,
            color_ever_on: true,
        };
        let apply = |bounds: &SearchedBounds, color, sigma, strength| {
            let applied = bounds.apply(RawPrediction { color, sigma, strength });
            (applied.color, applied.sigma, applied.strength)
        };
        assert_eq!(apply(&bounds, 0.5, 0.1, 9.0), (true, 0.5, 1.5));
        assert_eq!(apply(&bounds, 0.499, 3.0, -9.0), (false, 2.0, -0.5));
        assert_eq!(apply(&bounds, 1.0, 1.25, 0.25), (true, 1.25, 0.25));
        bounds.color_ever_on = false;
        assert_eq!(apply(&bounds, 1.0, 1.0, 1.0), (false, 1.0, 1.0));
    }
}
