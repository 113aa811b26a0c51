//! The input of a restoration: the bytes, the limits of decoding them, and what watches the stages.

use super::{receipt::RecordedInput, request::Stage, watch::Watch};
use crate::{
    cancel::{Cancel, Cancelled},
    features::{Look, Schema},
    imaging::codec::{self, DecodeError, Header, Limits, Picture},
};

/// The bytes of the input picture with the limits of decoding, and the caller's watch.
pub(super) struct RestoreInput<'a, 'h> {
    pub(super) bytes: &'a [u8],
    pub(super) limits: &'h Limits,
    pub(super) watch: Watch<'h>,
    /// The digest of the bytes, if it is known: a file of several pages is digested once.
    pub(super) sha256: Option<String>,
}

impl<'a, 'h> RestoreInput<'a, 'h> {
    pub(super) fn new(bytes: &'a [u8], limits: &'h Limits, watch: Watch<'h>) -> Self {
        Self { bytes, limits, watch, sha256: None }
    }
}

impl RestoreInput<'_, '_> {
    /// Reports the beginning of a stage.
    pub(super) fn begin(&mut self, stage: Stage) -> Result<(), Cancelled> {
        self.watch.begin(stage)
    }

    /// The flag that stops the work.
    pub(super) fn cancel(&self) -> &Cancel {
        self.watch.cancel()
    }

    /// Decodes the whole picture.
    pub(super) fn decode(&mut self) -> Result<Picture, DecodeError> {
        self.begin(Stage::Decode)?;
        codec::decode_until(self.bytes, self.limits, self.cancel())
    }

    /// The receipt's record of the input, which has this header and the digest `sha256`.
    pub(super) fn recorded(&self, header: &Header, sha256: String) -> RecordedInput {
        let (format, bits) = (header.format, header.depth.bits());
        RecordedInput { sha256, size_bytes: self.bytes.len() as u64, format, bits, colour_space: None }
    }

    /// Decodes as much of the picture as the features of `schema` need.
    pub(super) fn look(&mut self, schema: Schema) -> Result<Look, DecodeError> {
        let (cancel, watch) = (self.watch.cancel().clone(), &mut self.watch);
        let begin = |is_reduced| watch.begin(if is_reduced { Stage::Look } else { Stage::Decode });
        Look::decode_until(self.bytes, self.limits, schema, &cancel, begin)
    }
}
