//! The parameters that a caller fixes before a model predicts the rest, and what else the caller says.

use super::assume::Assume;
use crate::imaging::{
    ColorMethod, ParameterError, RestorationParameters, Tone, checked_sigma, checked_strength,
};

/// Parameters that the caller fixed, each in its range. A model predicts the others, under the caller's assumption.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestedParameters {
    pub(super) color_method: Option<ColorMethod>,
    pub(super) sigma: Option<f64>,
    pub(super) strength: Option<f64>,
    pub(super) tone: Tone,
    pub(super) assume: Assume,
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
            ..Self::default()
        })
    }

    /// These parameters with a tone for the colour correction, whether it is fixed or predicted.
    #[must_use]
    pub fn with_tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// These parameters with an assumption about the picture, for what the model predicts.
    #[must_use]
    pub fn with_assume(self, assume: Assume) -> Self {
        Self { assume, ..self }
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

    /// Returns the tone of the colour correction.
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// Returns the assumption about the picture.
    pub fn assume(&self) -> Assume {
        self.assume
    }

    /// Returns whether nothing was fixed. Tone and assumption fix nothing: the model still decides everything.
    pub fn is_open(&self) -> bool {
        self.color_method.is_none() && self.sigma.is_none() && self.strength.is_none()
    }

    /// Returns the parameters of a restoration when nothing is left to predict. Tone counts; the assumption does not matter
    /// then. Strength 0 needs no sigma. A learned
    /// colour transform is always predicted, so with it the result is `None`.
    pub fn complete(&self) -> Option<RestorationParameters> {
        let (color, strength) = (self.color_method?, self.strength?);
        if color == ColorMethod::Learned {
            return None;
        }
        let sigma = if strength == 0.0 { self.sigma.or(Some(1.0)) } else { self.sigma };
        Some(RestorationParameters::new(color, sigma?, strength).ok()?.with_tone(self.tone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tone_and_assumption_fix_nothing() {
        let said = RequestedParameters::default().with_tone(Tone::Keep).with_assume(Assume::Damaged);
        assert!(said.is_open() && said.complete().is_none());
        assert_eq!((said.tone(), said.assume()), (Tone::Keep, Assume::Damaged));
        let fixed = RequestedParameters::new(None, Some(ColorMethod::Stretch), None, Some(0.0)).unwrap();
        assert!(!fixed.is_open());
        let complete = fixed.with_tone(Tone::Keep).with_assume(Assume::Fine).complete().unwrap();
        assert_eq!(complete, fixed.complete().unwrap().with_tone(Tone::Keep));
        assert_eq!(complete.tone(), Tone::Keep);
        let identity = RequestedParameters::new(Some(false), None, None, Some(0.0)).unwrap();
        assert!(identity.with_tone(Tone::Keep).complete().unwrap().is_identity());
    }
}
