//! The order in which operators run: colour first, then noise, then sharpness.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Channels, ColorCorrection, ColorMethod, Image, Instructions, RestorationParameters, bands,
    operators::{
        color_transform::ColorTransform,
        histogram::{self, Histogram},
        linear_levels::{self, LinearMap},
        point::{ChannelTables, Unchanged},
        sample_tables::SampleTable,
        unsharp_mask::UnsharpMask,
        wavelet_shrinkage, white_balance,
    },
};

/// What the operators derived from the picture itself; recorded in receipts so that a replay measures nothing. Fields
/// are empty when their operator does not run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficients {
    /// White balance: one gain per channel (R, G, B, or grey).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub white_balance_gains: Vec<f64>,
    /// Grey world, shades of grey, stretch and levels: one gain per channel, already blended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gains: Vec<f64>,
    /// And one offset per channel, in stored values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<f64>,
    /// The learned colour transform, already blended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_transform: Option<ColorTransform>,
    /// Denoising: the noise's deviation per channel, in stored values, after colours are corrected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise_sigma: Vec<f64>,
}

/// Recorded coefficients do not fit the picture or the parameters.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CoefficientsError {
    /// One number per channel for each operator that runs, none for the others.
    #[error("{got} {what} where {needed} are needed")]
    Count {
        /// Which coefficients.
        what: &'static str,
        /// Numbers given.
        got: usize,
        /// Numbers that the picture and the method need.
        needed: usize,
    },
    /// A coefficient is out of bounds or not a number.
    #[error("a {what} of {got} is impossible")]
    Value {
        /// Which coefficient.
        what: &'static str,
        /// The number.
        got: f64,
    },
}

/// Measures what the operators need to know of the picture. `learned` is the transform of [`ColorMethod::Learned`], already
/// blended; nothing of the picture tells it. Cost: one pass over the samples when colour is on; a blur and, with colour, a
/// corrected copy when noise is removed.
///
/// # Panics
/// When the method is [`ColorMethod::Learned`] and there is no transform.
pub fn measure(
    image: &Image,
    parameters: &RestorationParameters,
    learned: Option<&ColorTransform>,
) -> Coefficients {
    let mut coefficients = measure_color(image, parameters.color(), learned);
    if parameters.denoise() > 0.0 {
        coefficients.noise_sigma = if parameters.color_method().is_on() {
            let mut corrected = image.clone();
            let correction = coefficients.correction(parameters.color(), image.channels());
            correction.run(Instructions::fastest(), &mut corrected, None);
            wavelet_shrinkage::noise_sigma(&corrected)
        } else {
            wavelet_shrinkage::noise_sigma(image)
        };
    }
    coefficients
}

fn measure_color(image: &Image, color: ColorCorrection, learned: Option<&ColorTransform>) -> Coefficients {
    let linear = |rule: fn(&[Histogram]) -> Vec<LinearMap>| {
        let maps = rule(&histogram::of(image)).into_iter().map(|map| map.blended(color.blend()));
        let (gains, offsets) = maps.map(|map| (map.gain, map.offset)).unzip();
        Coefficients { gains, offsets, ..Coefficients::default() }
    };
    match color.method() {
        ColorMethod::None => Coefficients::default(),
        ColorMethod::WhiteBalance => {
            Coefficients { white_balance_gains: white_balance::gains(image), ..Coefficients::default() }
        }
        ColorMethod::GreyWorld => linear(linear_levels::grey_world),
        ColorMethod::ShadesOfGrey => linear(linear_levels::shades_of_grey),
        ColorMethod::Stretch => linear(linear_levels::stretch),
        ColorMethod::Levels => linear(linear_levels::levels),
        ColorMethod::Learned => {
            let transform = learned.expect("a learned colour correction comes with its transform");
            Coefficients { color_transform: Some(*transform), ..Coefficients::default() }
        }
    }
}

/// Largest deviation of noise that samples of 8 bit can have, and more.
const NOISE_SIGMA_MAX: f64 = 512.0;

impl Coefficients {
    /// # Errors
    /// When they cannot belong to this picture and these parameters.
    pub fn check(&self, image: &Image, parameters: &RestorationParameters) -> Result<(), CoefficientsError> {
        let n = image.channels().count();
        let method = parameters.color_method();
        let count = |what, got, needed| {
            if got == needed { Ok(()) } else { Err(CoefficientsError::Count { what, got, needed }) }
        };
        let if_on = |on: bool| if on { n } else { 0 };
        let is_linear = is_linear(method);
        let balances = method == ColorMethod::WhiteBalance;
        count("white balance gains", self.white_balance_gains.len(), if_on(balances))?;
        count("gains", self.gains.len(), if_on(is_linear))?;
        count("offsets", self.offsets.len(), if_on(is_linear))?;
        let n_transforms = usize::from(method == ColorMethod::Learned);
        count("colour transforms", usize::from(self.color_transform.is_some()), n_transforms)?;
        count("noise sigmas", self.noise_sigma.len(), if_on(parameters.denoise() > 0.0))?;
        let within =
            |what, values: &[f64], allowed: fn(f64) -> bool| match values.iter().find(|v| !allowed(**v)) {
                Some(&got) => Err(CoefficientsError::Value { what, got }),
                None => Ok(()),
            };
        let is_gain = |gain: f64| gain.is_finite() && gain >= 0.0;
        within("white balance gain", &self.white_balance_gains, is_gain)?;
        within("gain", &self.gains, is_gain)?;
        within("offset", &self.offsets, f64::is_finite)?;
        within("noise sigma", &self.noise_sigma, |sigma| (0.0..=NOISE_SIGMA_MAX).contains(&sigma))
    }

    /// The point operator of `color`, for pictures of these channels.
    fn correction(&self, color: ColorCorrection, channels: Channels) -> Correction {
        if color.method() == ColorMethod::Learned {
            let transform = self.color_transform.expect("a learned correction has its transform");
            return match channels {
                Channels::Grey => Correction::Tables(ChannelTables::new(vec![transform.grey_table()])),
                Channels::Rgb => Correction::Transform(transform),
            };
        }
        self.sample_tables(color)
            .map_or(Correction::None, |tables| Correction::Tables(ChannelTables::new(tables)))
    }

    /// What `color` makes of each sample value, one table per channel; `None` when it leaves samples alone or mixes
    /// channels.
    pub fn sample_tables(&self, color: ColorCorrection) -> Option<Vec<SampleTable>> {
        match color.method() {
            ColorMethod::None | ColorMethod::Learned => None,
            ColorMethod::WhiteBalance => {
                Some(self.white_balance_gains.iter().map(|&gain| white_balance::table(gain)).collect())
            }
            ColorMethod::GreyWorld
            | ColorMethod::ShadesOfGrey
            | ColorMethod::Stretch
            | ColorMethod::Levels => {
                let maps = self.gains.iter().zip(&self.offsets);
                Some(maps.map(|(&gain, &offset)| LinearMap { gain, offset }.table()).collect())
            }
        }
    }
}

fn is_linear(method: ColorMethod) -> bool {
    !matches!(method, ColorMethod::None | ColorMethod::WhiteBalance | ColorMethod::Learned)
}

/// Restores `image`: colour correction, then denoising, then unsharp masking; without denoising in one pass and in place.
/// Size, channels and alpha are kept; identity parameters return the picture as it came.
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
    let color = parameters.color();
    let mask = parameters.sharpening().map(|s| UnsharpMask::new(s.sigma, s.strength));
    let mask = mask.as_ref();
    let mut correction = coefficients.correction(color, image.channels());
    if parameters.denoise() > 0.0 {
        // Denoising looks at the whole picture, so colours are corrected before the pass over its bands.
        correction.run(instructions, &mut image, None);
        correction = Correction::None;
        image = wavelet_shrinkage::shrink(image, parameters.denoise(), &coefficients.noise_sigma);
    }
    correction.run(instructions, &mut image, mask);
    image
}

/// A colour correction as a point operator.
enum Correction {
    None,
    Tables(ChannelTables),
    Transform(ColorTransform),
}

impl Correction {
    /// Corrects colours and sharpens, in one pass.
    fn run(&self, instructions: Instructions, image: &mut Image, mask: Option<&UnsharpMask>) {
        match self {
            Correction::Tables(tables) => bands::restore_with(instructions, image, tables, mask),
            Correction::Transform(transform) => bands::restore_with(instructions, image, transform, mask),
            Correction::None if mask.is_some() => {
                bands::restore_with(instructions, image, &Unchanged, mask);
            }
            Correction::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(channels: Channels) -> Image {
        let samples = (0..40 * 30 * channels.count()).map(|i| (i * i / 13 % 160 + i % 3 * 20) as u8);
        Image::new(40, 30, channels, samples.collect(), Some(vec![9; 40 * 30])).unwrap()
    }

    /// Every method with a blend, and denoising.
    fn all() -> impl Iterator<Item = RestorationParameters> {
        ColorMethod::ALL.into_iter().flat_map(|method| {
            let blend = if method.blends() { 0.6 } else { 1.0 };
            let color = ColorCorrection::new(method, blend).unwrap();
            [0.0, 1.5].map(|denoise| {
                RestorationParameters::IDENTITY.with_color(color).with_denoise(denoise).unwrap()
            })
        })
    }

    fn measured(image: &Image, parameters: &RestorationParameters) -> Coefficients {
        let mut coefficients = ColorTransform::IDENTITY.coefficients();
        coefficients[1] = 0.9;
        measure(image, parameters, Some(&ColorTransform::new(&coefficients).unwrap()))
    }

    #[test]
    fn what_is_measured_passes_its_check_and_goes_through_json() {
        for image in [picture(Channels::Rgb), picture(Channels::Grey)] {
            for parameters in all() {
                let coefficients = measured(&image, &parameters);
                assert_eq!(coefficients.check(&image, &parameters), Ok(()));
                let json = serde_json::to_string(&coefficients).unwrap();
                assert_eq!(serde_json::from_str::<Coefficients>(&json).unwrap(), coefficients, "{json}");
                let restored = apply(image.clone(), &parameters, &coefficients);
                assert_eq!((restored.channels(), restored.alpha()), (image.channels(), image.alpha()));
                assert_eq!(
                    restored == image,
                    parameters.is_identity() || {
                        // The grey world of a grey picture is grey already.
                        image.channels() == Channels::Grey
                            && matches!(
                                parameters.color_method(),
                                ColorMethod::GreyWorld | ColorMethod::ShadesOfGrey
                            )
                            && parameters.denoise() == 0.0
                    }
                );
            }
        }
    }

    #[test]
    fn coefficients_of_other_parameters_are_refused() {
        let image = picture(Channels::Rgb);
        for own in all() {
            for other in all().filter(|other| *other != own) {
                let coefficients = measured(&image, &own);
                let linear = |p: &RestorationParameters| is_linear(p.color_method());
                let alike = linear(&own) && linear(&other) && own.denoise() == other.denoise();
                assert_eq!(coefficients.check(&image, &other).is_ok(), alike, "{own:?} {other:?}");
            }
        }
        let denoise = RestorationParameters::IDENTITY.with_denoise(1.0).unwrap();
        for noise_sigma in [vec![f64::NAN; 3], vec![-1.0; 3], vec![1e9; 3]] {
            let coefficients = Coefficients { noise_sigma, ..Coefficients::default() };
            assert!(matches!(coefficients.check(&image, &denoise), Err(CoefficientsError::Value { .. })));
        }
    }

    #[test]
    fn noise_is_measured_after_colours_are_corrected() {
        let image = picture(Channels::Rgb);
        let stretched = RestorationParameters::IDENTITY.with_color(ColorMethod::Stretch.into());
        let both = stretched.with_denoise(2.0).unwrap();
        let corrected = apply(image.clone(), &stretched, &measured(&image, &stretched));
        let coefficients = measured(&image, &both);
        assert_eq!(coefficients.noise_sigma, wavelet_shrinkage::noise_sigma(&corrected));
        assert_ne!(coefficients.noise_sigma, wavelet_shrinkage::noise_sigma(&image));
    }

    #[test]
    fn a_coefficient_that_is_not_needed_leaves_no_trace() {
        let image = picture(Channels::Rgb);
        let json = |p| serde_json::to_string(&measured(&image, p)).unwrap();
        assert_eq!(json(&RestorationParameters::IDENTITY), "{}");
        let balanced = RestorationParameters::IDENTITY.with_color(ColorMethod::WhiteBalance.into());
        assert!(json(&balanced).starts_with(r#"{"white_balance_gains":["#));
    }
}
