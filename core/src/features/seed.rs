//! The 14 features of schema seed, the first system's: mostly statistics of the luma's Fourier spectrum.

use super::{FeatureError, SIDE_MIN_PX, color, luma::luma_until, rounding::rounded, sharpness, spectrum};
use crate::{
    cancel::Cancel,
    imaging::{Image, alpha},
};

/// Number of features of schema seed.
pub const N_FEATURES: usize = 14;

/// Names of the features, in the order of tables and vectors.
///
/// `M = 20·ln(|F| + 1)` is the log-magnitude of the centred spectrum F of the luma; it is at least 0.
///
/// - `mean`, `std_dev`, `skewness`, `kurtosis`: population statistics of M over all frequencies. The kurtosis is the
///   excess over a normal distribution's. For a constant M the skewness and the kurtosis are 0.
/// - `low_freq_energy`: mean of M in the centre block of 60×60 frequencies, clipped to the picture.
/// - `high_freq_energy`: mean of M outside that block, 0 without an outside.
/// - `energy_ratio`: `high_freq_energy / low_freq_energy`, 0 for a black picture.
/// - `radial_center`, `radial_25`, `radial_50`, `radial_75`, `radial_edge`: mean of M on circles. The whole part of the
///   radius is 0, n/4, n/2, 3n/4 and n − 1. Here n is the smaller of half the width and half the height.
/// - `color_balance_need`, 0 to 1: how unequal the channels' means and deviations are; 0 for grey.
/// - `sharpening_need`, 0 to 1: how weak Laplacian, gradient and high frequencies are.
pub const FEATURE_NAMES: [&str; N_FEATURES] = [
    "mean",
    "std_dev",
    "skewness",
    "kurtosis",
    "low_freq_energy",
    "high_freq_energy",
    "energy_ratio",
    "radial_center",
    "radial_25",
    "radial_50",
    "radial_75",
    "radial_edge",
    "color_balance_need",
    "sharpening_need",
];

/// Version of these definitions. A model only takes features of the schema that it was trained on.
pub const FEATURE_SCHEMA: &str = "seed-14/1";

/// The 14 values in the order of [`FEATURE_NAMES`], all finite.
pub type FeatureVector = [f64; N_FEATURES];

/// Extracts the features of schema seed from `image`. The values are the same for any number of threads.
///
/// What alpha hides takes the colours that are seen around it, and `color_balance_need` weighs pixels by alpha.
///
/// Cost: a real FFT of the luma. Memory per pixel, for any number of threads: 8 bytes for half of the spectrum, 1 for
/// the luma, and 1 for the columns at work. A picture that is only some 10 px high or wide takes as much again, for
/// numbers prepared per column or row.
///
/// # Errors
/// When a side is below 7 px.
pub fn extract(image: &Image) -> Result<FeatureVector, FeatureError> {
    extract_until(image, &Cancel::never())
}

/// Same as [`extract`], and stops once `cancel` is set.
///
/// # Errors
/// Same errors as [`extract`], and [`FeatureError::Cancelled`].
pub fn extract_until(image: &Image, cancel: &Cancel) -> Result<FeatureVector, FeatureError> {
    let (width, height) = (image.width(), image.height());
    if width < SIDE_MIN_PX || height < SIDE_MIN_PX {
        return Err(FeatureError::TooSmall { width, height });
    }
    let color_balance_need = color::color_balance_need(image, cancel)?;
    // The colours that are seen are dropped before the spectrum takes its memory.
    let luma = luma_until(&alpha::seen_colours(image), cancel)?;
    let spectrum = spectrum::measure(&luma, width, height, cancel)?;
    let edges = sharpness::edges(&luma, width, height, cancel)?;
    let sharpening_need = sharpness::sharpening_need(edges, spectrum.outside_share);
    let values = [
        spectrum.mean,
        spectrum.std_dev,
        spectrum.skewness,
        spectrum.kurtosis,
        spectrum.inside_mean,
        spectrum.outside_mean,
        // Only a black picture has an inside of 0, and its outside is 0 too: the ratio 0/0 is defined as 0.
        if spectrum.inside_mean > 0.0 { spectrum.outside_mean / spectrum.inside_mean } else { 0.0 },
        spectrum.radial[0],
        spectrum.radial[1],
        spectrum.radial[2],
        spectrum.radial[3],
        spectrum.radial[4],
        color_balance_need,
        sharpening_need,
    ];
    Ok(values.map(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    fn grey(width: usize, height: usize, f: impl Fn(usize, usize) -> u8) -> Image {
        let samples = (0..width * height).map(|i| f(i % width, i / width)).collect();
        Image::new(width, height, Channels::Grey, samples, None).unwrap()
    }

    #[test]
    fn a_black_picture_has_finite_features() {
        let features = extract(&grey(7, 9, |_, _| 0)).unwrap();
        assert!(features.iter().all(|v| v.is_finite()), "{features:?}");
        assert_eq!(features[0], 0.0);
    }

    #[test]
    fn grey_and_its_rgb_copy_have_the_same_features() {
        let image = grey(20, 13, |x, y| (x * 12 + y * 5) as u8);
        assert_eq!(extract(&image), extract(&image.to_rgb()));
    }

    #[test]
    fn sides_below_seven_are_refused() {
        assert!(extract(&grey(6, 9, |_, _| 0)).unwrap_err().to_string().contains("at least 7"));
    }
}
