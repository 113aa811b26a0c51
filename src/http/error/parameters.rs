//! Errors of parameters and of their prediction.

use std::ops::RangeInclusive;

use super::{
    super::{kind::ProblemKind, problem::Problem},
    internal::internal,
};
use pentimento_core::{
    imaging::{ColorMethod, DENOISE_RANGE, ParameterError, SIGMA_RANGE_PX, STRENGTH_RANGE, Tone},
    models::{Assume, PredictError},
};

impl From<ParameterError> for Problem {
    fn from(error: ParameterError) -> Self {
        let detail = error.to_string();
        let bad = |name: &str| Problem::new(ProblemKind::BadParameter, detail.as_str()).parameter(name);
        let range = |r: RangeInclusive<f64>| format!("{} to {}", r.start(), r.end());
        match error {
            ParameterError::Sigma { got } => {
                bad("sigma").value(got.to_string()).allowed(range(SIGMA_RANGE_PX))
            }
            ParameterError::Strength { got } => {
                bad("strength").value(got.to_string()).allowed(range(STRENGTH_RANGE))
            }
            ParameterError::ColorMethod { got } => {
                bad("color_method").value(got).allowed(ColorMethod::names())
            }
            ParameterError::Tone { got } => bad("tone").value(got).allowed(Tone::names()),
            ParameterError::ColorBlend { got, .. } => bad("color_blend").value(got.to_string()),
            ParameterError::Denoise { got } => {
                bad("denoise").value(got.to_string()).allowed(range(DENOISE_RANGE))
            }
            ParameterError::Disagreement { method, .. } => {
                Problem::new(ProblemKind::ContradictingParameters, detail.as_str())
                    .parameter("color_method")
                    .value(method.name())
            }
        }
    }
}

impl From<PredictError> for Problem {
    fn from(error: PredictError) -> Self {
        match error {
            // Features of a picture are finite by construction.
            PredictError::Feature { .. } | PredictError::Schema { .. } => internal(&error),
            PredictError::NoColorTransform { .. } => {
                Problem::new(ProblemKind::BadParameter, error.to_string())
                    .parameter("color_method")
                    .value(ColorMethod::Learned.name())
                    .setting("model.path")
            }
            PredictError::NoAssumption { assume, .. } => {
                Problem::new(ProblemKind::BadParameter, error.to_string())
                    .parameter("assume")
                    .value(assume.name())
                    .allowed(Assume::Auto.name())
                    .setting("model.path")
            }
        }
    }
}
