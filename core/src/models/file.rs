//! The container of a model file, the same for both kinds of model.
//!
//! ```text
//! PENTIMENTO-MODEL 1\n              the format: 1 for the classic kind, 2 for models of gains
//! SHA-256 of everything after this line, 64 lower-case hexadecimal digits\n
//! gzip of: length of the card in 4 little-endian bytes, card as JSON, model in postcard's wire format
//! ```
//!
//! gzip checks neither its header nor the last bits of its stream, so the digest does. The digest detects damage. A
//! forged file does no harm, because inflation is bounded and everything that is read is checked.

use std::{
    borrow::Cow,
    io::{Read, Write},
};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use thiserror::Error;

use crate::digest::digest;

/// Format of files of the classic kind.
pub const CLASSIC_FORMAT_VERSION: u32 = 1;
/// Format of files of models of gains.
pub const GAIN_FORMAT_VERSION: u32 = 3;

/// The first bytes of every model file.
const MAGIC: &[u8] = b"PENTIMENTO-MODEL ";
/// The first line of a file of the classic kind.
pub(super) const CLASSIC_MAGIC_LINE: &[u8] = b"PENTIMENTO-MODEL 1\n";
/// The first line of a file of a model of gains.
pub(super) const GAIN_MAGIC_LINE: &[u8] = b"PENTIMENTO-MODEL 3\n";

const DIGEST_DIGITS: usize = 64;

/// Level of compression. It is fixed, so that equal models are equal files. Larger levels save 1 % and take several times
/// as long.
const LEVEL: u32 = 6;

/// Operating system "unknown" in RFC 1952: the file does not depend on the system that writes it.
const UNKNOWN_SYSTEM: u8 = 255;

/// The bytes are not a model file that this program can use.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ArtifactError {
    /// The first bytes are not those of a model file.
    #[error("this is not a Pentimento model file")]
    Magic,
    /// The format is of another version.
    #[error(
        "the model file has format {found:?}, this program reads format {CLASSIC_FORMAT_VERSION} (classic models) and \
         {GAIN_FORMAT_VERSION} (models of gains); train the model again with this program"
    )]
    FormatVersion {
        /// Version found.
        found: String,
    },
    /// The file was cut short or altered.
    #[error("the model file is damaged: its digest does not match its content")]
    Digest,
    /// The inflated content is larger than allowed.
    #[error("the model file decodes to more than {max_decoded_bytes} bytes")]
    TooLarge {
        /// The limit given.
        max_decoded_bytes: usize,
    },
    /// The compressed part cannot be inflated.
    #[error("the model file cannot be decompressed: {reason}")]
    Compression {
        /// Message of the decoder.
        reason: String,
    },
    /// The card cannot be read.
    #[error("the model card cannot be read: {reason}")]
    Card {
        /// Description of the fault.
        reason: String,
    },
    /// The model was fitted with another version of smartcore.
    #[error(
        "the model was fitted with smartcore {found}, this program has {needed}: \
         train the model again, or use the program version that fitted it"
    )]
    SmartcoreVersion {
        /// Version found.
        found: String,
        /// Version of this program.
        needed: &'static str,
    },
    /// The model expects features of another schema.
    #[error("the model was fitted on features {found}, this program measures {needed}")]
    FeatureSchema {
        /// Schema found.
        found: String,
        /// Schema that models of this kind use in this program.
        needed: &'static str,
    },
    /// The trees cannot be read.
    #[error("the trees of the model cannot be read: {reason}")]
    Regressors {
        /// Description of the fault.
        reason: String,
    },
    /// The model chooses from a candidate that this program does not know.
    #[error("the model chooses from {name:?}, which is no candidate of this release")]
    Candidate {
        /// Name of the candidate.
        name: String,
    },
}

/// Writes a file: the line `magic`, then the digest, then the compressed `card` and `rest`.
pub(super) fn seal(magic: &[u8], card: &[u8], rest: &[u8]) -> Vec<u8> {
    let card_length = u32::try_from(card.len()).expect("a card is shorter than 4 GiB");
    let builder = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut encoder = builder.write(Vec::new(), Compression::new(LEVEL));
    for part in [&card_length.to_le_bytes()[..], card, rest] {
        encoder.write_all(part).expect("a vector takes every write");
    }
    let compressed = encoder.finish().expect("a vector takes every write");
    [magic, digest(&compressed).as_bytes(), b"\n", &compressed].concat()
}

/// The inflated content of a file.
pub(super) struct Opened<'a> {
    decoded: Cow<'a, [u8]>,
    /// Index of the first byte after the card. The card begins after the 4 bytes of its length.
    card_end: usize,
}

impl<'a> Opened<'a> {
    fn new(decoded: Cow<'a, [u8]>) -> Result<Self, ArtifactError> {
        let cut_short = || ArtifactError::Card { reason: "it is cut short".to_owned() };
        let (length, rest) = decoded.split_first_chunk::<4>().ok_or_else(cut_short)?;
        let card_length = u32::from_le_bytes(*length) as usize;
        if card_length > rest.len() {
            return Err(cut_short());
        }
        Ok(Self { decoded, card_end: 4 + card_length })
    }

    /// Returns the card and the bytes after it.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.decoded[4..self.card_end], &self.decoded[self.card_end..])
    }
}

/// Opens a file that begins with the line `magic` and inflates to at most `max_decoded_bytes`.
pub(super) fn open(
    magic: &[u8],
    bytes: &[u8],
    max_decoded_bytes: usize,
) -> Result<Opened<'static>, ArtifactError> {
    let decoded = inflate(checked_body(magic, bytes)?, max_decoded_bytes)?;
    Opened::new(Cow::Owned(decoded))
}

/// Opens an embedded file, which the build has reduced to its first line and its inflated content.
pub(super) fn open_inflated<'a>(magic: &[u8], bytes: &'a [u8]) -> Result<Opened<'a>, ArtifactError> {
    Opened::new(Cow::Borrowed(bytes.strip_prefix(magic).ok_or(ArtifactError::Magic)?))
}

/// Checks the two lines before the compressed part and returns the compressed part.
fn checked_body<'a>(magic: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], ArtifactError> {
    let rest = match bytes.strip_prefix(magic) {
        Some(rest) => rest,
        None => {
            let version = bytes.strip_prefix(MAGIC).ok_or(ArtifactError::Magic)?;
            let version = version.iter().take(20).take_while(|byte| byte.is_ascii_digit());
            return Err(ArtifactError::FormatVersion {
                found: version.map(|&byte| char::from(byte)).collect(),
            });
        }
    };
    let (expected, rest) = rest.split_at_checked(DIGEST_DIGITS).ok_or(ArtifactError::Digest)?;
    let body = rest.strip_prefix(b"\n").ok_or(ArtifactError::Digest)?;
    if digest(body).as_bytes() == expected { Ok(body) } else { Err(ArtifactError::Digest) }
}

/// Most bytes that one byte of deflate expands to.
const DEFLATE_MOST: usize = 1032;

fn inflate(body: &[u8], max_decoded_bytes: usize) -> Result<Vec<u8>, ArtifactError> {
    let mut decoder = GzDecoder::new(body);
    // gzip ends with the inflated length modulo 2³². As a capacity it saves copies; a forged one is bounded by what the
    // compressed bytes can expand to.
    let hint = body.last_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    let mut decoded =
        Vec::with_capacity(hint.min(max_decoded_bytes).min(body.len().saturating_mul(DEFLATE_MOST)));
    let refused = |reason: String| ArtifactError::Compression { reason };
    let limit = (max_decoded_bytes as u64).saturating_add(1);
    decoder.by_ref().take(limit).read_to_end(&mut decoded).map_err(|error| refused(error.to_string()))?;
    if decoded.len() > max_decoded_bytes {
        return Err(ArtifactError::TooLarge { max_decoded_bytes });
    }
    if !decoder.into_inner().is_empty() {
        return Err(refused("bytes follow its end".to_owned()));
    }
    Ok(decoded)
}
