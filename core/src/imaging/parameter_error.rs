//! Reasons why a parameter is refused.

use thiserror::Error;

use super::{color_method::ColorMethod, tone::Tone};

/// A parameter that is not allowed, or two that contradict each other.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ParameterError {
    /// Sigma is out of range or not a number.
    #[error("sigma {got} is not allowed: it is the deviation of a Gaussian and must be 0.1 to 20 px")]
    Sigma {
        /// The value given.
        got: f64,
    },
    /// Strength is out of range or not a number.
    #[error("strength {got} is not allowed: it must be -1 (smooth) to 5 (sharpen); 0 changes nothing")]
    Strength {
        /// The value given.
        got: f64,
    },
    /// No colour method has this name.
    #[error("color_method {got:?} is unknown: {names} exist", names = ColorMethod::names())]
    ColorMethod {
        /// The name given.
        got: String,
    },
    /// No tone has this name.
    #[error("tone {got:?} is unknown: {names} exist", names = Tone::names())]
    Tone {
        /// The name given.
        got: String,
    },
    /// The blend is out of range for the method, or not a number.
    #[error("color_blend {got} is not allowed for color_method {method}: it is {}", if method.blends() {
        "above 0 (no correction) and at most 1 (full correction)"
    } else {
        "always 1"
    })]
    ColorBlend {
        /// The method.
        method: ColorMethod,
        /// The value given.
        got: f64,
    },
    /// Denoising is out of range or not a number.
    #[error("denoise {got} is not allowed: it must be 0 (changes nothing) to 5 deviations of the noise")]
    Denoise {
        /// The value given.
        got: f64,
    },
    /// `color` and `color_method` contradict each other.
    #[error("color={color} disagrees with color_method={method}", color = if *.color { "on" } else { "off" })]
    Disagreement {
        /// The switch given.
        color: bool,
        /// The method given.
        method: ColorMethod,
    },
}
