//! What a predictor of gains is told of a picture: 110 numbers that cost little and do not depend on its size.
//!
//! Tone, cast, chroma, haze, layout and texture are taken of the picture reduced to at most 256 px a side; noise,
//! detail and blockiness of windows of the picture as it is, since reducing would remove them. All of the stored
//! values. Sums are whole numbers or in a fixed order, logarithms are libm's: the same bits on any CPU and for any
//! number of threads.

mod analysis;
mod blockiness;
mod cast;
mod channels;
mod chroma;
mod counts;
mod detail;
mod gradient;
mod haze;
mod lab;
mod layout;
mod reduction;
mod texture;
mod tone;
mod windows;

pub use self::reduction::{SIDE_MAX_PX, eighths, reduced, reduced_from};

use self::analysis::Analysis;
use super::{FeatureError, SIDE_MIN_PX, rounded};
use crate::imaging::Image;

/// Number of rich features.
pub const N_RICH: usize = 110;

/// The names in the order of tables and vectors, none of them one of the other schema's.
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
]);

/// The version of these definitions.
pub const RICH_SCHEMA: &str = "rich-110/1";

/// The values in the order of [`RICH_NAMES`], all finite.
pub type RichVector = [f64; N_RICH];

/// Extracts the rich features of `image`.
///
/// A grey picture has those of its RGB copy. Cost: the picture is read once by the reduction, the rest is bounded by
/// 256² pixels and nine windows of 128². Memory: 6 bytes per sample of a row and thread, and a few megabytes.
///
/// # Errors
/// When a side is below 7 px.
pub fn extract(image: &Image) -> Result<RichVector, FeatureError> {
    let (width, height) = (image.width(), image.height());
    if width < SIDE_MIN_PX || height < SIDE_MIN_PX {
        return Err(FeatureError::TooSmall { width, height });
    }
    let analysis = Analysis::of(image);
    let windows = windows::windows(image);
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
    ]);
    Ok(values.map(rounded))
}

/// The families' names or values, one after the other.
const fn joined<T: Copy>(families: [&[T]; 9]) -> [T; N_RICH] {
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
