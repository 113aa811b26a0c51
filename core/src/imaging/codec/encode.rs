//! Pictures to bytes, and other metadata for coded pictures.

#[cfg(feature = "avif-encode")]
use super::avif_write;
use super::{
    bmp, carry,
    decode::metadata_of,
    encoding::{Encoding, QUALITY_DEFAULT},
    error::EncodeError,
    format::Format,
    jpeg, jxl_write,
    limits::Limits,
    metadata::Metadata,
    notes::{NoteKind, Notes},
    png, tiff, webp,
};
use crate::{
    cancel::Cancel,
    imaging::{Channels, Depth, ImageRef},
};

/// Encodes a picture with the parts of the metadata that the container can hold. Texts, comments and the resolution move to where
/// the container has a place for them.
///
/// Grey becomes RGB in WebP; grey with alpha becomes RGB in BMP, and with 16 bits in JPEG XL. A profile for grey, which no longer
/// fits, is then left out. A picture with 16 bits keeps them in PNG, TIFF and JPEG XL, and 10 of them in AVIF; for the other formats
/// the caller narrows it first.
///
/// # Errors
/// Every variant of [`EncodeError`]. A quality out of 1–100 is an error for every format.
pub fn encode<'a>(
    image: impl Into<ImageRef<'a>>,
    metadata: &Metadata,
    encoding: &Encoding,
) -> Result<Vec<u8>, EncodeError> {
    encode_within(image, metadata, encoding, u64::MAX, &Cancel::never(), &mut Notes::default())
}

/// Same as [`encode`], and stops once `cancel` is set or the file gets longer than `bytes_max`. Adds to `notes` what the container
/// has no place for.
///
/// # Errors
/// Same errors as [`encode`], [`EncodeError::TooManyBytes`] and [`EncodeError::Cancelled`].
pub fn encode_within<'a>(
    image: impl Into<ImageRef<'a>>,
    metadata: &Metadata,
    encoding: &Encoding,
    bytes_max: u64,
    cancel: &Cancel,
    notes: &mut Notes,
) -> Result<Vec<u8>, EncodeError> {
    let image = image.into();
    cancel.check()?;
    if let Some(got) = encoded_bytes(encoding.format, image.size(), image.channels(), image.has_alpha()) {
        check_length(got, bytes_max)?;
    }
    let bytes = encode_any(image, metadata, encoding, bytes_max, cancel, notes)?;
    check_length(bytes.len() as u64, bytes_max)?;
    cancel.check()?;
    Ok(bytes)
}

/// Refuses an output of `got` bytes if that is more than `max`.
///
/// # Errors
/// [`EncodeError::TooManyBytes`].
pub(crate) fn check_length(got: u64, max: u64) -> Result<(), EncodeError> {
    if got > max { Err(EncodeError::TooManyBytes { got, max }) } else { Ok(()) }
}

/// Returns the length of a file without an ICC profile, if the format and the shape of the picture determine it: that of a BMP.
pub(crate) fn encoded_bytes(
    format: Format,
    size: (usize, usize),
    channels: Channels,
    has_alpha: bool,
) -> Option<u64> {
    (format == Format::Bmp).then(|| bmp::encoded_bytes(size, channels, has_alpha))
}

/// Encodes by the format.
fn encode_any(
    image: ImageRef,
    metadata: &Metadata,
    encoding: &Encoding,
    bytes_max: u64,
    cancel: &Cancel,
    notes: &mut Notes,
) -> Result<Vec<u8>, EncodeError> {
    let quality = encoding.quality.unwrap_or(QUALITY_DEFAULT);
    if !(1..=100).contains(&quality) {
        return Err(EncodeError::Quality { got: quality });
    }
    let metadata = carry::fitted(metadata, image, encoding.format, notes);
    match (encoding.format, image) {
        (Format::Png, _) => png::encode(image, &metadata, bytes_max, cancel),
        (Format::Tiff, ImageRef::Eight(image)) => tiff::encode(image, &metadata),
        (Format::Tiff, ImageRef::Sixteen(image)) => tiff::encode(image, &metadata),
        (Format::Jpeg, ImageRef::Eight(image)) => {
            jpeg::encode(image, quality, encoding.subsampling, &metadata)
        }
        (Format::WebP, ImageRef::Eight(image)) => {
            let coded = webp::encode(image, encoding.lossless, quality)?;
            webp::with_metadata(&coded, &metadata)
        }
        (Format::Bmp, ImageRef::Eight(image)) => bmp::encode(image, &metadata),
        (Format::Jxl, _) => jxl_write::encode(image, &metadata),
        #[cfg(feature = "avif-encode")]
        (Format::Avif, _) => {
            if image.depth() == Depth::Sixteen {
                notes.add(NoteKind::Converted, "16 bits per sample: AVIF is written with 10");
            }
            avif_write::encode(image, quality, &metadata)
        }
        #[cfg(not(feature = "avif-encode"))]
        (Format::Avif, _) => Err(EncodeError::NotWritten { format: Format::Avif }),
        (format @ (Format::Gif | Format::Jp2), _) => Err(EncodeError::NotWritten { format }),
        (format, ImageRef::Sixteen(_)) => Err(EncodeError::TooDeep { format }),
    }
}

/// Rewrites the container of a JPEG, PNG or WebP file with other metadata. The coded pixels stay the same. `None` for TIFF,
/// BMP, JPEG XL, AVIF, formats that are not written and unknown ones.
///
/// The pixels are not turned, so the orientation of `bytes` stays, and that of `metadata` is ignored. What [`Metadata`] has no field
/// for is left out.
///
/// # Errors
/// When the container is broken or a block of metadata does not fit into it.
pub fn replace_metadata(bytes: &[u8], metadata: &Metadata) -> Option<Result<Vec<u8>, EncodeError>> {
    let format = Format::sniff(bytes)?;
    let rewrite = match format {
        Format::Jpeg => jpeg::with_metadata,
        Format::Png => png::with_metadata,
        Format::WebP => webp::with_metadata,
        Format::Tiff | Format::Bmp | Format::Jxl | Format::Avif | Format::Gif | Format::Jp2 => return None,
    };
    let metadata = metadata.clone().with_orientation(
        metadata_of(format, bytes, &Limits::default(), &mut Notes::default()).orientation(),
    );
    Some(rewrite(bytes, &metadata))
}

/// Returns the encoder of a format with its versions, for receipts. The same words promise the same bytes.
pub fn encoder_version(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "libjpeg-turbo 3.1.0 / turbojpeg 1.5.1",
        Format::Png => "png 0.18.1 / image 0.25.10",
        Format::WebP => "libwebp 1.6.0 / libwebp-sys 0.14.4; lossless image-webp 0.2.4",
        Format::Tiff => "tiff 0.11.3",
        Format::Bmp => "image 0.25.10",
        Format::Jxl => "zune-jpegxl 0.5.2",
        Format::Avif => "rav1e 0.8.1",
        Format::Gif | Format::Jp2 => "none",
    }
}

/// Returns whether receipts of earlier builds of this release name this encoder, which today's encoder replaces. The new
/// encoder may write other bytes for the same pixels.
pub fn is_replaced_encoder(version: &str) -> bool {
    version == "libwebp 1.3.1 / webp 0.3.1; lossless image-webp 0.2.4"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The version of a crate in the lock file. The crate must be there once.
    fn locked(name: &str) -> String {
        let lock = include_str!("../../../../Cargo.lock");
        let head = format!("name = \"{name}\"\nversion = \"");
        let mut found = lock.split(&head).skip(1).map(|rest| rest.split('"').next().unwrap());
        let version = found.next().expect(name).to_owned();
        assert_eq!(found.next(), None, "{name} is locked twice");
        version
    }

    #[test]
    fn encoder_versions_are_those_of_the_lock_file() {
        let crates: [(Format, &[&str]); 7] = [
            (Format::Jpeg, &["turbojpeg"]),
            (Format::Png, &["png", "image"]),
            (Format::WebP, &["libwebp-sys", "image-webp"]),
            (Format::Tiff, &["tiff"]),
            (Format::Bmp, &["image"]),
            (Format::Jxl, &["zune-jpegxl"]),
            (Format::Avif, &["rav1e"]),
        ];
        for (format, names) in crates {
            for name in names {
                let expected = format!("{name} {}", locked(name));
                assert!(encoder_version(format).contains(&expected), "{format}: {expected}");
            }
        }
        // The C libraries inside: libjpeg-turbo 3.1.0 in turbojpeg-sys 1.2.0, libwebp 1.6.0 in libwebp-sys 0.14.4.
        assert_eq!((locked("turbojpeg-sys").as_str(), locked("libwebp-sys").as_str()), ("1.2.0", "0.14.4"));
    }
}
