//! What features are taken of: a large picture is reduced first, by eighths, because a JPEG can be decoded at them.

use std::borrow::Cow;

use crate::imaging::{Image, operators::area_resize::area_resize};

/// Pictures of a longer side are reduced.
pub const SIDE_MAX_PX: usize = 1024;
/// To a longest side of at least this.
const REDUCED_SIDE_PX: usize = 512;

/// Eighths of its size to which a picture is reduced before features are taken of it: 8 (as it is) up to a longest side
/// of 1024 px, else the least that keeps 512 px.
pub fn eighths(width: usize, height: usize) -> usize {
    let side = width.max(height);
    if side <= SIDE_MAX_PX {
        return 8;
    }
    (1..8).find(|n| (side * n).div_ceil(8) >= REDUCED_SIDE_PX).unwrap_or(8)
}

/// The picture that features are taken of: itself, or its area average at [`eighths`] of its size, sides rounded up.
/// Cost: one pass.
pub fn reduced(image: &Image) -> Cow<'_, Image> {
    let (width, height) = (image.width(), image.height());
    match eighths(width, height) {
        8 => Cow::Borrowed(image),
        n => Cow::Owned(area_resize(image, (width * n).div_ceil(8), (height * n).div_ceil(8))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn only_large_pictures_are_reduced_and_never_below_half_a_thousand() {
        assert_eq!([1, 700, 1024].map(|side| eighths(side, 7)), [8, 8, 8]);
        assert_eq!([1025, 2048, 4096, 24_000].map(|side| eighths(9, side)), [4, 2, 1, 1]);
        for side in 1025..9000 {
            let n = eighths(side, side);
            assert!((side * n).div_ceil(8) >= 512 && n < 8);
        }
        let image = Image::new(2000, 8, Channels::Grey, vec![7; 16_000], None).unwrap();
        let small = reduced(&image);
        assert_eq!((small.width(), small.height()), (750, 3));
        assert!(small.samples().iter().all(|&v| v == 7));
    }
}
