//! The parameters that a caller fixes before a model predicts the rest.

use crate::imaging::{ColorMethod, ParameterError, RestorationParameters, checked_sigma, checked_strength};

/// Parameters that the caller fixed, each in its range. A model predicts the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestedParameters {
    pub(super) color_method: Option<ColorMethod>,
    pub(super) sigma: Option<f64>,
    pub(super) strength: Option<f64>,
}

impl RequestedParameters {
    /// Checks the given parameters. `color` true means white balance, `color` false no colour correction;
    /// `color_method` names a method. Both may be given if they agree. `sigma` is in pixels.
    ///
    /// # Errors
    /// When a value is out of its range, or `color` and `color_method` disagree.
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

    /// Returns the fixed colour method.
    pub fn color_method(&self) -> Option<ColorMethod> {
        self.color_method
    }

    /// Returns the fixed sigma in pixels.
    pub fn sigma(&self) -> Option<f64> {
        self.sigma
    }

    /// Returns the fixed strength.
    pub fn strength(&self) -> Option<f64> {
        self.strength
    }

    /// Returns whether nothing was fixed.
    pub(super) fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the parameters of a restoration when nothing is left to predict. Strength 0 needs no sigma. A learned
    /// colour transform is always predicted, so with it the result is `None`.
    pub fn complete(&self) -> Option<RestorationParameters> {
        let (color, strength) = (self.color_method?, self.strength?);
        if color == ColorMethod::Learned {
            return None;
        }
        let sigma = if strength == 0.0 { self.sigma.or(Some(1.0)) } else { self.sigma };
        RestorationParameters::new(color, sigma?, strength).ok()
    }
}
