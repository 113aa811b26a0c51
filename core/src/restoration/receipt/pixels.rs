//! The digest of a picture's pixels, which does not depend on how they are encoded.

use sha2::{Digest, Sha256};

use crate::{
    cancel::{Cancel, Cancelled},
    digest::{hexadecimal, update_until},
    imaging::{Depth, ImageRef},
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
    let alpha = if image.has_alpha() { "+alpha" } else { "" };
    let depth = if image.depth() == Depth::Sixteen { "x16bit" } else { "" };
    let (width, height) = image.size();
    let mut hash = Sha256::new();
    hash.update(format!("{width}x{height}x{}{alpha}{depth}\n", image.channels().count()));
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

/// Samples of 16 bits that are hashed between two looks at the flag.
const SAMPLES_PER_CHECK: usize = 1 << 15;

/// Hashes samples of 16 bits, the high byte first.
fn update_deep_until(hash: &mut Sha256, samples: &[u16], cancel: &Cancel) -> Result<(), Cancelled> {
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
        imaging::{Channels, DeepImage, Image},
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
