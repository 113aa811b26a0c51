//! Converts between the interleaved samples of containers and [`Image`] with its separate alpha plane.

use std::borrow::Cow;

use crate::imaging::{Channels, Image};

/// Returns the samples per pixel in a container: colours and alpha.
pub(super) const fn samples_per_pixel(channels: Channels, has_alpha: bool) -> usize {
    channels.count() + has_alpha as usize
}

/// Splits `interleaved` (`height·width·(channels + alpha)` bytes) into a picture. `None` when the length is wrong.
pub(super) fn split(
    width: usize,
    height: usize,
    channels: Channels,
    has_alpha: bool,
    interleaved: Vec<u8>,
) -> Option<Image> {
    if !has_alpha {
        return Image::new(width, height, channels, interleaved, None).ok();
    }
    let n = channels.count();
    let mut samples = Vec::with_capacity(width * height * n);
    let mut alpha = Vec::with_capacity(width * height);
    for pixel in interleaved.chunks_exact(n + 1) {
        samples.extend_from_slice(&pixel[..n]);
        alpha.push(pixel[n]);
    }
    Image::new(width, height, channels, samples, Some(alpha)).ok()
}

/// Returns the samples with alpha after the colours of each pixel, as containers store them. Borrowed without alpha.
pub(super) fn interleaved(image: &Image) -> Cow<'_, [u8]> {
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

/// Expands rows of 1-, 2- or 4-bit samples to one byte per sample. Rows are padded to whole bytes; values are not scaled.
pub(super) fn unpack_bits(packed: &[u8], width: usize, height: usize, bits: usize) -> Vec<u8> {
    let per_byte = 8 / bits;
    let mask = ((1u16 << bits) - 1) as u8;
    let stride = width.div_ceil(per_byte);
    let mut out = Vec::with_capacity(width * height);
    for row in packed.chunks_exact(stride).take(height) {
        out.extend((0..width).map(|x| (row[x / per_byte] >> (8 - bits * (x % per_byte + 1))) & mask));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_undoes_interleaving() {
        let image = Image::new(2, 1, Channels::Rgb, vec![1, 2, 3, 4, 5, 6], Some(vec![7, 8])).unwrap();
        let mixed = interleaved(&image).into_owned();
        assert_eq!(mixed, [1, 2, 3, 7, 4, 5, 6, 8]);
        assert_eq!(split(2, 1, Channels::Rgb, true, mixed), Some(image));
        assert_eq!(split(2, 2, Channels::Grey, false, vec![0; 3]), None);
    }

    #[test]
    fn bits_come_out_from_the_left() {
        assert_eq!(unpack_bits(&[0b1010_0000, 0b0100_0000], 3, 2, 1), [1, 0, 1, 0, 1, 0]);
        assert_eq!(unpack_bits(&[0x1F, 0x20], 3, 1, 4), [1, 15, 2]);
        assert_eq!(unpack_bits(&[0b11_01_00_10], 4, 1, 2), [3, 1, 0, 2]);
    }
}
