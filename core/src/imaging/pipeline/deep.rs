//! The operators on pictures with 16 bits per sample, in the order and with the coefficients of the 8-bit form.
//!
//! Gains, offsets and transforms are measured on the samples rounded to 8 bits, which features and models take too. So one
//! model serves both depths. Noise is measured on the 16-bit samples: rounding to 8 bits would be noise of its own.
//! Coefficients are in values of 8 bits at either depth.

use std::borrow::Cow;

use super::Coefficients;
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Channels, ColorCorrection, ColorMeasurement, DeepImage, Image, Instructions, RestorationParameters,
        alpha::{self, Veil},
        bands,
        operators::{
            color_transform::{ColorTransform, DeepGreyTransform},
            deep_point::{DeepMaps, DeepUnchanged},
            linear_levels::LinearMap,
            unsharp_mask::UnsharpMask,
            wavelet_shrinkage,
        },
    },
};

/// Same as [`measure`](super::measure), for a picture with 16 bits. `narrowed` is the same picture rounded to 8 bits
/// ([`DeepImage::narrowed`]).
///
/// # Panics
/// Same as [`measure`](super::measure).
pub fn measure_deep(
    image: &DeepImage,
    narrowed: &Image,
    parameters: &RestorationParameters,
    learned: Option<&ColorTransform>,
) -> Coefficients {
    Cancel::uncancelled(|cancel| measure_deep_until(image, narrowed, parameters, learned, cancel))
}

/// Same as [`measure_deep`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`measure_deep`].
pub fn measure_deep_until(
    image: &DeepImage,
    narrowed: &Image,
    parameters: &RestorationParameters,
    learned: Option<&ColorTransform>,
    cancel: &Cancel,
) -> Result<Coefficients, Cancelled> {
    let mut coefficients =
        ColorMeasurement::new(narrowed).coefficients_until(parameters.color(), learned, cancel)?;
    if parameters.denoise() > 0.0 {
        let counted = wavelet_shrinkage::Counted::of(alpha::weights(image));
        let seen = alpha::seen_colours(image);
        coefficients.noise_sigma = if parameters.color_method().is_on() {
            // Noise is measured on colours alone, so alpha is not copied.
            let (width, height, channels) = (image.width(), image.height(), image.channels());
            let samples = match seen {
                Cow::Borrowed(image) => image.samples().to_vec(),
                Cow::Owned(seen) => seen.into_parts().0,
            };
            let copy = DeepImage::of(width, height, channels, samples, None);
            let mut corrected = copy.expect("the shape is that of a picture");
            correct_deep(&mut corrected, &coefficients, parameters, cancel)?;
            wavelet_shrinkage::measured_deep_noise_until(&corrected, counted, cancel)?
        } else {
            wavelet_shrinkage::measured_deep_noise_until(&seen, counted, cancel)?
        };
    }
    Ok(coefficients)
}

/// Same as [`measure_deep_until`], of a picture that `image` makes, with its alpha, once noise is to be measured. It is changed in
/// place.
pub(super) fn measure_shown_deep_until(
    image: impl FnOnce() -> Result<DeepImage, Cancelled>,
    narrowed: &Image,
    parameters: &RestorationParameters,
    learned: Option<&ColorTransform>,
    cancel: &Cancel,
) -> Result<Coefficients, Cancelled> {
    let mut coefficients =
        ColorMeasurement::new(narrowed).coefficients_until(parameters.color(), learned, cancel)?;
    if parameters.denoise() > 0.0 {
        let mut seen = image()?;
        alpha::see(&mut seen);
        correct_deep(&mut seen, &coefficients, parameters, cancel)?;
        let counted = wavelet_shrinkage::Counted::of(alpha::weights(&seen));
        coefficients.noise_sigma = wavelet_shrinkage::measured_deep_noise_until(&seen, counted, cancel)?;
    }
    Ok(coefficients)
}

/// Corrects the colours of a picture with 16 bits and does nothing else. Alpha is ignored.
pub(super) fn correct_deep(
    image: &mut DeepImage,
    coefficients: &Coefficients,
    parameters: &RestorationParameters,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    let correction = DeepCorrection::of(coefficients, parameters.color(), image.channels());
    correction.run(Instructions::fastest(), image, None, cancel)
}

/// Restores a picture with 16 bits: colour correction, then denoising, then unsharp mask, as [`apply`](super::apply) does. All
/// operators compute with 16 bits; a sample is rounded to a whole number after each of them.
///
/// # Panics
/// Same as [`apply`](super::apply).
pub fn apply_deep(
    image: DeepImage,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
) -> DeepImage {
    apply_deep_with(Instructions::fastest(), image, parameters, coefficients)
}

/// Same as [`apply_deep`], with these instructions. All sets give the same samples.
///
/// # Panics
/// Same as [`apply_deep`], and when this CPU does not run the instructions.
pub fn apply_deep_with(
    instructions: Instructions,
    image: DeepImage,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
) -> DeepImage {
    Cancel::uncancelled(|cancel| run(instructions, image, parameters, coefficients, cancel))
}

/// Same as [`apply_deep`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set. The half-restored picture is dropped.
///
/// # Panics
/// Same as [`apply_deep`].
pub fn apply_deep_until(
    image: DeepImage,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<DeepImage, Cancelled> {
    run(Instructions::fastest(), image, parameters, coefficients, cancel)
}

/// Same as [`apply_ignoring_alpha_until`](super::apply_ignoring_alpha_until), for a picture with 16 bits.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`apply_deep`].
pub fn apply_deep_ignoring_alpha_until(
    image: DeepImage,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<DeepImage, Cancelled> {
    run_ignoring_alpha(Instructions::fastest(), image, parameters, coefficients, cancel)
}

/// Runs the operators on the picture as it is seen.
fn run(
    instructions: Instructions,
    mut image: DeepImage,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<DeepImage, Cancelled> {
    let veil = if parameters.is_identity() { None } else { Veil::lay(&mut image) };
    let mut image = run_ignoring_alpha(instructions, image, parameters, coefficients, cancel)?;
    if let Some(veil) = veil {
        let correction = DeepCorrection::of(coefficients, parameters.color(), image.channels());
        veil.lift(&mut image, |row| correction.run(instructions, row, None, cancel), cancel)?;
    }
    Ok(image)
}

/// Runs the operators in their order.
fn run_ignoring_alpha(
    instructions: Instructions,
    mut image: DeepImage,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<DeepImage, Cancelled> {
    let mask = parameters.sharpening().map(|s| UnsharpMask::new(s.sigma, s.strength));
    let mask = mask.as_ref();
    let mut correction = DeepCorrection::of(coefficients, parameters.color(), image.channels());
    if parameters.denoise() > 0.0 {
        // Denoising reads rows of the whole picture, so colours are corrected in a pass of their own before it.
        correction.run(instructions, &mut image, None, cancel)?;
        correction = DeepCorrection::None;
        let (denoise, sigma) = (parameters.denoise(), &coefficients.noise_sigma);
        image = wavelet_shrinkage::shrink_deep_until(image, denoise, sigma, cancel)?;
    }
    correction.run(instructions, &mut image, mask, cancel)?;
    Ok(image)
}

/// A colour correction as a point operator.
pub(crate) enum DeepCorrection {
    None,
    Maps(Box<DeepMaps>),
    Transform(ColorTransform),
    Grey(DeepGreyTransform),
}

impl DeepCorrection {
    /// Returns the point operator of `color` for pictures of these channels.
    pub(super) fn of(coefficients: &Coefficients, color: ColorCorrection, channels: Channels) -> Self {
        if color.mixes_channels() {
            let transform = coefficients.color_transform.expect("a correction that mixes channels has one");
            return match channels {
                Channels::Grey => DeepCorrection::Grey(DeepGreyTransform(transform)),
                Channels::Rgb => DeepCorrection::Transform(transform),
            };
        }
        let balanced = coefficients.white_balance_gains.iter().map(|&gain| LinearMap { gain, offset: 0.0 });
        let linear = coefficients.gains.iter().zip(&coefficients.offsets);
        let linear = linear.map(|(&gain, &offset)| LinearMap { gain, offset });
        let maps: Vec<LinearMap> = balanced.chain(linear).collect();
        if maps.is_empty() {
            DeepCorrection::None
        } else {
            DeepCorrection::Maps(Box::new(DeepMaps::new(&maps)))
        }
    }

    /// Corrects colours and sharpens, in one pass and in place.
    fn run(
        &self,
        instructions: Instructions,
        image: &mut DeepImage,
        mask: Option<&UnsharpMask>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        match self {
            DeepCorrection::Maps(maps) => {
                bands::restore_deep_until(instructions, image, &**maps, mask, cancel)
            }
            DeepCorrection::Transform(transform) => {
                bands::restore_deep_until(instructions, image, transform, mask, cancel)
            }
            DeepCorrection::Grey(transform) => {
                bands::restore_deep_until(instructions, image, transform, mask, cancel)
            }
            DeepCorrection::None if mask.is_some() => {
                bands::restore_deep_until(instructions, image, &DeepUnchanged, mask, cancel)
            }
            DeepCorrection::None => Ok(()),
        }
    }
}
