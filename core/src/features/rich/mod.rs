//! The 124 features of schema rich. They cost little and do not depend on the picture's size.
//!
//! Tone, cast, chroma, relations of channels, haze, layout, texture and end points are measured on the picture, reduced to at
//! most 256 px a side. Noise, detail and blockiness are measured in windows of the picture without that reduction, and extremes
//! over all its pixels: the reduction would remove them. Each family's file gives the formula and range of its features.
//!
//! Sums are whole numbers or in a fixed order, and logarithms are libm's. So every CPU and every number of threads
//! gives the same bits.

mod analysis;
mod blockiness;
mod cast;
mod channels;
mod chroma;
mod counts;
mod detail;
mod end_points;
mod extremes;
mod frame;
mod gradient;
mod haze;
mod lab;
mod layout;
mod reduction;
mod texture;
mod tone;
mod windows;

pub(super) use self::reduction::reduced_until;
pub use self::reduction::{SIDE_MAX_PX, eighths, reduced, reduced_from};

use self::analysis::AnalysisPicture;
use super::{FeatureError, SIDE_MIN_PX, rounding::rounded};
use crate::{
    cancel::Cancel,
    imaging::{Image, alpha},
};

/// Number of features of schema rich.
pub const N_RICH: usize = 124;

/// Names of the features, in the order of tables and vectors. None of them is a name of schema seed.
pub const RICH_NAMES: [&str; N_RICH] = joined([
    &tone::NAMES,
    &cast::NAMES,
    &chroma::NAMES,
    &channels::NAMES,
    &haze::NAMES,
    &layout::NAMES,
    &texture::NAMES,
    &detail::NAMES,
    &blockiness::NAMES,
    &extremes::NAMES,
    &end_points::NAMES,
]);

/// Version of these definitions.
pub const RICH_SCHEMA: &str = "rich-124/3";

/// The values in the order of [`RICH_NAMES`], all finite.
pub type RichVector = [f64; N_RICH];

/// Extracts the features of schema rich from `image`. A grey picture has the features of its RGB copy, a framed
/// picture those of the part within its uniform frame.
///
/// Pixels weigh by their alpha, in whole sums. The part around which alpha is below half is cut off first, and hidden colours
/// give way to those that are seen around them. So they have no say.
///
/// Cost: two passes over the picture, then at most 256² pixels and nine windows of 128² px. Memory: 6 bytes per sample
/// of a row and thread, and a few megabytes. A framed picture costs a third pass, and a copy of the part within the frame; so does one that alpha hides in part.
///
/// # Errors
/// When a side is below 7 px.
pub fn extract(image: &Image) -> Result<RichVector, FeatureError> {
    extract_until(image, &Cancel::never())
}

/// Same as [`extract`], and stops once `cancel` is set.
///
/// # Errors
/// Same errors as [`extract`], and [`FeatureError::Cancelled`].
pub fn extract_until(image: &Image, cancel: &Cancel) -> Result<RichVector, FeatureError> {
    let (width, height) = (image.width(), image.height());
    if width < SIDE_MIN_PX || height < SIDE_MIN_PX {
        return Err(FeatureError::TooSmall { width, height });
    }
    let part = alpha::seen_part(image, SIDE_MIN_PX, frame::BLOCK_PX);
    let seen = alpha::seen(part.as_ref().unwrap_or(image));
    let image: &Image = &seen;
    let whole = AnalysisPicture::of(image, cancel)?;
    let inner = frame::within(image, &whole);
    let (image, analysis) = match &inner {
        Some(inner) => (inner, AnalysisPicture::of(inner, cancel)?),
        None => (image, whole),
    };
    cancel.check()?;
    let windows = windows::windows(image);
    cancel.check()?;
    let values: RichVector = joined([
        &tone::measure(&analysis),
        &cast::measure(&analysis),
        &chroma::measure(&analysis),
        &channels::measure(&analysis),
        &haze::measure(&analysis),
        &layout::measure(&analysis),
        &texture::measure(&analysis),
        &detail::measure(&windows),
        &blockiness::measure(&windows),
        &extremes::measure(image, cancel)?,
        &end_points::measure(&analysis),
    ]);
    Ok(values.map(rounded))
}

/// Joins the families' names or values, one after the other.
const fn joined<T: Copy>(families: [&[T]; 11]) -> [T; N_RICH] {
    let mut all = [families[0][0]; N_RICH];
    let (mut family, mut n) = (0, 0);
    while family < families.len() {
        let mut i = 0;
        while i < families[family].len() {
            all[n] = families[family][i];
            (i, n) = (i + 1, n + 1);
        }
        family += 1;
    }
    assert!(n == N_RICH, "the families hold another number of features");
    all
}

#[cfg(test)]
mod tests;
