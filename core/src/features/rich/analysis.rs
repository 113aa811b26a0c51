//! The analysis picture: a reduced copy of at most 256 px a side. Most families of features measure this copy, so their
//! cost does not depend on the size of the input.

use super::counts::ValueCounts;
use crate::{
    cancel::{Cancel, Cancelled},
    features::luma,
    imaging::{Channels, Image, alpha, operators::area_resize::area_resize_with_alpha_until},
};

/// Longest side of the analysis picture, in pixels.
const SIDE_MAX_PX: usize = 256;

/// A picture reduced by area averaging until its longer side is at most 256 px, split into planes. It is never
/// enlarged. The shorter side is rounded, and at least 1 px.
pub(super) struct AnalysisPicture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Red, green and blue; a grey picture has three equal planes.
    pub(super) planes: [Vec<u8>; 3],
    pub(super) luma: Vec<u8>,
    /// The alpha of the pixels, by which they weigh; some are not 0. `None` where all weigh the same. Planes and luma have the colours
    /// that are seen.
    pub(super) weights: Option<Vec<u8>>,
    /// Counts of the values of each plane.
    pub(super) counts: [ValueCounts; 3],
    pub(super) luma_counts: ValueCounts,
}

impl AnalysisPicture {
    pub(super) fn of(image: &Image, cancel: &Cancel) -> Result<Self, Cancelled> {
        let longest = image.width().max(image.height());
        if longest <= SIDE_MAX_PX {
            return Ok(Self::split(image));
        }
        let side = |n: usize| ((n * SIDE_MAX_PX + longest / 2) / longest).max(1);
        let reduced = area_resize_with_alpha_until(image, side(image.width()), side(image.height()), cancel)?;
        Ok(Self::split(&alpha::seen(&reduced)))
    }

    /// Splits a picture that is small enough and has the colours that are seen.
    fn split(image: &Image) -> Self {
        let planes = planes(image);
        let luma = luma(image);
        let weights = alpha::weights(image).map(<[u8]>::to_vec);
        let counts = [0, 1, 2].map(|c: usize| ValueCounts::weighed(&planes[c], weights.as_deref()));
        let luma_counts = ValueCounts::weighed(&luma, weights.as_deref());
        Self { width: image.width(), height: image.height(), planes, luma, weights, counts, luma_counts }
    }

    /// Returns the pixels as red, green, blue, row by row.
    pub(super) fn pixels(&self) -> impl Iterator<Item = [u8; 3]> {
        let [red, green, blue] = &self.planes;
        red.iter().zip(green).zip(blue).map(|((&r, &g), &b)| [r, g, b])
    }
}

/// Returns red, green and blue; a grey picture gives three equal planes.
pub(super) fn planes(image: &Image) -> [Vec<u8>; 3] {
    match image.channels() {
        Channels::Grey => [0, 1, 2].map(|_| image.samples().to_vec()),
        Channels::Rgb => {
            let mut planes = [0, 1, 2].map(|_| vec![0; image.n_pixels()]);
            let [red, green, blue] = &mut planes;
            let pixels = image.samples().as_chunks::<3>().0;
            for (((r, g), b), pixel) in red.iter_mut().zip(green).zip(blue).zip(pixels) {
                [*r, *g, *b] = *pixel;
            }
            planes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_side_is_256_at_most() {
        let sides = |w, h| {
            let analysis = AnalysisPicture::of(
                &Image::new(w, h, Channels::Grey, vec![3; w * h], None).unwrap(),
                &Cancel::never(),
            )
            .unwrap();
            assert_eq!(analysis.luma, vec![3; analysis.width * analysis.height]);
            (analysis.width, analysis.height)
        };
        assert_eq!(sides(768, 512), (256, 171));
        assert_eq!(sides(300, 1000), (77, 256));
        assert_eq!(sides(256, 9), (256, 9));
        assert_eq!(sides(7, 4000), (1, 256));
    }
}
