//! Reduction of large pictures before their features are measured. The sides are reduced to eighths, because a JPEG can
//! be decoded at eighths of its sides.

use std::borrow::Cow;

use crate::{
    cancel::{Cancel, Cancelled},
    features::SIDE_MIN_PX,
    imaging::{Image, operators::area_resize::area_resize_with_alpha_until},
};

/// Longest side of pictures that are not reduced, in pixels.
pub const SIDE_MAX_PX: usize = 1024;
/// Smallest longest side of a reduced picture, in pixels.
const REDUCED_SIDE_PX: usize = 512;

/// Returns the number of eighths of its sides, 1 to 8, to which a picture is reduced before its features are measured.
///
/// It is 8 (no reduction) up to a longest side of 1024 px. Otherwise it is the smallest number that keeps 512 px of
/// the longer side and the 7 px that features need of the shorter side.
pub fn eighths(width: usize, height: usize) -> usize {
    let (long, short) = (width.max(height), width.min(height));
    if long <= SIDE_MAX_PX {
        return 8;
    }
    let keep =
        |n: &usize| (long * n).div_ceil(8) >= REDUCED_SIDE_PX && (short * n).div_ceil(8) >= SIDE_MIN_PX;
    (1..8).find(keep).unwrap_or(8)
}

/// Returns the picture whose features are measured: `image` itself, or its area average at [`eighths`] of its sides,
/// rounded up. Cost: one pass.
pub fn reduced(image: &Image) -> Cow<'_, Image> {
    reduced_from(image, (image.width(), image.height()))
}

/// [`reduced`] for a picture of `width × height` px that was decoded as `image`, at its [`eighths`] or more.
pub fn reduced_from(image: &Image, size: (usize, usize)) -> Cow<'_, Image> {
    Cancel::uncancelled(|cancel| reduced_until(image, size, cancel))
}

/// Same as [`reduced_from`], and stops once `cancel` is set.
pub(in crate::features) fn reduced_until<'a>(
    image: &'a Image,
    (width, height): (usize, usize),
    cancel: &Cancel,
) -> Result<Cow<'a, Image>, Cancelled> {
    let n = eighths(width, height);
    let (width, height) = ((width * n).div_ceil(8), (height * n).div_ceil(8));
    if (image.width(), image.height()) == (width, height) {
        return Ok(Cow::Borrowed(image));
    }
    area_resize_with_alpha_until(image, width, height, cancel).map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn only_large_pictures_are_reduced_and_never_below_half_a_thousand() {
        assert_eq!([1, 700, 1024].map(|side| eighths(side, 7)), [8, 8, 8]);
        assert_eq!([1025, 2048, 4096, 24_000].map(|side| eighths(60, side)), [4, 2, 1, 1]);
        // Pictures of which an eighth of the shorter side would be too little for features.
        assert_eq!([7, 8, 16, 48, 49].map(|side| eighths(24_000, side)), [7, 7, 4, 2, 1]);
        for side in 1025..9000 {
            let n = eighths(side, side);
            assert!((side * n).div_ceil(8) >= 512 && n < 8);
        }
        let image = Image::new(2000, 20, Channels::Grey, vec![7; 40_000], None).unwrap();
        let small = reduced(&image);
        assert_eq!((small.width(), small.height()), (750, 8));
        assert!(small.samples().iter().all(|&v| v == 7));
    }
}
