//! What a predictor is told of a picture: 14 numbers, mostly from its Fourier spectrum, or the [`rich`] ones.
//!
//! [`measure`] gives those of a [`Schema`]; [`extract`] the 14. All are taken of the stored (encoded) colours;
//! `spectrum` and `sharpness` of their luma. The values are rounded to nine significant digits at the end: far finer
//! than the definitions are meaningful, and coarse enough that the last bits of a system's sine, used by the FFT's
//! twiddle factors, cannot show.

mod color;
mod look;
mod luma;
pub mod rich;
mod schema;
mod sharpness;
mod spectrum;

use thiserror::Error;

use crate::imaging::Image;

pub use look::Look;
pub use luma::luma;
pub use schema::{Features, Schema, measure};

/// Number of features.
pub const N_FEATURES: usize = 14;

/// The names in the order of tables and vectors.
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

/// The version of these definitions; a model only takes features of the schema it was trained on.
pub const FEATURE_SCHEMA: &str = "seed-14/1";

/// The smallest side with features, in pixels.
pub const SIDE_MIN_PX: usize = 7;

/// The 14 values in the order of [`FEATURE_NAMES`], all finite.
pub type FeatureVector = [f64; N_FEATURES];

/// A picture has no features.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FeatureError {
    /// A side is too short.
    #[error(
        "a picture of {width}×{height} px is too small for features: both sides must be at least {SIDE_MIN_PX} px"
    )]
    TooSmall {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
}

/// Extracts the features of `image`.
///
/// Cost: a real FFT of the luma; memory: 8 bytes per pixel for half of its spectrum, 1 for the luma and 1 for the columns
/// at work, however many threads; of a picture some 10 px high or wide as much again for what is prepared per column or
/// row. The same values for any number of threads.
///
/// # Errors
/// When a side is below 7 px.
pub fn extract(image: &Image) -> Result<FeatureVector, FeatureError> {
    let (width, height) = (image.width(), image.height());
    if width < SIDE_MIN_PX || height < SIDE_MIN_PX {
        return Err(FeatureError::TooSmall { width, height });
    }
    let luma = luma(image);
    let spectrum = spectrum::measure(&luma, width, height);
    let sharpening_need = sharpness::sharpening_need(&luma, width, height, spectrum.outside_share);
    let values = [
        spectrum.mean,
        spectrum.std_dev,
        spectrum.skewness,
        spectrum.kurtosis,
        spectrum.inside_mean,
        spectrum.outside_mean,
        // Only an all-black picture has an inside of 0; the ratio of nothing to nothing is stated as 0.
        if spectrum.inside_mean > 0.0 { spectrum.outside_mean / spectrum.inside_mean } else { 0.0 },
        spectrum.radial[0],
        spectrum.radial[1],
        spectrum.radial[2],
        spectrum.radial[3],
        spectrum.radial[4],
        color::color_balance_need(image),
        sharpening_need,
    ];
    Ok(values.map(rounded))
}

/// Nine significant digits, through the decimal form, which no CPU can round differently.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().expect("a formatted float is a float")
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

    #[test]
    fn rounding_keeps_nine_digits() {
        assert_eq!(rounded(123.456_789_012_345), 123.456_789);
        assert_eq!(rounded(-1.234_567_894_9e-7), -1.234_567_89e-7);
        assert_eq!(rounded(0.0), 0.0);
    }
}
