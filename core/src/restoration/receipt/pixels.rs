//! The digest of a picture's pixels, which does not depend on how they are encoded.

use sha2::{Digest, Sha256};

use crate::{
    cancel::{Cancel, Cancelled},
    digest::{hexadecimal, update_until},
    imaging::Image,
};

/// SHA-256 of a picture as displayed, 64 lower-case hexadecimal digits.
///
/// The hashed bytes are the line `WIDTHxHEIGHTxCHANNELS[+alpha]\n`, the colour samples, and the alpha samples.
pub fn pixels_digest(image: &Image) -> String {
    Cancel::uncancelled(|cancel| pixels_digest_until(image, cancel))
}

/// Same as [`pixels_digest`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set.
pub fn pixels_digest_until(image: &Image, cancel: &Cancel) -> Result<String, Cancelled> {
    let alpha = if image.alpha().is_some() { "+alpha" } else { "" };
    let head = format!("{}x{}x{}{alpha}\n", image.width(), image.height(), image.channels().count());
    let mut hash = Sha256::new();
    hash.update(head);
    update_until(&mut hash, image.samples(), cancel)?;
    update_until(&mut hash, image.alpha().unwrap_or_default(), cancel)?;
    Ok(hexadecimal(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{digest::digest, imaging::Channels};

    #[test]
    fn digests_are_sha256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
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
