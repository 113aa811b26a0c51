//! Numbers that operators measured on a picture, and their check.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Channels, ColorCorrection, ColorMethod, Image, RestorationParameters,
    operators::{
        color_transform::ColorTransform, linear_levels::LinearMap, sample_tables::SampleTable, white_balance,
    },
};

/// Numbers that the operators measured on the picture. Receipts record them, so that a replay measures nothing.
///
/// A field is empty when its operator does not run. Values are stored values, no colour management.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficients {
    /// White balance with tone auto: one gain per channel (R, G, B, or grey).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub white_balance_gains: Vec<f64>,
    /// Grey world, shades of grey, stretch, levels, auto level and auto contrast with tone auto: one gain per channel, already
    /// blended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gains: Vec<f64>,
    /// The same methods: one offset per channel, in stored values, already blended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<f64>,
    /// The learned colour transform, already blended. With tone keep: the transform of any method, with kept luma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_transform: Option<ColorTransform>,
    /// Denoising: standard deviation of the noise per channel, in stored values, measured after colours are corrected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise_sigma: Vec<f64>,
}

/// Coefficients that do not fit the picture or the parameters.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CoefficientsError {
    /// The wrong number of coefficients. Each operator that runs has one per channel, the others have none.
    #[error("{got} {what} where {needed} are needed")]
    Count {
        /// Name of the coefficients.
        what: &'static str,
        /// Numbers given.
        got: usize,
        /// Numbers that the picture and the parameters need.
        needed: usize,
    },
    /// A coefficient that is out of bounds or not a number.
    #[error("a {what} of {got} is impossible")]
    Value {
        /// Name of the coefficient.
        what: &'static str,
        /// The number.
        got: f64,
    },
}

/// Largest standard deviation of noise that is accepted: more than samples of 8 bits can have.
const NOISE_SIGMA_MAX: f64 = 512.0;

impl Coefficients {
    /// Checks that the coefficients can belong to this picture and these parameters.
    ///
    /// # Errors
    /// [`CoefficientsError::Count`] for a wrong number of coefficients, [`CoefficientsError::Value`] for a coefficient out of
    /// bounds.
    pub fn check(&self, image: &Image, parameters: &RestorationParameters) -> Result<(), CoefficientsError> {
        self.check_counts(image.channels().count(), parameters)?;
        let is_gain = |gain: f64| gain.is_finite() && gain >= 0.0;
        check_values("white balance gain", &self.white_balance_gains, is_gain)?;
        check_values("gain", &self.gains, is_gain)?;
        check_values("offset", &self.offsets, f64::is_finite)?;
        check_values("noise sigma", &self.noise_sigma, |sigma| (0.0..=NOISE_SIGMA_MAX).contains(&sigma))
    }

    fn check_counts(&self, n: usize, parameters: &RestorationParameters) -> Result<(), CoefficientsError> {
        let method = parameters.color_method();
        let count = |what, got, needed| {
            if got == needed { Ok(()) } else { Err(CoefficientsError::Count { what, got, needed }) }
        };
        let if_on = |on: bool| if on { n } else { 0 };
        let mixes = parameters.color().mixes_channels();
        let is_linear = is_linear(method) && !mixes;
        let balances = method == ColorMethod::WhiteBalance && !mixes;
        count("white balance gains", self.white_balance_gains.len(), if_on(balances))?;
        count("gains", self.gains.len(), if_on(is_linear))?;
        count("offsets", self.offsets.len(), if_on(is_linear))?;
        count("colour transforms", usize::from(self.color_transform.is_some()), usize::from(mixes))?;
        count("noise sigmas", self.noise_sigma.len(), if_on(parameters.denoise() > 0.0))
    }

    /// Returns the coefficients of the same colour correction with kept luma: a colour transform instead of gains and
    /// offsets, see [`ColorTransform::with_kept_luma`]. A grey picture has nothing but luma, so its transform is the
    /// identity.
    pub(super) fn with_kept_luma(self, channels: Channels) -> Self {
        let balanced = self.white_balance_gains.iter().map(|&gain| LinearMap { gain, offset: 0.0 });
        let linear = self.gains.iter().zip(&self.offsets).map(|(&gain, &offset)| LinearMap { gain, offset });
        let maps: Vec<LinearMap> = balanced.chain(linear).collect();
        let kept = match (channels, self.color_transform, <[LinearMap; 3]>::try_from(maps)) {
            (Channels::Grey, ..) => ColorTransform::IDENTITY,
            (Channels::Rgb, Some(transform), _) => transform.with_kept_luma(),
            (Channels::Rgb, None, Ok(maps)) => ColorTransform::of_maps_with_kept_luma(&maps),
            (Channels::Rgb, None, Err(_)) => return self,
        };
        Self { color_transform: Some(kept), noise_sigma: self.noise_sigma, ..Self::default() }
    }

    /// Returns the value of each of the 256 sample values after `color`, one table per channel. `None` when `color`
    /// changes nothing or mixes channels.
    pub fn sample_tables(&self, color: ColorCorrection) -> Option<Vec<SampleTable>> {
        match color.method() {
            _ if color.mixes_channels() => None,
            ColorMethod::None | ColorMethod::Learned => None,
            ColorMethod::WhiteBalance => {
                Some(self.white_balance_gains.iter().map(|&gain| white_balance::table(gain)).collect())
            }
            ColorMethod::GreyWorld
            | ColorMethod::ShadesOfGrey
            | ColorMethod::Stretch
            | ColorMethod::Levels
            | ColorMethod::AutoLevel
            | ColorMethod::AutoContrast => {
                let maps = self.gains.iter().zip(&self.offsets);
                Some(maps.map(|(&gain, &offset)| LinearMap { gain, offset }.table()).collect())
            }
        }
    }
}

fn check_values(
    what: &'static str,
    values: &[f64],
    allowed: impl Fn(f64) -> bool,
) -> Result<(), CoefficientsError> {
    match values.iter().find(|v| !allowed(**v)) {
        Some(&got) => Err(CoefficientsError::Value { what, got }),
        None => Ok(()),
    }
}

/// Whether the method is one linear map per channel.
pub(super) fn is_linear(method: ColorMethod) -> bool {
    !matches!(method, ColorMethod::None | ColorMethod::WhiteBalance | ColorMethod::Learned)
}
