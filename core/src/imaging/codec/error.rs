//! Errors of decoding and encoding.

use thiserror::Error;

use super::{format::Format, help};
use crate::cancel::Cancelled;

/// Reason why bytes cannot be decoded. Messages name the limit that was exceeded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Bytes whose beginning names no known format.
    #[error("the bytes are none of JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG XL, AVIF and JPEG 2000")]
    UnknownFormat,
    /// A file of a known kind that is not read.
    #[error("this is {kind}, which is not read: {help}")]
    NotRead {
        /// The kind with its article.
        kind: &'static str,
        /// What to send instead.
        help: &'static str,
    },
    /// A file that is too long.
    #[error("the file has {got} bytes; at most {max} are read")]
    TooManyBytes {
        /// Length of the file in bytes.
        got: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A header with too many pixels.
    #[error("the picture has {width}×{height} pixels; at most {max} pixels are decoded")]
    TooManyPixels {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The limit in pixels.
        max: u64,
    },
    /// A picture that takes too much memory to decode.
    #[error("decoding takes about {needed} bytes of memory; at most {max} may be taken")]
    TooMuchMemory {
        /// The estimate in bytes.
        needed: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A valid file with a property that decoding would lose.
    #[error("this {format} file has {property}, which is not supported{}", helping(property, *help))]
    Unsupported {
        /// The file's format.
        format: Format,
        /// The property, a noun.
        property: String,
        /// What would help. `None` says what helps with the property in general.
        help: Option<&'static str>,
    },
    /// A file that violates its format or ends too early.
    #[error("this {format} file is broken: {reason}")]
    Broken {
        /// The format that the first bytes name.
        format: Format,
        /// The violation.
        reason: String,
    },
    /// A page that the file does not have.
    #[error("there is no page {got}: the file has {}", said_pages(*pages))]
    NoSuchPage {
        /// The page asked for.
        got: u32,
        /// Number of pages of the file.
        pages: u32,
    },
    /// A file with too many pages.
    #[error("the file has {got} pages; at most {max} are restored, and page restores one of them")]
    TooManyPages {
        /// Number of pages.
        got: u32,
        /// The limit.
        max: u32,
    },
    /// A file whose pages have too many pixels together.
    #[error(
        "the pages have {got} pixels together; at most {max} are restored, and page restores one of them"
    )]
    TooManyPagePixels {
        /// Number of pixels.
        got: u64,
        /// The limit.
        max: u64,
    },
    /// The caller cancelled the work.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A number of pages in words.
fn said_pages(pages: u32) -> String {
    match pages {
        1 => "1 page".to_owned(),
        n => format!("{n} pages"),
    }
}

/// Reason why a picture cannot be encoded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EncodeError {
    /// A picture with alpha, which JPEG cannot hold.
    #[error("the picture has alpha, which JPEG cannot hold: ask for PNG, WebP or TIFF")]
    AlphaIntoJpeg,
    /// A picture with 16 bits per sample, which the format cannot hold.
    #[error("the picture has 16 bits per sample, which {format} cannot hold: ask for PNG or TIFF")]
    TooDeep {
        /// The format asked for.
        format: Format,
    },
    /// A format that is only read.
    #[error("{format} is not written; these are: {}", super::format::FORMAT_NAMES)]
    NotWritten {
        /// The format asked for.
        format: Format,
    },
    /// A side that is shorter than the encoder takes.
    #[error("{width}×{height} is too small for {format}: a side has at least {min} pixels")]
    TooSmall {
        /// The format asked for.
        format: Format,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The shortest side of the encoder.
        min: usize,
    },
    /// A side that is longer than the format allows.
    #[error("{width}×{height} is too large for {format}: a side has at most {max} pixels")]
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
    /// A coded picture that is longer than the caller allows.
    #[error("the output takes {got} bytes or more; at most {max} are written")]
    TooManyBytes {
        /// Length in bytes: of the whole output where it is known, else what was coded when the limit was passed.
        got: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A quality out of 1–100.
    #[error("quality {got} is outside 1 to 100")]
    Quality {
        /// The quality asked for.
        got: u8,
    },
    /// A block of metadata that is longer than the format can hold. It is not left out silently: the caller decides. Stripped
    /// metadata always fits.
    #[error(
        "the {block} of {got} bytes does not fit into {format}, which holds {max}; metadata=strip leaves it out"
    )]
    MetadataTooLarge {
        /// The format asked for.
        format: Format,
        /// Name of the block.
        block: &'static str,
        /// Length of the block in bytes.
        got: usize,
        /// Length in bytes of the longest block that the format can hold.
        max: usize,
    },
    /// A failure of the encoder.
    #[error("encoding {format} failed: {reason}")]
    Failed {
        /// The format asked for.
        format: Format,
        /// Message of the encoder.
        reason: String,
    },
    /// The caller cancelled the work.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What would help, as the end of a message.
fn helping(property: &str, help: Option<&str>) -> String {
    help.or(help::with(property)).map(|help| format!(": {help}")).unwrap_or_default()
}

/// Makes a [`DecodeError::Broken`].
pub(super) fn broken(format: Format, reason: impl ToString) -> DecodeError {
    DecodeError::Broken { format, reason: reason.to_string() }
}

/// Makes a [`DecodeError::Unsupported`].
pub(super) fn unsupported(format: Format, property: impl ToString) -> DecodeError {
    DecodeError::Unsupported { format, property: property.to_string(), help: None }
}

/// Makes a [`DecodeError::Unsupported`] that says what would help.
pub(super) fn unsupported_but(format: Format, property: impl ToString, help: &'static str) -> DecodeError {
    DecodeError::Unsupported { format, property: property.to_string(), help: Some(help) }
}

/// Makes the [`DecodeError::Broken`] of a file of which a part is missing, which a lenient caller gets.
pub(super) fn cut_off(format: Format, reason: impl std::fmt::Display) -> DecodeError {
    broken(format, format_args!("{reason}; lenient restores what is there"))
}

/// Makes an [`EncodeError::Failed`].
pub(super) fn failed(format: Format, reason: impl ToString) -> EncodeError {
    EncodeError::Failed { format, reason: reason.to_string() }
}
