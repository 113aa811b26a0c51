//! Uniform frames: mounts of slides, margins of prints, black bars. Features describe the picture within the frame, since a
//! frame would decide end points and percentiles.

use std::ops::Range;

use super::analysis::AnalysisPicture;
use crate::{features::SIDE_MIN_PX, imaging::Image};

/// Largest difference of a sample from the frame's colour. Grain and JPEG vary a scanned mount by less.
const TOLERANCE: i32 = 12;
/// Largest part of a side that a frame may take at either end. So about half of the side remains at least.
const DEPTH_MAX: f64 = 0.25;
/// Side of a JPEG block, in pixels.
pub(super) const BLOCK_PX: usize = 8;

/// Returns the part of `image` within its uniform frame; `None` without a frame. `analysis` is the reduced copy of `image`.
///
/// A frame lies along two opposite sides at least. All pixels of its rows and columns have nearly the same colour on both
/// sides. So a white sky or a dark ground alone is no frame.
pub(super) fn within(image: &Image, analysis: &AnalysisPicture) -> Option<Image> {
    let (width, height) = (analysis.width, analysis.height);
    let pixel = |x: usize, y: usize| analysis.planes.each_ref().map(|plane| i32::from(plane[y * width + x]));
    let rows = depths(height, |y| uniform((0..width).map(|x| pixel(x, y))));
    let inner = rows.clone();
    // The frame's rows are uniform already, so columns are compared within the other rows.
    let columns = depths(width, |x| uniform(inner.clone().map(|y| pixel(x, y))));
    if (rows.len(), columns.len()) == (height, width) {
        return None;
    }
    let scaled = |range: Range<usize>, from: usize, to: usize| {
        // Rounded inwards, so that no row of the frame remains.
        (range.start * to).div_ceil(from)..range.end * to / from
    };
    let mut columns = scaled(columns, width, image.width());
    // Blockiness counts the blocks of JPEG from the left side.
    columns.start = columns.start.next_multiple_of(BLOCK_PX);
    let part = image.part(columns, scaled(rows, height, image.height()))?;
    (part.width() >= SIDE_MIN_PX && part.height() >= SIDE_MIN_PX).then_some(part)
}

/// Returns the lines between the two ends of a frame, of `n` lines; all lines when there is no frame at both ends.
/// `uniform` gives the colour of a uniform line.
fn depths(n: usize, uniform: impl Fn(usize) -> Option<[i32; 3]>) -> Range<usize> {
    let most = (n as f64 * DEPTH_MAX) as usize;
    let (Some(first), Some(last)) = (uniform(0), uniform(n - 1)) else { return 0..n };
    if !is_near(first, last) {
        return 0..n;
    }
    let of_frame = |line: &usize| uniform(*line).is_some_and(|color| is_near(color, first));
    let head = (0..most).take_while(of_frame).count();
    let tail = (0..most).map(|i| n - 1 - i).take_while(of_frame).count();
    head..n - tail
}

/// Returns the mean colour of a line whose pixels all lie near it.
fn uniform(pixels: impl Iterator<Item = [i32; 3]> + Clone) -> Option<[i32; 3]> {
    let (mut sums, mut n) = ([0; 3], 0);
    for pixel in pixels.clone() {
        (0..3).for_each(|c| sums[c] += pixel[c]);
        n += 1;
    }
    let mean = sums.map(|sum| sum / n.max(1));
    pixels.into_iter().all(|pixel| is_near(pixel, mean)).then_some(mean)
}

fn is_near(a: [i32; 3], b: [i32; 3]) -> bool {
    (0..3).all(|c| (a[c] - b[c]).abs() <= TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cancel::Cancel, features::rich::extract, imaging::Channels};

    /// A picture of `width × height` px with a frame of the given depths: left, top, right, bottom.
    fn framed(width: usize, height: usize, [left, top, right, bottom]: [usize; 4], color: u8) -> Image {
        let (w, h) = (width + left + right, height + top + bottom);
        let value = |x: usize, y: usize| {
            let is_inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            let inner = |x: usize, y: usize| (x * 7 + y * 13 + x * y % 31) as u8 | 1;
            if is_inside { [inner(x - left, y - top), 90, 60] } else { [color; 3] }
        };
        let samples = (0..w * h).flat_map(|i| value(i % w, i / w)).collect();
        Image::new(w, h, Channels::Rgb, samples, None).unwrap()
    }

    fn inner_size(image: &Image) -> Option<(usize, usize)> {
        let analysis = AnalysisPicture::of(image, &Cancel::never()).unwrap();
        within(image, &analysis).map(|part| (part.width(), part.height()))
    }

    #[test]
    fn features_of_a_framed_picture_are_those_within_the_frame() {
        let plain = framed(120, 80, [0; 4], 0);
        for (depths, color) in [([8, 4, 6, 4], 0), ([16, 10, 10, 10], 255), ([0, 20, 0, 20], 8)] {
            let image = framed(120, 80, depths, color);
            assert_eq!(inner_size(&image), Some((120, 80)), "{depths:?}");
            assert_eq!(extract(&image).unwrap(), extract(&plain).unwrap());
        }
    }

    #[test]
    fn one_uniform_side_is_no_frame() {
        assert_eq!(inner_size(&framed(120, 80, [0; 4], 0)), None);
        assert_eq!(inner_size(&framed(120, 80, [0, 15, 0, 0], 255)), None);
        let flat = Image::new(40, 30, Channels::Grey, vec![100; 1200], None).unwrap();
        // A flat picture is all frame. Half of each side remains, less the rounding to blocks.
        assert_eq!(inner_size(&flat), Some((14, 16)));
    }
}
