//! End points of a picture's channels, and the two plain levels that bring them to black and white.
//!
//! Automatic levels take the darkest and the brightest samples of a picture as black and white: Photoshop's Auto Tone (each
//! channel by itself) and Auto Contrast (one map for all channels), which clip 0.1 % at each end, and ImageMagick's
//! `-channel RGB -auto-level`, which clips nothing. Dust, grain or a clipped pixel would decide such end points. So they are
//! measured here on the 64×64 cells of a [`Thumbnail`], which are means over many pixels.

use super::linear_levels::LinearMap;
use crate::imaging::{THUMBNAIL_SIDE, Thumbnail};

/// Least distance of two end points, 0–1. It bounds the gain of flat pictures to 10.
pub const SPAN_MIN: f64 = 0.1;

/// Rank of an end point among the 4096 cells of a channel: 0.1 %, rounded up.
const RANK: usize = (THUMBNAIL_SIDE * THUMBNAIL_SIDE).div_ceil(1000);

/// Rank of an end point among the 12288 numbers of all three channels: 0.1 %, rounded up.
const RANK_OF_ALL: usize = (3 * THUMBNAIL_SIDE * THUMBNAIL_SIDE).div_ceil(1000);

/// The end points of a picture, 0–1 in stored values: percentiles 0.1 and 99.9 (nearest rank) of the cells of its thumbnail.
///
/// `low` is at most `high` in each pair. A grey picture has the same end points in all channels, and they are those of all
/// channels together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndPoints {
    /// The fifth smallest of the 4096 cells of each channel: red, green, blue.
    pub low: [f64; 3],
    /// The fifth largest of the 4096 cells of each channel.
    pub high: [f64; 3],
    /// The thirteenth smallest of the 12288 numbers of all three channels together.
    pub all_low: f64,
    /// The thirteenth largest of the numbers of all three channels together.
    pub all_high: f64,
}

impl EndPoints {
    /// Measures the end points. Cost: two selections per channel, linear in the number of cells, and 33 kB; no pixel is read.
    pub fn of(thumbnail: &Thumbnail) -> Self {
        Self::of_cells([0, 1, 2].map(|c| thumbnail.cells().iter().map(|cell| cell[c]).collect()))
    }

    /// Measures the end points of the 4096 cells of red, green and blue, in the unit of the cells. Cost: as of [`Self::of`].
    pub(crate) fn of_cells(cells: [Vec<f64>; 3]) -> Self {
        let outermost = cells.map(Outermost::of);
        // The thirteen smallest of all channels are among the thirteen smallest of each.
        let of_all = |numbers: fn(&Outermost) -> [f64; RANK_OF_ALL]| {
            let mut all = outermost.each_ref().map(numbers).concat();
            all.sort_unstable_by(f64::total_cmp);
            all
        };
        let (smallest, largest) = (of_all(|o| o.smallest), of_all(|o| o.largest));
        Self {
            low: outermost.each_ref().map(|o| o.smallest[RANK - 1]),
            high: outermost.each_ref().map(|o| o.largest[RANK_OF_ALL - RANK]),
            all_low: smallest[RANK_OF_ALL - 1],
            all_high: largest[largest.len() - RANK_OF_ALL],
        }
    }
}

/// The thirteen smallest and the thirteen largest cells of a channel, each in rising order.
struct Outermost {
    smallest: [f64; RANK_OF_ALL],
    largest: [f64; RANK_OF_ALL],
}

impl Outermost {
    /// Selects from the cells of a channel.
    fn of(mut cells: Vec<f64>) -> Self {
        let from = cells.len() - RANK_OF_ALL;
        cells.select_nth_unstable_by(RANK_OF_ALL - 1, f64::total_cmp);
        let mut smallest: [f64; RANK_OF_ALL] = std::array::from_fn(|i| cells[i]);
        cells.select_nth_unstable_by(from, f64::total_cmp);
        let mut largest: [f64; RANK_OF_ALL] = std::array::from_fn(|i| cells[from + i]);
        smallest.sort_unstable_by(f64::total_cmp);
        largest.sort_unstable_by(f64::total_cmp);
        Self { smallest, largest }
    }
}

/// Returns three maps, for red, green and blue, that bring the end points of each channel to 0 and 255:
/// `out = (v/255 − low)/span · 255` with `span = max(high − low, SPAN_MIN)`. A grey picture takes the first map.
///
/// This removes a cast as well as a veil. It also removes a cast that belongs to the picture, such as evening light.
pub fn auto_level(ends: &EndPoints) -> Vec<LinearMap> {
    ends.low.into_iter().zip(ends.high).map(|(low, high)| between(low, high)).collect()
}

/// Same as [`auto_level`], with one map for all channels, from the end points of all of them together. So hues stay. For a
/// grey picture the two are equal.
pub fn auto_contrast(ends: &EndPoints) -> Vec<LinearMap> {
    vec![between(ends.all_low, ends.all_high); 3]
}

/// Returns the map that brings `low` to 0 and `high` to 255, as far as `SPAN_MIN` allows.
fn between(low: f64, high: f64) -> LinearMap {
    let span = (high - low).max(SPAN_MIN);
    LinearMap { gain: 1.0 / span, offset: -255.0 * low / span }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channels, Image};

    fn ends(image: &Image) -> EndPoints {
        EndPoints::of(&Thumbnail::of(image))
    }

    /// A picture with one pixel per cell, so that cells are its samples.
    fn cells(channels: Channels, sample: impl Fn(usize, usize) -> u8) -> Image {
        let n = channels.count();
        let samples = (0..64 * 64 * n).map(|i| sample(i / n, i % n)).collect();
        Image::new(64, 64, channels, samples, None).unwrap()
    }

    #[test]
    fn end_points_are_of_the_nearest_rank_of_a_thousandth() {
        let image = cells(Channels::Rgb, |i, c| (i * i * 31 / 7 % [150, 200, 97][c] + c * 23) as u8);
        let found = ends(&image);
        let sorted = |keep: &dyn Fn(usize) -> bool| -> Vec<u8> {
            let kept = image.samples().iter().enumerate().filter(|(i, _)| keep(*i));
            let mut kept: Vec<u8> = kept.map(|(_, &v)| v).collect();
            kept.sort_unstable();
            kept
        };
        for c in 0..3 {
            let channel = sorted(&|i| i % 3 == c);
            assert_eq!(channel.len(), 4096);
            assert_eq!(found.low[c], f64::from(channel[4]) / 255.0);
            assert_eq!(found.high[c], f64::from(channel[4096 - 5]) / 255.0);
        }
        let all = sorted(&|_| true);
        assert_eq!(found.all_low, f64::from(all[12]) / 255.0);
        assert_eq!(found.all_high, f64::from(all[12288 - 13]) / 255.0);
    }

    #[test]
    fn four_cells_decide_nothing_and_five_do() {
        let with = |n: usize| {
            let image = cells(Channels::Grey, |i, _| match i {
                _ if i < n => 0,
                _ if i >= 4096 - n => 255,
                _ if i % 2 == 0 => 60,
                _ => 180,
            });
            let ends = ends(&image);
            [ends.low[0] * 255.0, ends.high[0] * 255.0, ends.all_low * 255.0, ends.all_high * 255.0]
        };
        assert_eq!(with(4).map(f64::round), [60.0, 180.0, 60.0, 180.0]);
        assert_eq!(with(5).map(f64::round), [0.0, 255.0, 0.0, 255.0]);
    }

    #[test]
    fn clipped_single_pixels_decide_nothing() {
        let side = 640;
        // A slope from 100 to 150. One variant has a black border with a white line inside it, each one pixel wide; another
        // has dust, one black and one white pixel in each cell.
        let picture = |clipped: &dyn Fn(usize, usize) -> Option<u8>| {
            let sample = |i: usize| {
                let (x, y) = (i % side, i / side);
                clipped(x, y).unwrap_or((100 + 50 * x / (side - 1)) as u8)
            };
            Image::new(side, side, Channels::Grey, (0..side * side).map(sample).collect(), None).unwrap()
        };
        let border = |x: usize, y: usize| match x.min(y).min(side - 1 - x).min(side - 1 - y) {
            0 => Some(0),
            1 => Some(255),
            _ => None,
        };
        let dust = |x: usize, y: usize| match (x % 10, y % 10) {
            (3, 4) => Some(0),
            (7, 2) => Some(255),
            _ => None,
        };
        let plain = ends(&picture(&|_, _| None));
        for (name, marked, allowed) in [("dust", picture(&dust), 0.01), ("border", picture(&border), 0.06)] {
            let values = marked.samples();
            assert_eq!((values.iter().min(), values.iter().max()), (Some(&0), Some(&255)), "{name}");
            let found = ends(&marked);
            let moved = (found.low[0] - plain.low[0]).abs().max((found.high[0] - plain.high[0]).abs());
            assert!(moved < allowed, "{name}: {moved}");
        }
    }

    #[test]
    fn maps_bring_the_end_points_to_black_and_white() {
        let found = EndPoints { low: [0.2, 0.0, 0.5], high: [0.7, 1.0, 0.55], all_low: 0.1, all_high: 0.6 };
        let at = |map: LinearMap, v: f64| map.gain * (255.0 * v) + map.offset;
        let maps = auto_level(&found);
        assert_eq!(maps.len(), 3);
        assert!(at(maps[0], 0.2).abs() < 1e-9 && (at(maps[0], 0.7) - 255.0).abs() < 1e-9);
        assert!(maps[1].table().iter().enumerate().all(|(v, &t)| v == usize::from(t)));
        // The third channel is flatter than SPAN_MIN: 0.05 of 0.1.
        assert!((maps[2].gain - 10.0).abs() < 1e-9 && (at(maps[2], 0.55) - 127.5).abs() < 1e-9);
        let maps = auto_contrast(&found);
        assert!(at(maps[0], 0.1).abs() < 1e-9 && (at(maps[0], 0.6) - 255.0).abs() < 1e-9);
        assert_eq!(maps, vec![maps[0]; 3]);
    }

    #[test]
    fn a_grey_picture_has_one_map() {
        let sample = |i: usize| (i * i * 31 / 7 % 150 + 40) as u8;
        for channels in [Channels::Grey, Channels::Rgb] {
            let found = ends(&cells(channels, |i, _| sample(i)));
            assert_eq!(auto_level(&found), auto_contrast(&found));
        }
    }

    #[test]
    fn a_cast_goes_by_channels_and_stays_by_all_together() {
        // The same slope in each channel, over other ranges.
        let image = cells(Channels::Rgb, |i, c| ([40, 60, 90][c] + i % 64 * [180, 120, 60][c] / 63) as u8);
        let found = ends(&image);
        let after = |maps: Vec<LinearMap>, v: [usize; 3]| [0, 1, 2].map(|c| maps[c].table()[v[c]]);
        assert_eq!(after(auto_level(&found), [40, 60, 90]), [0; 3]);
        assert_eq!(after(auto_level(&found), [220, 180, 150]), [255; 3]);
        assert_eq!(after(auto_contrast(&found), [220, 180, 150]), [255, 198, 156]);
    }
}
