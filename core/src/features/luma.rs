//! The plane of luma Y′. [`luma_of`] defines it.

use rayon::prelude::*;

use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{Channels, Image, luma_of},
};

/// Pixels that one task converts.
const PIXELS_PER_TASK: usize = 1 << 16;

/// Returns the luma of `image`: `height · width` samples, 0–255. A grey picture is its own luma. Cost: one pass.
pub fn luma(image: &Image) -> Vec<u8> {
    Cancel::uncancelled(|cancel| luma_until(image, cancel))
}

/// Same as [`luma`], and stops once `cancel` is set.
pub(super) fn luma_until(image: &Image, cancel: &Cancel) -> Result<Vec<u8>, Cancelled> {
    match image.channels() {
        Channels::Grey => Ok(image.samples().to_vec()),
        Channels::Rgb => {
            let mut luma = vec![0; image.n_pixels()];
            let parts = image.samples().par_chunks(3 * PIXELS_PER_TASK);
            luma.par_chunks_mut(PIXELS_PER_TASK).zip(parts).for_each(|(luma, samples)| {
                if cancel.is_cancelled() {
                    return;
                }
                for (luma, &pixel) in luma.iter_mut().zip(samples.as_chunks::<3>().0) {
                    *luma = luma_of(pixel);
                }
            });
            cancel.check()?;
            Ok(luma)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_leave_no_pixel_out() {
        let (width, height) = (300, 500);
        let samples: Vec<u8> = (0..width * height * 3).map(|i| (i * i / 7 % 256) as u8).collect();
        let image = Image::new(width, height, Channels::Rgb, samples.clone(), None).unwrap();
        let whole: Vec<u8> = samples.as_chunks::<3>().0.iter().map(|&p| luma_of(p)).collect();
        assert_eq!(luma(&image), whole);
    }
}
