//! A look at a coded picture: it is decoded only as far as its features need. For a large JPEG that is a fraction of
//! its sides.
//!
//! Restoring, analysing and the command that prints features all take this way from a file to features, so they agree.

use std::borrow::Cow;

use super::{FeatureError, Features, Schema, rich, schema::measure_until};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::codec::{self, DecodeError, Format, Header, Limits, Notes, Picture},
};

/// A picture decoded for its features.
pub struct Look {
    schema: Schema,
    picture: Picture,
}

impl Look {
    /// Decodes a file as far as the features of `schema` need.
    ///
    /// A JPEG that [`rich::reduced`] would reduce to half or less is decoded at an eighth, a quarter or half of its
    /// sides. Every other picture is decoded whole. `begin` is called when the header is read; its argument says
    /// whether the picture is decoded reduced.
    ///
    /// # Errors
    /// Same errors as [`codec::decode()`].
    pub fn decode(
        bytes: &[u8],
        limits: &Limits,
        schema: Schema,
        begin: impl FnOnce(bool),
    ) -> Result<Self, DecodeError> {
        Self::decode_until(bytes, limits, schema, &Cancel::never(), |is_reduced| {
            begin(is_reduced);
            Ok(())
        })
    }

    /// Same as [`Look::decode`], and stops once `cancel` is set or `begin` says so.
    ///
    /// # Errors
    /// Same errors as [`codec::decode_until()`].
    pub fn decode_until(
        bytes: &[u8],
        limits: &Limits,
        schema: Schema,
        cancel: &Cancel,
        begin: impl FnOnce(bool) -> Result<(), Cancelled>,
    ) -> Result<Self, DecodeError> {
        let picture = codec::decode_reduced_until(bytes, limits, cancel, |header| {
            let eighths = eighths(header, schema);
            begin(eighths < 8)?;
            Ok((header.width.max(header.height) * eighths).div_ceil(8))
        })?;
        Ok(Self { schema, picture })
    }

    /// Returns the features of the picture.
    ///
    /// # Errors
    /// When a side of the picture is below 7 px.
    pub fn features(&self) -> Result<Features, FeatureError> {
        self.features_until(&Cancel::never())
    }

    /// Same as [`Look::features`], and stops once `cancel` is set.
    ///
    /// # Errors
    /// Same errors as [`Look::features`], and [`FeatureError::Cancelled`].
    pub fn features_until(&self, cancel: &Cancel) -> Result<Features, FeatureError> {
        cancel.check()?;
        let seen = match self.schema {
            Schema::Seed => Cow::Borrowed(&self.picture.image),
            Schema::Rich => rich::reduced_until(&self.picture.image, self.picture.size, cancel)?,
        };
        measure_until(&seen, self.schema, cancel)
    }

    /// Returns the file's header.
    pub fn header(&self) -> &Header {
        &self.picture.header
    }

    /// Returns width and height of the whole picture as displayed, in pixels.
    pub fn size(&self) -> (usize, usize) {
        self.picture.size
    }

    /// Returns what decoding noted.
    pub fn notes(&self) -> &Notes {
        &self.picture.notes
    }

    /// Returns header, size and notes: all that an untouched picture needs.
    pub(crate) fn facts(&self) -> (&Header, (usize, usize), &Notes) {
        (self.header(), self.size(), self.notes())
    }

    /// Returns the picture if it was decoded whole, `None` otherwise.
    pub fn whole(self) -> Option<Picture> {
        (self.picture.size == (self.picture.image.width(), self.picture.image.height()))
            .then_some(self.picture)
    }
}

/// Returns the number of eighths of its sides at which a file is decoded: 1 to 4, or 8.
fn eighths(header: &Header, schema: Schema) -> usize {
    let reducible = schema == Schema::Rich && header.format == Format::Jpeg && !header.lossless;
    match rich::eighths(header.width, header.height) {
        n @ ..=4 if reducible => n,
        _ => 8,
    }
}
