//! A look at a coded picture: decoded as far as its features need, which for a large JPEG is a fraction of its sides.
//!
//! The one way from a file to the features of a prediction, so that restoring, analysing and the command that prints
//! features agree on them.

use std::borrow::Cow;

use super::{FeatureError, Features, Schema, measure, rich};
use crate::imaging::codec::{self, DecodeError, Format, Header, Limits, Picture};

/// A picture decoded for its features.
pub struct Look {
    schema: Schema,
    picture: Picture,
}

impl Look {
    /// Decodes what `schema` looks at: a JPEG that [`rich::reduced`] would halve or more at an eighth, a quarter or half
    /// of its sides, all else whole. `begin` is told which as soon as the header is read: whether it is less than all.
    ///
    /// # Errors
    /// As [`codec::decode`]: what it refuses is refused here, in the same words.
    pub fn decode(
        bytes: &[u8],
        limits: &Limits,
        schema: Schema,
        begin: impl FnOnce(bool),
    ) -> Result<Self, DecodeError> {
        let picture = codec::decode_reduced(bytes, limits, |header| {
            let eighths = eighths(header, schema);
            begin(eighths < 8);
            (header.width.max(header.height) * eighths).div_ceil(8)
        })?;
        Ok(Self { schema, picture })
    }

    /// The features.
    ///
    /// # Errors
    /// When a side of the picture is below 7 px.
    pub fn features(&self) -> Result<Features, FeatureError> {
        let seen = match self.schema {
            Schema::Seed => Cow::Borrowed(&self.picture.image),
            Schema::Rich => rich::reduced_from(&self.picture.image, self.picture.size),
        };
        measure(&seen, self.schema)
    }

    /// The file's header.
    pub fn header(&self) -> &Header {
        &self.picture.header
    }

    /// Width and height of the whole picture as displayed.
    pub fn size(&self) -> (usize, usize) {
        self.picture.size
    }

    /// The picture, if it was decoded whole.
    pub fn whole(self) -> Option<Picture> {
        (self.picture.size == (self.picture.image.width(), self.picture.image.height()))
            .then_some(self.picture)
    }
}

/// How many eighths of its sides a file can be decoded at: up to four, or all.
fn eighths(header: &Header, schema: Schema) -> usize {
    let reducible = schema == Schema::Rich && header.format == Format::Jpeg && !header.lossless;
    match rich::eighths(header.width, header.height) {
        n @ ..=4 if reducible => n,
        _ => 8,
    }
}
