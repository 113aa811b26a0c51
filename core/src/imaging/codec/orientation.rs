//! The eight orientations of EXIF and TIFF (tag 0x0112, TIFF 6.0 p. 36), applied to pixels and alpha.

use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{Image, Sample},
};

/// Most pixels of a row that are turned between two looks at the flag.
const PIXELS_PER_CHECK: usize = 1 << 16;

/// Turns or mirrors the picture as the tag says. 1 and values out of 1–8 change nothing; 5–8 swap the sides.
///
/// Cost: one copy of samples and alpha, and none for 1.
pub fn apply_orientation<S: Sample>(image: Image<S>, orientation: u8) -> Image<S> {
    Cancel::uncancelled(|cancel| apply_orientation_until(image, orientation, cancel))
}

/// Same as [`apply_orientation`], and stops once `cancel` is set.
pub(super) fn apply_orientation_until<S: Sample>(
    image: Image<S>,
    orientation: u8,
    cancel: &Cancel,
) -> Result<Image<S>, Cancelled> {
    if !(2..=8).contains(&orientation) {
        return Ok(image);
    }
    let (width, height, channels) = (image.width(), image.height(), image.channels());
    let walk = Walk::new(width, height, orientation);
    let (samples, alpha) = image.into_parts();
    let samples = match channels.count() {
        1 => walk.gather::<1, S>(&samples, cancel)?,
        _ => walk.gather::<3, S>(&samples, cancel)?,
    };
    let alpha = alpha.map(|plane| walk.gather::<1, S>(&plane, cancel)).transpose()?;
    let turned = Image::of(walk.width, walk.height, channels, samples, alpha);
    Ok(turned.expect("turning keeps the number of pixels"))
}

/// Returns width and height of a picture after the tag is applied.
pub(super) fn oriented_size((width, height): (usize, usize), orientation: u8) -> (usize, usize) {
    if (5..=8).contains(&orientation) { (height, width) } else { (width, height) }
}

/// The source of each pixel of the turned picture: pixel (x, y) is source pixel `start + x·step_x + y·step_y`.
struct Walk {
    /// Width of the turned picture.
    width: usize,
    /// Height of the turned picture.
    height: usize,
    start: isize,
    step_x: isize,
    step_y: isize,
}

impl Walk {
    fn new(width: usize, height: usize, orientation: u8) -> Self {
        let (w, h) = (width as isize, height as isize);
        let (start, step_x, step_y) = match orientation {
            2 => (w - 1, -1, w),       // mirrored left to right
            3 => (w * h - 1, -1, -w),  // half a turn
            4 => ((h - 1) * w, 1, -w), // mirrored top to bottom
            5 => (0, w, 1),            // mirrored along the main diagonal
            6 => ((h - 1) * w, -w, 1), // to be turned a quarter clockwise
            7 => (w * h - 1, -w, -1),  // mirrored along the other diagonal
            8 => (w - 1, w, -1),       // to be turned a quarter anticlockwise
            _ => (0, 1, w),
        };
        let (width, height) = oriented_size((width, height), orientation);
        Self { width, height, start, step_x, step_y }
    }

    /// Returns the turned copy of a plane of `N` interleaved samples per pixel.
    fn gather<const N: usize, S: Sample>(&self, source: &[S], cancel: &Cancel) -> Result<Vec<S>, Cancelled> {
        let mut out = Vec::with_capacity(source.len());
        for y in 0..self.height as isize {
            let row = self.start + y * self.step_y;
            for left in (0..self.width).step_by(PIXELS_PER_CHECK) {
                cancel.check()?;
                for x in left..self.width.min(left + PIXELS_PER_CHECK) {
                    let at = (row + x as isize * self.step_x) as usize * N;
                    out.extend_from_slice(&source[at..at + N]);
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    /// Expectations written by hand from the specification's "row 0 is the visual …, column 0 the visual …".
    #[test]
    fn all_eight_turn_an_asymmetric_picture() {
        let stored = [1, 2, 3, 4, 5, 6]; // 1 2 3 over 4 5 6
        let expected: [(u8, usize, [u8; 6]); 8] = [
            (1, 3, [1, 2, 3, 4, 5, 6]),
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [3, 6, 2, 5, 1, 4]),
        ];
        for (orientation, width, pixels) in expected {
            let alpha: Vec<u8> = stored.iter().map(|v| v + 100).collect();
            let rgb: Vec<u8> = stored.iter().flat_map(|&v| [v, v + 10, v + 20]).collect();
            let image = Image::new(3, 2, Channels::Rgb, rgb, Some(alpha)).unwrap();
            let turned = apply_orientation(image, orientation);
            assert_eq!((turned.width(), turned.height()), (width, 6 / width), "orientation {orientation}");
            assert_eq!(turned.plane(0), pixels, "orientation {orientation}");
            assert_eq!(turned.plane(2), pixels.map(|v| v + 20), "orientation {orientation}");
            assert_eq!(turned.alpha().unwrap(), pixels.map(|v| v + 100), "orientation {orientation}");
            let grey = Image::new(3, 2, Channels::Grey, stored.to_vec(), None).unwrap();
            assert_eq!(
                apply_orientation(grey, orientation).samples(),
                pixels,
                "grey, orientation {orientation}"
            );
        }
    }

    #[test]
    fn values_out_of_range_turn_nothing() {
        let image = Image::new(2, 1, Channels::Grey, vec![1, 2], None).unwrap();
        for orientation in [0, 9, 255] {
            assert_eq!(apply_orientation(image.clone(), orientation), image);
        }
    }
}
