//! The prediction of a model of either kind.

use crate::{
    imaging::{RestorationParameters, Tone, operators::color_transform::ColorTransform},
    models::{
        classic::{ClassicPrediction, RawPrediction},
        gains::{
            decide::{Decision, Reason},
            model::ExpectedGain,
        },
    },
};

/// The prediction for one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prediction {
    /// Prediction of a model of the classic kind.
    Classic(ClassicPrediction),
    /// Decision of a model of gains.
    Gains(Decision),
}

impl Prediction {
    /// Returns the parameters of the restoration. Parameters that the caller fixed have the caller's values.
    pub fn parameters(&self) -> RestorationParameters {
        match self {
            Prediction::Classic(prediction) => prediction.parameters,
            Prediction::Gains(decision) => decision.parameters,
        }
    }

    /// The same prediction with the caller's tone. The expected gain stays that of tone auto, which the model has learned.
    pub(super) fn with_tone(mut self, tone: Tone) -> Self {
        let parameters = match &mut self {
            Prediction::Classic(prediction) => &mut prediction.parameters,
            Prediction::Gains(decision) => &mut decision.parameters,
        };
        *parameters = parameters.with_tone(tone);
        self
    }

    /// Returns the transform of a learned colour correction, already blended, as of tone auto. The classic kind predicts none.
    pub fn transform(&self) -> Option<&ColorTransform> {
        match self {
            Prediction::Classic(_) => None,
            Prediction::Gains(decision) => decision.transform.as_ref(),
        }
    }

    /// Returns the expected gain over the untouched picture; `None` where nothing was predicted. The classic kind
    /// expects no gains.
    pub fn expected_gain(&self) -> Option<ExpectedGain> {
        match self {
            Prediction::Classic(_) => None,
            Prediction::Gains(decision) => decision.expected,
        }
    }

    /// Returns the chance that something is wrong with the picture, 0–1; `None` for the classic kind.
    pub fn damaged(&self) -> Option<f64> {
        match self {
            Prediction::Classic(_) => None,
            Prediction::Gains(decision) => Some(decision.damaged),
        }
    }

    /// Returns why a model of gains decided so; `None` for the classic kind.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Prediction::Classic(_) => None,
            Prediction::Gains(decision) => Some(decision.reason),
        }
    }

    /// Returns the three numbers before rounding and clamping. For a model of gains, they are the decided parameters.
    pub fn raw(&self) -> RawPrediction {
        match self {
            Prediction::Classic(prediction) => prediction.raw,
            Prediction::Gains(decision) => RawPrediction::from(&decision.parameters),
        }
    }
}
