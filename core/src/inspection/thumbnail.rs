//! Reduces pictures by averaging boxes of pixels, for fingerprints and for pages.

use crate::imaging::Image;

/// Returns `to.0 × to.1` pixels, each the rounded mean of a box of whole pixels of `samples`: `from.1` rows of `from.0` pixels
/// of `step` channels. Enlarging repeats pixels.
pub(super) fn shrunk(samples: &[u8], from: (usize, usize), to: (usize, usize), step: usize) -> Vec<u8> {
    let part = |k: usize, n: usize, parts: usize| {
        let first = k * n / parts;
        first..((k + 1) * n / parts).max(first + 1)
    };
    let mut out = Vec::with_capacity(to.0 * to.1 * step);
    for y in 0..to.1 {
        let rows = part(y, from.1, to.1);
        let mut sums = vec![0u64; to.0 * step];
        for row in rows.clone() {
            let row = &samples[row * from.0 * step..][..from.0 * step];
            for x in 0..to.0 {
                for column in part(x, from.0, to.0) {
                    (0..step).for_each(|c| sums[x * step + c] += u64::from(row[column * step + c]));
                }
            }
        }
        for (x, sums) in sums.chunks_exact(step).enumerate() {
            let n = (rows.len() * part(x, from.0, to.0).len()) as u64;
            out.extend(sums.iter().map(|sum| ((sum + n / 2) / n) as u8));
        }
    }
    out
}

/// Returns a copy of `image` with a longest side of at most `side_max` pixels. Alpha is dropped.
///
/// # Panics
/// When `side_max` is zero.
pub fn thumbnail(image: &Image, side_max: usize) -> Image {
    assert!(side_max > 0, "a thumbnail has pixels");
    let (width, height) = (image.width(), image.height());
    let longest = width.max(height).max(side_max);
    let side = |n: usize| (n * side_max / longest).max(1);
    let to = if longest == side_max { (width, height) } else { (side(width), side(height)) };
    let samples = shrunk(image.samples(), (width, height), to, image.channels().count());
    Image::new(to.0, to.1, image.channels(), samples, None).expect("sides of at least a pixel")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn a_half_is_the_rounded_mean_of_four() {
        assert_eq!(shrunk(&[1, 2, 9, 9, 4, 8, 9, 10], (4, 2), (2, 1), 1), [4, 9]);
        assert_eq!(shrunk(&[1, 2], (2, 1), (4, 2), 1), [1, 1, 2, 2, 1, 1, 2, 2]);
    }

    #[test]
    fn proportions_are_kept_and_small_pictures_stay() {
        let image = Image::new(300, 20, Channels::Rgb, vec![9; 18000], None).unwrap();
        let small = thumbnail(&image, 100);
        assert_eq!((small.width(), small.height()), (100, 6));
        assert_eq!(thumbnail(&small, 100), small);
        assert_eq!(
            thumbnail(&Image::new(3000, 1, Channels::Grey, vec![0; 3000], None).unwrap(), 10).height(),
            1
        );
    }
}
