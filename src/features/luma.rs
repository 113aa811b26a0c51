//! Luma Y′ of the stored colours (ITU-R BT.601 weights in 15 bit, as OpenCV's `COLOR_BGR2GRAY`).

use rayon::prelude::*;

use crate::imaging::{Channels, Image};

/// Pixels that one task converts.
const PIXELS_PER_TASK: usize = 1 << 16;

/// BT.601 weights of red, green, blue in 1/2¹⁵; their sum is 2¹⁵, so grey stays the same grey.
const WEIGHTS: [u32; 3] = [9798, 19235, 3735];

/// `height · width` samples 0–255: `(9798·R + 19235·G + 3735·B + 16384) >> 15`; a grey picture is its own luma.
pub fn luma(image: &Image) -> Vec<u8> {
    match image.channels() {
        Channels::Grey => image.samples().to_vec(),
        Channels::Rgb => {
            let mut luma = vec![0; image.n_pixels()];
            let parts = image.samples().par_chunks(3 * PIXELS_PER_TASK);
            luma.par_chunks_mut(PIXELS_PER_TASK).zip(parts).for_each(|(luma, samples)| {
                for (luma, p) in luma.iter_mut().zip(samples.as_chunks::<3>().0) {
                    *luma = of(p[0], p[1], p[2]);
                }
            });
            luma
        }
    }
}

fn of(r: u8, g: u8, b: u8) -> u8 {
    let [wr, wg, wb] = WEIGHTS;
    ((wr * u32::from(r) + wg * u32::from(g) + wb * u32::from(b) + 16384) >> 15) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_grey_stays() {
        assert_eq!(WEIGHTS.iter().sum::<u32>(), 1 << 15);
        assert!((0..=255).all(|v| of(v, v, v) == v));
        assert_eq!([of(255, 0, 0), of(0, 255, 0), of(0, 0, 255)], [76, 150, 29]);
    }

    #[test]
    fn tasks_leave_no_pixel_out() {
        let (width, height) = (300, 500);
        let samples: Vec<u8> = (0..width * height * 3).map(|i| (i * i / 7 % 256) as u8).collect();
        let image = Image::new(width, height, Channels::Rgb, samples.clone(), None).unwrap();
        let whole: Vec<u8> = samples.chunks(3).map(|p| of(p[0], p[1], p[2])).collect();
        assert_eq!(luma(&image), whole);
    }
}
