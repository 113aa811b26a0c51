//! The model file, of whatever kind: a line that names the kind, a digest, and gzip of the card and the model.

use std::{
    borrow::Cow,
    io::{Read, Write},
};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use thiserror::Error;

use super::classic::card::{FORMAT_VERSION, SMARTCORE_VERSION};
use crate::{digest::digest, learning::table::FEATURE_SCHEMA};

const MAGIC: &[u8] = b"PENTIMENTO-MODEL ";
const DIGEST_DIGITS: usize = 64;

/// Fixed, so that equal models are equal files. Larger levels gain 1 % and cost several times as long.
const LEVEL: u32 = 6;

/// Operating system "unknown" in RFC 1952: the file must not tell where it was written.
const UNKNOWN_SYSTEM: u8 = 255;

/// The bytes are not a model that this program can use.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ArtifactError {
    /// The first bytes are not those of a model file.
    #[error("this is not a Pentimento model file")]
    Magic,
    /// The format is of another version.
    #[error("the model file has format {found:?}, this program reads format {FORMAT_VERSION}")]
    FormatVersion {
        /// Version found.
        found: String,
    },
    /// The file was cut short or altered.
    #[error("the model file is damaged: its digest does not match its content")]
    Digest,
    /// Decoded, the file is larger than allowed.
    #[error("the model file decodes to more than {max_decoded_bytes} bytes")]
    TooLarge {
        /// The limit given.
        max_decoded_bytes: usize,
    },
    /// The compressed part cannot be decoded.
    #[error("the model file cannot be decompressed: {reason}")]
    Compression {
        /// What the decoder said.
        reason: String,
    },
    /// The card cannot be read.
    #[error("the model card cannot be read: {reason}")]
    Card {
        /// What is wrong.
        reason: String,
    },
    /// The model was fitted with another version of smartcore.
    #[error(
        "the model was fitted with smartcore {found}, this program has {SMARTCORE_VERSION}: \
         train the model again, or use the program version that fitted it"
    )]
    SmartcoreVersion {
        /// Version found.
        found: String,
    },
    /// The model expects other features.
    #[error("the model was fitted on features {found}, this program measures {FEATURE_SCHEMA}")]
    FeatureSchema {
        /// Schema found.
        found: String,
    },
    /// The model expects rich features of another version.
    #[error(
        "the model was fitted on features {found}, this program measures {}",
        crate::features::rich::RICH_SCHEMA
    )]
    RichSchema {
        /// Schema found.
        found: String,
    },
    /// The trees cannot be read.
    #[error("the trees of the model cannot be read: {reason}")]
    Regressors {
        /// What is wrong.
        reason: String,
    },
}

/// The file of a card and what follows it, behind `magic`.
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

/// What a file holds.
pub(super) struct Opened<'a> {
    decoded: Cow<'a, [u8]>,
    /// Where the card ends, which begins behind its length.
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

    /// The card and what follows it.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.decoded[4..self.card_end], &self.decoded[self.card_end..])
    }
}

/// Opens a file that begins with `magic` and inflates to at most `max_decoded_bytes`.
pub(super) fn open(
    magic: &[u8],
    bytes: &[u8],
    max_decoded_bytes: usize,
) -> Result<Opened<'static>, ArtifactError> {
    let decoded = inflate(checked_body(magic, bytes)?, max_decoded_bytes)?;
    Opened::new(Cow::Owned(decoded))
}

/// Opens a file's first line and its inflated content, which the build made of a file that it carries.
pub(super) fn open_inflated<'a>(magic: &[u8], bytes: &'a [u8]) -> Result<Opened<'a>, ArtifactError> {
    Opened::new(Cow::Borrowed(bytes.strip_prefix(magic).ok_or(ArtifactError::Magic)?))
}

/// The compressed part, once the two lines before it are in order.
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

/// Most bytes that deflate makes of one.
const DEFLATE_MOST: usize = 1032;

fn inflate(body: &[u8], max_decoded_bytes: usize) -> Result<Vec<u8>, ArtifactError> {
    let mut decoder = GzDecoder::new(body);
    // What gzip says of the length behind the data, modulo 2³²: a hint that saves copies, and takes up no memory by itself.
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
        return Err(refused("bytes follow behind its end".to_owned()));
    }
    Ok(decoded)
}
