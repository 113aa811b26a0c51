//! What can go wrong between bytes and pictures.

use thiserror::Error;

use super::format::Format;

/// Bytes that are not turned into a picture, and why. The messages name the limit that was hit.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// No known format begins like this.
    #[error("the bytes are none of JPEG, PNG, WebP, TIFF and BMP")]
    UnknownFormat,
    /// The file is too long.
    #[error("the file has {got} bytes; at most {max} are read")]
    TooManyBytes {
        /// Its length in bytes.
        got: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// The header promises too many pixels.
    #[error("the picture has {width}×{height} pixels; at most {max} pixels are decoded")]
    TooManyPixels {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The limit in pixels.
        max: u64,
    },
    /// The decoder would need too much memory.
    #[error("decoding takes about {needed} bytes of memory; at most {max} may be taken")]
    TooMuchMemory {
        /// The estimate in bytes.
        needed: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A valid file with a property that would not survive.
    #[error("this {format} file has {property}, which is not supported")]
    Unsupported {
        /// The file's format.
        format: Format,
        /// The property, as a noun.
        property: String,
    },
    /// The file contradicts its format, or ends too early.
    #[error("this {format} file is broken: {reason}")]
    Broken {
        /// The format it claims.
        format: Format,
        /// What is wrong.
        reason: String,
    },
}

/// A picture that is not turned into bytes, and why.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EncodeError {
    /// JPEG has no alpha.
    #[error("the picture has alpha, which JPEG cannot hold: ask for PNG, WebP or TIFF")]
    AlphaIntoJpeg,
    /// A side is longer than the format can say.
    #[error("{width}×{height} is too large for {format}, whose sides end at {max} pixels")]
    TooLarge {
        /// The format asked for.
        format: Format,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The longest side of the format.
        max: usize,
    },
    /// The quality is out of range.
    #[error("quality {got} is outside 1 to 100")]
    Quality {
        /// The quality asked for.
        got: u8,
    },
    /// A block of metadata is longer than the format can hold. Dropping it silently would break the promise to
    /// carry it, so the caller decides (stripping always fits).
    #[error(
        "the {block} of {got} bytes does not fit into {format}, which holds {max}; metadata=strip leaves it out"
    )]
    MetadataTooLarge {
        /// The format asked for.
        format: Format,
        /// Which block.
        block: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The longest block of the format.
        max: usize,
    },
    /// The encoder gave up.
    #[error("encoding {format} failed: {reason}")]
    Failed {
        /// The format asked for.
        format: Format,
        /// The encoder's words.
        reason: String,
    },
}

pub(super) fn broken(format: Format, reason: impl ToString) -> DecodeError {
    DecodeError::Broken { format, reason: reason.to_string() }
}

pub(super) fn unsupported(format: Format, property: impl ToString) -> DecodeError {
    DecodeError::Unsupported { format, property: property.to_string() }
}

pub(super) fn failed(format: Format, reason: impl ToString) -> EncodeError {
    EncodeError::Failed { format, reason: reason.to_string() }
}
