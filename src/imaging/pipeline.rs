//! The order in which operators run: colour first, then sharpness.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    ColorMethod, Image, RestorationParameters,
    bands::{self, Instructions},
    operators::{point::Unchanged, unsharp_mask::UnsharpMask, white_balance},
};

/// What the operators derived from the picture itself; recorded in receipts so that a replay measures nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficients {
    /// White balance: one gain per channel (R, G, B, or grey); empty when colours are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub white_balance_gains: Vec<f64>,
}

/// Recorded coefficients do not fit the picture or the parameters.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CoefficientsError {
    /// One gain per channel is needed when colours are corrected, none otherwise.
    #[error("{got} white balance gains where {needed} are needed")]
    Count {
        /// Gains given.
        got: usize,
        /// Gains that the picture and the method need.
        needed: usize,
    },
    /// A gain is negative or not a number.
    #[error("a white balance gain of {got} is impossible")]
    Gain {
        /// The gain.
        got: f64,
    },
}

/// Measures what the operators need to know of the picture. Cost: one pass over the samples when colour is on.
pub fn measure(image: &Image, parameters: &RestorationParameters) -> Coefficients {
    match parameters.color_method() {
        ColorMethod::None => Coefficients::default(),
        ColorMethod::WhiteBalance => Coefficients { white_balance_gains: white_balance::gains(image) },
    }
}

impl Coefficients {
    /// # Errors
    /// When they cannot belong to this picture and these parameters.
    pub fn check(&self, image: &Image, parameters: &RestorationParameters) -> Result<(), CoefficientsError> {
        let needed = if parameters.color_method().is_on() { image.channels().count() } else { 0 };
        let got = self.white_balance_gains.len();
        if got != needed {
            return Err(CoefficientsError::Count { got, needed });
        }
        match self.white_balance_gains.iter().find(|gain| !(gain.is_finite() && **gain >= 0.0)) {
            Some(&got) => Err(CoefficientsError::Gain { got }),
            None => Ok(()),
        }
    }
}

/// Restores `image`: colour correction, then unsharp masking, in one pass and in place. Size, channels and alpha are
/// kept; identity parameters return the picture as it came.
///
/// # Panics
/// When the coefficients do not belong to the picture (see [`Coefficients::check`]).
pub fn apply(image: Image, parameters: &RestorationParameters, coefficients: &Coefficients) -> Image {
    apply_with(Instructions::fastest(), image, parameters, coefficients)
}

/// [`apply`] with stated instructions; all sets give the same samples.
///
/// # Panics
/// As [`apply`], and when this CPU does not run them.
pub fn apply_with(
    instructions: Instructions,
    mut image: Image,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
) -> Image {
    let mask = parameters.sharpening().map(|s| UnsharpMask::new(s.sigma, s.strength));
    let (picture, mask) = (&mut image, mask.as_ref());
    match parameters.color_method() {
        ColorMethod::None if mask.is_none() => {}
        ColorMethod::None => bands::restore_with(instructions, picture, &Unchanged, mask),
        ColorMethod::WhiteBalance => {
            let tables = white_balance::tables(&coefficients.white_balance_gains);
            bands::restore_with(instructions, picture, &tables, mask);
        }
    }
    image
}
