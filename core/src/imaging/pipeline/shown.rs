//! The operators on pictures whose values are not those of sRGB.
//!
//! Coefficients are measured on what the picture shows in sRGB. The picture is restored in strips of rows: a strip is converted to
//! sRGB of 16 bits with the rows around it that blurs reach, the operators run on it, and the own values follow
//! (`color_space::Follower`). Rows that a strip overwrites are kept for the strip below, so strips change no sample.

use super::{
    Coefficients, apply_deep_ignoring_alpha_until,
    deep::{correct_deep, measure_shown_deep_until},
    measure_until,
};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        ColorSpace, DeepImage, Image, RestorationParameters,
        alpha::{Veil, Whole},
        color_space::{Follower, SpaceSample},
        operators::{color_transform::ColorTransform, unsharp_mask::UnsharpMask, wavelet_shrinkage},
    },
};

/// Fewest rows of a strip.
const ROWS_MIN: usize = 64;
/// Fewest rows of a strip as a multiple of what blurs reach: the rows around a strip are at most half as many.
const ROWS_PER_REACH: usize = 4;
/// Strips of a high picture.
const STRIPS: usize = 8;

/// Same as [`measure_until`], for a picture in any space. `shown` is what the picture shows in sRGB of 8 bits; `deep` are its own
/// values if they have 16.
///
/// # Errors
/// When `cancel` is set.
///
/// # Panics
/// Same as [`measure`](super::measure).
pub(crate) fn measure_in_until(
    space: &ColorSpace,
    shown: &Image,
    deep: Option<&DeepImage>,
    parameters: &RestorationParameters,
    learned: Option<&ColorTransform>,
    cancel: &Cancel,
) -> Result<Coefficients, Cancelled> {
    match deep {
        None => measure_until(shown, parameters, learned, cancel),
        Some(deep) if space.is_srgb() => super::measure_deep_until(deep, shown, parameters, learned, cancel),
        Some(deep) => {
            let deep_shown = || space.deep_shown_until(deep, cancel);
            measure_shown_deep_until(deep_shown, shown, parameters, learned, cancel)
        }
    }
}

/// Restores a picture in a space other than sRGB, in place. The parameters and coefficients are those for what it shows. Alpha, size
/// and space are kept; identity parameters change nothing. Memory: two strips of 16 bits.
///
/// # Errors
/// When `cancel` is set. The half-restored picture is dropped.
///
/// # Panics
/// Same as [`apply`](super::apply).
pub(crate) fn apply_in_until<S: SpaceSample + Whole>(
    space: &ColorSpace,
    mut image: Image<S>,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    cancel: &Cancel,
) -> Result<Image<S>, Cancelled> {
    let Some(follower) = Follower::<S>::new(space).filter(|_| !parameters.is_identity()) else {
        return Ok(image);
    };
    // Strips see parts of what is around a hidden pixel, so what is hidden is kept aside for the whole picture.
    let veil = Veil::lay(&mut image);
    let (width, height, channels) = (image.width(), image.height(), image.channels());
    let reach = reach(parameters);
    let (n_rows, stride) = (strip_rows(height, parameters), width * channels.count());
    let mut above: Vec<S> = Vec::new();
    for top in (0..height).step_by(n_rows) {
        let bottom = height.min(top + n_rows);
        let (first, end) = (top - above.len() / stride, height.min(bottom + reach));
        let rows = image.samples()[top * stride..end * stride].iter();
        let own: Vec<S> = above.iter().chain(rows).copied().collect();
        let strip = Image::of(width, end - first, channels, own, None);
        let strip = strip.expect("a strip is a part of the picture");
        let shown = space.deep_shown_until(&strip, cancel)?;
        drop(strip);
        let restored = apply_deep_ignoring_alpha_until(shown, parameters, coefficients, cancel)?;
        above = image.samples()[bottom.saturating_sub(reach).max(top) * stride..bottom * stride].to_vec();
        let rows = &mut image.samples_mut()[top * stride..bottom * stride];
        let restored = &restored.samples()[(top - first) * stride..(bottom - first) * stride];
        follower.follow(rows, restored, cancel);
        cancel.check()?;
    }
    if let Some(veil) = veil {
        let correct = |row: &mut Image<S>| {
            let mut shown = space.deep_shown_until(row, cancel)?;
            correct_deep(&mut shown, coefficients, parameters, cancel)?;
            follower.follow(row.samples_mut(), shown.samples(), cancel);
            cancel.check()
        };
        veil.lift(&mut image, correct, cancel)?;
    }
    Ok(image)
}

/// Rows of a strip, without those around it.
fn strip_rows(height: usize, parameters: &RestorationParameters) -> usize {
    ROWS_MIN.max(ROWS_PER_REACH * reach(parameters)).max(height.div_ceil(STRIPS))
}

/// Most rows of a strip of a picture of `height` rows, those around it included.
pub(crate) fn strip_rows_max(height: usize, parameters: &RestorationParameters) -> usize {
    height.min(strip_rows(height, parameters) + 2 * reach(parameters))
}

/// How far from a row the operators read, in rows.
fn reach(parameters: &RestorationParameters) -> usize {
    let mask = parameters.sharpening().map_or(0, |s| UnsharpMask::new(s.sigma, s.strength).radius());
    let denoising = if parameters.denoise() > 0.0 { wavelet_shrinkage::REACH_PX } else { 0 };
    mask + denoising
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channels, ColorMethod};

    #[test]
    fn strips_change_no_sample() {
        let space = ColorSpace::adobe_rgb(Channels::Rgb);
        let (width, height, never) = (40, 700, Cancel::never());
        let samples = (0..width * height * 3).map(|i| (i * i / 11 % 199 + i % 3 * 18) as u8).collect();
        let image = Image::new(width, height, Channels::Rgb, samples, None).unwrap();
        for (method, sigma, strength, denoise) in [
            (ColorMethod::Stretch, 1.0, 1.5, 0.0),
            (ColorMethod::None, 6.0, -0.5, 1.5),
            (ColorMethod::GreyWorld, 1.0, 0.0, 0.0),
        ] {
            let parameters =
                RestorationParameters::new(method, sigma, strength).unwrap().with_denoise(denoise).unwrap();
            let shown = space.shown_until(&image, &never).unwrap();
            let measured = measure_in_until(&space, &shown, None, &parameters, None, &never).unwrap();
            let found = apply_in_until(&space, image.clone(), &parameters, &measured, &never).unwrap();
            let whole = space.deep_shown_until(&image, &never).unwrap();
            let whole = apply_deep_ignoring_alpha_until(whole, &parameters, &measured, &never).unwrap();
            let mut expected = image.clone();
            Follower::new(&space).unwrap().follow(expected.samples_mut(), whole.samples(), &never);
            assert!(found == expected && found != image, "{method:?}");
        }
        let same = apply_in_until(
            &space,
            image.clone(),
            &RestorationParameters::IDENTITY,
            &Coefficients::default(),
            &never,
        );
        assert!(same.unwrap() == image);
    }

    #[test]
    fn what_alpha_hides_changes_no_pixel_that_is_seen() {
        let space = ColorSpace::adobe_rgb(Channels::Rgb);
        let (width, height, never) = (40, 300, Cancel::never());
        let is_hidden = |i: usize| i % width > 20 && i / width % 90 > 30;
        let restored = |hidden: u8| {
            let sample = |i: usize| if is_hidden(i / 3) { hidden } else { (i * i / 11 % 199) as u8 };
            let samples = (0..width * height * 3).map(sample).collect();
            let alpha = (0..width * height).map(|i| if is_hidden(i) { 0 } else { 255 - (i % 3) as u8 * 40 });
            let image = Image::new(width, height, Channels::Rgb, samples, Some(alpha.collect())).unwrap();
            let parameters = RestorationParameters::new(ColorMethod::Stretch, 2.0, 1.0).unwrap();
            let parameters = parameters.with_denoise(1.0).unwrap();
            let shown = space.shown_until(&image, &never).unwrap();
            let measured = measure_in_until(&space, &shown, None, &parameters, None, &never).unwrap();
            apply_in_until(&space, image, &parameters, &measured, &never).unwrap()
        };
        let (white, black) = (restored(255), restored(0));
        for i in 0..width * height {
            let [white, black] = [&white, &black].map(|image| &image.samples()[3 * i..][..3]);
            assert!(if is_hidden(i) { white == [255; 3] && black == [0; 3] } else { white == black }, "{i}");
        }
    }
}
