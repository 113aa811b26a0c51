//! The fingerprint of a picture, to find it again: a digest of its pixels, 64 bits of its coarse shape, and 24 × 24 greys.

use crate::{imaging::Image, restoration::receipt};

use super::thumbnail::shrunk;
use crate::features::luma;

/// Side of the grey thumbnail.
const GREY_SIDE: usize = 24;

/// The fingerprint of a picture: about 700 bytes for a picture of any size.
#[derive(Clone, Debug, PartialEq)]
pub struct Fingerprint {
    /// SHA-256 of the pixels with alpha, hexadecimal.
    pub digest: String,
    /// Difference hash: one bit for each of 8 × 8 places, set if the place is brighter than its right neighbour.
    pub hash: u64,
    /// 24 × 24 greys, rows from the top.
    grey: Vec<u8>,
}

impl Fingerprint {
    /// Takes the fingerprint of a picture. Cost: one pass over the pixels and a SHA-256.
    pub fn of(image: &Image) -> Self {
        let luma = luma(image);
        let (width, height) = (image.width(), image.height());
        let rows = shrunk(&luma, (width, height), (9, 8), 1);
        let bits =
            rows.chunks_exact(9).flat_map(|row| row.windows(2)).map(|pair| u64::from(pair[0] > pair[1]));
        Self {
            digest: receipt::pixels_digest(image),
            hash: bits.fold(0, |hash, bit| hash << 1 | bit),
            grey: shrunk(&luma, (width, height), (GREY_SIDE, GREY_SIDE), 1),
        }
    }

    /// Returns the number of bits in which the coarse shapes differ, 0–64.
    pub fn distance(&self, other: &Self) -> u32 {
        (self.hash ^ other.hash).count_ones()
    }

    /// Returns the correlation of the grey thumbnails, −1 to 1; 0 if either is flat.
    pub fn correlation(&self, other: &Self) -> f64 {
        let mean = |grey: &[u8]| grey.iter().map(|&v| f64::from(v)).sum::<f64>() / grey.len() as f64;
        let (a_mean, b_mean) = (mean(&self.grey), mean(&other.grey));
        let (mut product, mut a_square, mut b_square) = (0.0, 0.0, 0.0);
        for (&a, &b) in self.grey.iter().zip(&other.grey) {
            let (a, b) = (f64::from(a) - a_mean, f64::from(b) - b_mean);
            product += a * b;
            a_square += a * a;
            b_square += b * b;
        }
        let both = (a_square * b_square).sqrt();
        if both > 0.0 { product / both } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    fn picture(width: usize, height: usize, f: impl Fn(f64, f64) -> f64) -> Image {
        let at = |i: usize| f((i % width) as f64 / width as f64, (i / width) as f64 / height as f64) as u8;
        Image::new(width, height, Channels::Grey, (0..width * height).map(at).collect(), None).unwrap()
    }

    fn scene(x: f64, y: f64) -> f64 {
        120.0 + 60.0 * libm::sin(9.0 * x + 2.0 * y) + 50.0 * libm::cos(7.0 * y - 3.0 * x)
    }

    #[test]
    fn another_size_and_contrast_is_near_and_another_scene_is_far() {
        let a = Fingerprint::of(&picture(200, 150, scene));
        let b = Fingerprint::of(&picture(96, 64, |x, y| 40.0 + 0.5 * scene(x, y)));
        let c = Fingerprint::of(&picture(200, 150, |x, y| scene(y, 1.0 - x)));
        assert!(a.distance(&b) <= 4 && a.correlation(&b) > 0.99, "{} {}", a.distance(&b), a.correlation(&b));
        assert!(a.correlation(&c) < 0.8 && a.distance(&c) > 12);
        assert_ne!(a.digest, b.digest);
    }

    #[test]
    fn a_flat_picture_is_like_nothing() {
        let flat = Fingerprint::of(&picture(30, 30, |_, _| 7.0));
        assert_eq!((flat.hash, flat.correlation(&flat)), (0, 0.0));
        // Brighter than the right neighbour everywhere.
        assert_eq!(Fingerprint::of(&picture(90, 80, |x, _| 250.0 - 200.0 * x)).hash, u64::MAX);
    }
}
