//! The order in which operators run: colour first, then noise, then sharpness.
//!
//! [`measure`] measures what the operators need; [`apply`] restores with these coefficients. A replay only applies.
//! [`measure_deep`] and [`apply_deep`] do it for pictures with 16 bits per sample.

mod deep;
mod shown;
pub(crate) mod streamed;

use crate::cancel::{Cancel, Cancelled};

use super::{
    Channels, ColorCorrection, ColorMeasurement, Image, Instructions, RestorationParameters,
    alpha::{self, Veil},
    bands,
    operators::{
        color_transform::ColorTransform,
        point::{ChannelTables, Unchanged},
        unsharp_mask::UnsharpMask,
        wavelet_shrinkage,
    },
};

pub use self::deep::{
    apply_deep, apply_deep_ignoring_alpha_until, apply_deep_until, apply_deep_with, measure_deep,
    measure_deep_until,
};
pub(crate) use self::shown::{apply_in_until, measure_in_until, strip_rows_max};
pub use super::coefficients::{Coefficients, CoefficientsError};

/// Measures the coefficients that these parameters need on the picture.
///
/// `learned` is the transform of [`ColorMethod::Learned`](super::ColorMethod::Learned), already blended. A model predicts
/// it; it cannot be measured here. With [`Tone::Keep`](super::Tone::Keep) the coefficients of any colour correction are a
/// transform that keeps luma.
/// Pixels weigh by their alpha, so colours under alpha 0 have no say.
/// Cost: one pass over the samples with colour correction. Denoising takes a blur and, with colour correction, a corrected
/// copy of the picture.
///
/// # Panics
/// When the method is [`ColorMethod::Learned`](super::ColorMethod::Learned) and `learned` is `None`.
pub fn measure(
    image: &Image,
    parameters: &RestorationParameters,
    learned: Option<&ColorTransform>,
) -> Coefficients {
    Cancel::uncancelled(|cancel| measure_until(image, parameters, learned, cancel))
}

/// Same as [`measure`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`measure`].
pub fn measure_until(
    image: &Image,
    parameters: &RestorationParameters,
    learned: Option<&ColorTransform>,
    cancel: &Cancel,
) -> Result<Coefficients, Cancelled> {
    let mut coefficients =
        ColorMeasurement::new(image).coefficients_until(parameters.color(), learned, cancel)?;
    if parameters.denoise() > 0.0 {
        let counted = wavelet_shrinkage::Counted::of(alpha::weights(image));
        let seen = alpha::seen_colours(image);
        coefficients.noise_sigma = if parameters.color_method().is_on() {
            let mut corrected = seen.into_owned();
            let correction = Correction::of(&coefficients, parameters.color(), image.channels());
            correction.run(Instructions::fastest(), &mut corrected, None, cancel)?;
            wavelet_shrinkage::measured_noise_until(&corrected, counted, cancel)?
        } else {
            wavelet_shrinkage::measured_noise_until(&seen, counted, cancel)?
        };
    }
    Ok(coefficients)
}

/// Restores `image`: colour correction, then denoising, then unsharp mask.
///
/// Acts on stored values, border reflect-101. Size, channels and alpha are kept. Samples under alpha 0 stay as they are and have no
/// influence on others; faint pixels have little. `imaging/alpha.rs` has the formula. Identity parameters return the picture
/// unchanged. Without denoising this is one pass, in place. Runs on the rayon pool that the caller installed; the same bytes
/// for any number of threads and any CPU.
///
/// # Panics
/// When the coefficients do not belong to the picture (see [`Coefficients::check`]).
pub fn apply(image: Image, parameters: &RestorationParameters, coefficients: &Coefficients) -> Image {
    apply_with(Instructions::fastest(), image, parameters, coefficients)
}

/// Same as [`apply`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set. The half-restored picture is dropped.
///
/// # Panics
/// Same as [`apply`].
pub fn apply_until(
    image: Image,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<Image, Cancelled> {
    run(Instructions::fastest(), image, parameters, coefficients, cancel)
}

/// Same as [`apply`], with these instructions. All sets give the same samples.
///
/// # Panics
/// Same as [`apply`], and when this CPU does not run the instructions.
pub fn apply_with(
    instructions: Instructions,
    image: Image,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
) -> Image {
    Cancel::uncancelled(|cancel| run(instructions, image, parameters, coefficients, cancel))
}

/// Same as [`apply_until`] by the rules of release 0.1.0, for receipts of that time: alpha is ignored. So samples under alpha 0
/// change, and blurs read them.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`apply`].
pub fn apply_ignoring_alpha_until(
    image: Image,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<Image, Cancelled> {
    run_ignoring_alpha(Instructions::fastest(), image, parameters, coefficients, cancel)
}

/// Runs the operators on the picture as it is seen.
fn run(
    instructions: Instructions,
    mut image: Image,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<Image, Cancelled> {
    let veil = if parameters.is_identity() { None } else { Veil::lay(&mut image) };
    let mut image = run_ignoring_alpha(instructions, image, parameters, coefficients, cancel)?;
    if let Some(veil) = veil {
        let correction = Correction::of(coefficients, parameters.color(), image.channels());
        veil.lift(&mut image, |row| correction.run(instructions, row, None, cancel), cancel)?;
    }
    Ok(image)
}

/// Runs the operators in their order.
fn run_ignoring_alpha(
    instructions: Instructions,
    mut image: Image,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<Image, Cancelled> {
    let color = parameters.color();
    let mask = parameters.sharpening().map(|s| UnsharpMask::new(s.sigma, s.strength));
    let mask = mask.as_ref();
    let mut correction = Correction::of(coefficients, color, image.channels());
    if parameters.denoise() > 0.0 {
        // Denoising reads rows of the whole picture, so colours are corrected in a pass of their own before it.
        correction.run(instructions, &mut image, None, cancel)?;
        correction = Correction::None;
        image =
            wavelet_shrinkage::shrink_until(image, parameters.denoise(), &coefficients.noise_sigma, cancel)?;
    }
    correction.run(instructions, &mut image, mask, cancel)?;
    Ok(image)
}

/// A colour correction as a point operator.
pub(crate) enum Correction {
    None,
    Tables(ChannelTables),
    Transform(ColorTransform),
}

impl Correction {
    /// Returns the point operator of `color` for pictures of these channels.
    fn of(coefficients: &Coefficients, color: ColorCorrection, channels: Channels) -> Self {
        if color.mixes_channels() {
            let transform = coefficients.color_transform.expect("a correction that mixes channels has one");
            return match channels {
                Channels::Grey => Correction::Tables(ChannelTables::new(vec![transform.grey_table()])),
                Channels::Rgb => Correction::Transform(transform),
            };
        }
        coefficients
            .sample_tables(color)
            .map_or(Correction::None, |tables| Correction::Tables(ChannelTables::new(tables)))
    }

    /// Corrects colours and sharpens, in one pass and in place.
    fn run(
        &self,
        instructions: Instructions,
        image: &mut Image,
        mask: Option<&UnsharpMask>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        match self {
            Correction::Tables(tables) => bands::restore_until(instructions, image, tables, mask, cancel),
            Correction::Transform(transform) => {
                bands::restore_until(instructions, image, transform, mask, cancel)
            }
            Correction::None if mask.is_some() => {
                bands::restore_until(instructions, image, &Unchanged, mask, cancel)
            }
            Correction::None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ColorMethod, Tone, coefficients::is_linear},
        *,
    };

    fn picture(channels: Channels) -> Image {
        let samples = (0..40 * 30 * channels.count()).map(|i| (i * i / 13 % 160 + i % 3 * 20) as u8);
        Image::new(40, 30, channels, samples.collect(), Some(vec![9; 40 * 30])).unwrap()
    }

    /// Parameters of every colour method, with a blend where it has one, of every tone, with and without denoising.
    fn all() -> Vec<RestorationParameters> {
        let mut all = Vec::new();
        for method in ColorMethod::ALL {
            let blend = if method.blends() { 0.6 } else { 1.0 };
            let color = ColorCorrection::new(method, blend).unwrap();
            for (tone, denoise) in [Tone::Auto, Tone::Keep].into_iter().flat_map(|t| [(t, 0.0), (t, 1.5)]) {
                let parameters = RestorationParameters::IDENTITY.with_color(color.with_tone(tone));
                all.push(parameters.with_denoise(denoise).unwrap());
            }
        }
        all
    }

    fn measured(image: &Image, parameters: &RestorationParameters) -> Coefficients {
        let mut coefficients = ColorTransform::IDENTITY.coefficients();
        coefficients[3] = 0.9;
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
                        // The grey world of a grey picture is grey already, and a grey picture has only its luma.
                        let changes_nothing = parameters.tone() == Tone::Keep
                            || matches!(
                                parameters.color_method(),
                                ColorMethod::GreyWorld | ColorMethod::ShadesOfGrey
                            );
                        let is_grey = image.channels() == Channels::Grey;
                        is_grey && changes_nothing && parameters.denoise() == 0.0
                    }
                );
            }
        }
    }

    #[test]
    fn coefficients_of_other_parameters_are_refused() {
        let image = picture(Channels::Rgb);
        for own in all() {
            for other in all().into_iter().filter(|other| *other != own) {
                let coefficients = measured(&image, &own);
                let mixes = |p: &RestorationParameters| p.color().mixes_channels();
                let linear = |p: &RestorationParameters| is_linear(p.color_method()) && !mixes(p);
                let same_kind = linear(&own) && linear(&other) || mixes(&own) && mixes(&other);
                let is_same = own.color_method() == other.color_method() && own.tone() == other.tone();
                let both_fit = (same_kind || is_same) && own.denoise() == other.denoise();
                assert_eq!(coefficients.check(&image, &other).is_ok(), both_fit, "{own:?} {other:?}");
            }
        }
        let denoise = RestorationParameters::IDENTITY.with_denoise(1.0).unwrap();
        for noise_sigma in [vec![f64::NAN; 3], vec![-1.0; 3], vec![1e9; 3]] {
            let coefficients = Coefficients { noise_sigma, ..Coefficients::default() };
            assert!(matches!(coefficients.check(&image, &denoise), Err(CoefficientsError::Value { .. })));
        }
    }

    #[test]
    fn with_tone_keep_every_method_keeps_the_luma_of_pixels_that_are_not_clamped() {
        let luma = |p: &[u8]| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
        let image = picture(Channels::Rgb);
        for parameters in all().iter().filter(|p| p.denoise() == 0.0 && p.tone() == Tone::Keep) {
            let restored = apply(image.clone(), parameters, &measured(&image, parameters));
            assert_ne!(restored, image, "{parameters:?}");
            let pixels = || restored.samples().chunks(3).zip(image.samples().chunks(3));
            let (mut n_kept, mut sum) = (0, 0.0);
            for (after, before) in pixels().filter(|(after, _)| after.iter().all(|v| (1..255).contains(v))) {
                let change = luma(after) - luma(before);
                // Each channel is rounded by at most a half, and the weights add up to one.
                assert!(change.abs() <= 0.501, "{parameters:?}: {before:?} became {after:?}");
                (n_kept, sum) = (n_kept + 1, sum + change);
            }
            assert!(
                n_kept > 800 && (sum / f64::from(n_kept)).abs() < 0.05,
                "{parameters:?}: {n_kept}, {sum}"
            );
            // With its own tone, the same method makes the picture lighter or darker.
            let plain = parameters.with_tone(Tone::Auto);
            let changed = apply(image.clone(), &plain, &measured(&image, &plain));
            let mean = |image: &Image| image.samples().chunks(3).map(luma).sum::<f64>() / 1200.0;
            assert!((mean(&changed) - mean(&image)).abs() > 0.5, "{plain:?}");
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
