//! Converts between the interleaved samples of containers and [`Image`] with its separate alpha plane.

use std::borrow::Cow;

use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{Channels, DeepImage, Image, Sample},
};

/// The pixels of a file, as deep as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum StoredImage {
    /// 8 bits per sample.
    Eight(Image),
    /// 16 bits per sample.
    Sixteen(DeepImage),
}

impl From<Image> for StoredImage {
    fn from(image: Image) -> Self {
        StoredImage::Eight(image)
    }
}

impl From<DeepImage> for StoredImage {
    fn from(image: DeepImage) -> Self {
        StoredImage::Sixteen(image)
    }
}

/// Returns the samples per pixel in a container: colours and alpha.
pub(super) const fn samples_per_pixel(channels: Channels, has_alpha: bool) -> usize {
    channels.count() + has_alpha as usize
}

/// Splits `interleaved` (`height·width·(channels + alpha)` samples) into a picture. `None` when the length is wrong.
pub(super) fn split<S: Sample>(
    width: usize,
    height: usize,
    channels: Channels,
    has_alpha: bool,
    mut interleaved: Vec<S>,
    cancel: &Cancel,
) -> Result<Option<Image<S>>, Cancelled> {
    if !has_alpha {
        return Ok(Image::of(width, height, channels, interleaved, None).ok());
    }
    let alpha = match channels {
        Channels::Grey => take_alpha::<1, 2, S>(&mut interleaved, cancel)?,
        Channels::Rgb => take_alpha::<3, 4, S>(&mut interleaved, cancel)?,
    };
    Ok(Image::of(width, height, channels, interleaved, Some(alpha)).ok())
}

/// Pixels that are split between two looks at the flag: less than a millisecond.
const PIXELS_PER_CHECK: usize = 1 << 16;

/// Takes the alpha samples out of a buffer, which keeps the `N` colours of each pixel; `M` is one more than `N`. The colours
/// move to the front of the buffer, so only alpha takes new memory. The rest of the buffer is given back.
fn take_alpha<const N: usize, const M: usize, S: Sample>(
    interleaved: &mut Vec<S>,
    cancel: &Cancel,
) -> Result<Vec<S>, Cancelled> {
    let n_pixels = interleaved.len() / M;
    let mut alpha = Vec::with_capacity(n_pixels);
    for first in (0..n_pixels).step_by(PIXELS_PER_CHECK) {
        cancel.check()?;
        for i in first..n_pixels.min(first + PIXELS_PER_CHECK) {
            let mut pixel = [S::default(); M];
            pixel.copy_from_slice(&interleaved[i * M..][..M]);
            interleaved[i * N..][..N].copy_from_slice(&pixel[..N]);
            alpha.push(pixel[N]);
        }
    }
    interleaved.truncate(n_pixels * N);
    interleaved.shrink_to_fit();
    Ok(alpha)
}

/// Splits a row of interleaved pixels into `n` colours per pixel (1 or 3) and alpha.
pub(super) fn split_row(mixed: &[u8], n: usize, colours: &mut [u8], alpha: &mut [u8]) {
    match n {
        1 => split_pixels::<1, 2>(mixed, colours, alpha),
        _ => split_pixels::<3, 4>(mixed, colours, alpha),
    }
}

fn split_pixels<const N: usize, const M: usize>(mixed: &[u8], colours: &mut [u8], alpha: &mut [u8]) {
    let colours = colours.as_chunks_mut::<N>().0;
    for ((pixel, colour), alpha) in mixed.as_chunks::<M>().0.iter().zip(colours).zip(alpha) {
        colour.copy_from_slice(&pixel[..N]);
        *alpha = pixel[N];
    }
}

/// Returns the samples with alpha after the colours of each pixel, as containers store them. Borrowed without alpha.
pub(super) fn interleaved<S: Sample>(image: &Image<S>) -> Cow<'_, [S]> {
    let Some(alpha) = image.alpha() else { return Cow::Borrowed(image.samples()) };
    let n = image.channels().count();
    let mut out = Vec::with_capacity(alpha.len() * (n + 1));
    for (pixel, &a) in image.samples().chunks_exact(n).zip(alpha) {
        out.extend_from_slice(pixel);
        out.push(a);
    }
    Cow::Owned(out)
}

/// Returns the picture as RGB, for containers without grey. Borrowed when it is RGB already.
pub(super) fn as_rgb(image: &Image) -> Cow<'_, Image> {
    match image.channels() {
        Channels::Rgb => Cow::Borrowed(image),
        Channels::Grey => Cow::Owned(image.to_rgb()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_undoes_interleaving() {
        let image = Image::new(2, 1, Channels::Rgb, vec![1, 2, 3, 4, 5, 6], Some(vec![7, 8])).unwrap();
        let mixed = interleaved(&image).into_owned();
        assert_eq!(mixed, [1, 2, 3, 7, 4, 5, 6, 8]);
        assert_eq!(split(2, 1, Channels::Rgb, true, mixed, &Cancel::never()), Ok(Some(image)));
        assert_eq!(split(2, 2, Channels::Grey, false, vec![0u8; 3], &Cancel::never()), Ok(None));
    }
}
