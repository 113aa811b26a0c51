//! The digest of a picture's pixels, which does not depend on how they are encoded.

use sha2::{Digest, Sha256};

use crate::{
    cancel::{Cancel, Cancelled},
    digest::{hexadecimal, update_until},
    imaging::{Channels, Depth, ImageRef},
};

/// SHA-256 of a picture as displayed, 64 lower-case hexadecimal digits.
///
/// The hashed bytes are the line `WIDTHxHEIGHTxCHANNELS[+alpha][x16bit]\n`, the colour samples, and the alpha samples. With
/// `x16bit` each sample is two bytes, the high byte first.
pub fn pixels_digest<'a>(image: impl Into<ImageRef<'a>>) -> String {
    let image = image.into();
    Cancel::uncancelled(|cancel| pixels_digest_until(image, cancel))
}

/// Same as [`pixels_digest`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
pub fn pixels_digest_until<'a>(image: impl Into<ImageRef<'a>>, cancel: &Cancel) -> Result<String, Cancelled> {
    let image = image.into();
    let mut hash = Sha256::new();
    hash.update(head(image.size(), image.channels(), image.has_alpha(), image.depth()));
    match image {
        ImageRef::Eight(image) => {
            update_until(&mut hash, image.samples(), cancel)?;
            update_until(&mut hash, image.alpha().unwrap_or_default(), cancel)?;
        }
        ImageRef::Sixteen(image) => {
            update_deep_until(&mut hash, image.samples(), cancel)?;
            update_deep_until(&mut hash, image.alpha().unwrap_or_default(), cancel)?;
        }
    }
    Ok(hexadecimal(&hash.finalize()))
}

/// The digest of a picture whose rows come one after the other. It is that of [`pixels_digest`].
pub(in crate::restoration) struct PixelsHash {
    hash: Sha256,
    /// Bytes of an opaque alpha plane.
    alpha_bytes: u64,
}

impl PixelsHash {
    /// Begins the digest of a picture, whose alpha is opaque if it has alpha.
    pub(in crate::restoration) fn new(
        (width, height): (usize, usize),
        channels: Channels,
        has_alpha: bool,
        depth: Depth,
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(head((width, height), channels, has_alpha, depth));
        let alpha = if has_alpha { depth.bytes() as u64 } else { 0 };
        Self { hash, alpha_bytes: width as u64 * height as u64 * alpha }
    }

    /// The digest of the colours so far.
    pub(in crate::restoration) fn hash(&mut self) -> &mut Sha256 {
        &mut self.hash
    }

    /// Ends the digest, after all rows.
    pub(in crate::restoration) fn finish(mut self, cancel: &Cancel) -> Result<String, Cancelled> {
        let opaque = [255; 1 << 16];
        while self.alpha_bytes > 0 {
            let n = self.alpha_bytes.min(opaque.len() as u64);
            update_until(&mut self.hash, &opaque[..n as usize], cancel)?;
            self.alpha_bytes -= n;
        }
        Ok(hexadecimal(&self.hash.finalize()))
    }
}

/// The line before the samples.
fn head((width, height): (usize, usize), channels: Channels, has_alpha: bool, depth: Depth) -> String {
    let alpha = if has_alpha { "+alpha" } else { "" };
    let bits = if depth == Depth::Sixteen { "x16bit" } else { "" };
    format!("{width}x{height}x{}{alpha}{bits}\n", channels.count())
}

/// Samples of 16 bits that are hashed between two looks at the flag.
const SAMPLES_PER_CHECK: usize = 1 << 15;

/// Hashes samples of 16 bits, the high byte first.
pub(in crate::restoration) fn update_deep_until(
    hash: &mut Sha256,
    samples: &[u16],
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    let mut bytes = vec![0; 2 * SAMPLES_PER_CHECK.min(samples.len())];
    for samples in samples.chunks(SAMPLES_PER_CHECK) {
        let bytes = &mut bytes[..2 * samples.len()];
        for (bytes, v) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
            *bytes = v.to_be_bytes();
        }
        update_until(hash, bytes, cancel)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::digest,
        imaging::{DeepImage, Image},
    };

    #[test]
    fn digests_are_sha256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_digest_of_16_bits_is_of_high_bytes_first() {
        let image = DeepImage::of(1, 1, Channels::Rgb, vec![0x0102, 3, 0xFFFE], Some(vec![0x0405])).unwrap();
        let hashed = b"1x1x3+alphax16bit\n\x01\x02\0\x03\xFF\xFE\x04\x05";
        assert_eq!(pixels_digest(&image), digest(hashed));
        let alone = Image::new(1, 1, Channels::Grey, vec![7], None).unwrap();
        assert_eq!(pixels_digest(&alone), digest(b"1x1x1\n\x07"));
        assert_ne!(pixels_digest(&alone), pixels_digest(&alone.widened()));
    }

    #[test]
    fn the_pixel_digest_tells_shapes_apart() {
        let image = |w, h, c, alpha: Option<Vec<u8>>| Image::new(w, h, c, vec![5; 6], alpha).unwrap();
        let digests = [
            pixels_digest(&image(2, 1, Channels::Rgb, None)),
            pixels_digest(&image(1, 2, Channels::Rgb, None)),
            pixels_digest(&image(6, 1, Channels::Grey, None)),
            pixels_digest(&image(2, 1, Channels::Rgb, Some(vec![0, 0]))),
        ];
        for (i, a) in digests.iter().enumerate() {
            assert!(digests[i + 1..].iter().all(|b| a != b));
        }
    }
}
