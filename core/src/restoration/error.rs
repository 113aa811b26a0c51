//! Errors of restoring and replaying.

use std::num::NonZeroU32;

use thiserror::Error;

use super::receipt::RECEIPT_VERSION;
use crate::{
    cancel::Cancelled,
    features::FeatureError,
    imaging::{
        ParameterError,
        codec::{DecodeError, EncodeError, Format},
        pipeline::CoefficientsError,
    },
    models::PredictError,
};

/// A picture cannot be restored.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The input cannot be decoded within the limits.
    #[error(transparent)]
    Decode(DecodeError),
    /// The input has no features to predict from.
    #[error("{0}; give color, sigma and strength to restore it without a prediction")]
    Features(FeatureError),
    /// The model cannot predict.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The output cannot be written.
    #[error(transparent)]
    Encode(EncodeError),
    /// A file of several pages for a format that holds one picture.
    #[error(
        "the file has {pages} pages, and {format} holds one picture: choose one with page, or ask for TIFF"
    )]
    OnePicture {
        /// Number of pages.
        pages: u32,
        /// The format asked for.
        format: Format,
    },
    /// A page of a file with several cannot be restored.
    #[error("page {page}: {error}")]
    Page {
        /// Number of the page, from 1.
        page: NonZeroU32,
        /// The reason.
        error: Box<RestoreError>,
    },
    /// The bytes of the second pass over a roll are not those of the first.
    #[error("the picture has changed since its roll was looked at; restore the roll again")]
    Changed,
    /// The caller cancelled the work.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl RestoreError {
    /// The same error, of a page of the file.
    pub(super) fn of_page(self, page: NonZeroU32) -> Self {
        match self {
            RestoreError::Cancelled(_) => self,
            error => RestoreError::Page { page, error: Box::new(error) },
        }
    }
}

impl From<DecodeError> for RestoreError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Cancelled(cancelled) => cancelled.into(),
            other => RestoreError::Decode(other),
        }
    }
}

impl From<FeatureError> for RestoreError {
    fn from(error: FeatureError) -> Self {
        match error {
            FeatureError::Cancelled(cancelled) => cancelled.into(),
            other => RestoreError::Features(other),
        }
    }
}

impl From<EncodeError> for RestoreError {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Cancelled(cancelled) => cancelled.into(),
            other => RestoreError::Encode(other),
        }
    }
}

/// A receipt cannot be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The receipt has a layout that this release does not read.
    #[error(
        "the receipt is of version {got}, made by {program}; this release replays version {RECEIPT_VERSION}"
    )]
    Version {
        /// Version of the receipt.
        got: u32,
        /// Program that wrote the receipt.
        program: String,
    },
    /// The receipt names operators that this release does not have.
    #[error(
        "the receipt's method {got:?}, made by {program}, is unknown to this release or does not fit its parameters"
    )]
    Method {
        /// Method of the receipt.
        got: String,
        /// Program that wrote the receipt.
        program: String,
    },
    /// The picture is not the receipt's input.
    #[error("the input's SHA-256 is {got}, the receipt is for {expected}")]
    Input {
        /// Digest of the given bytes.
        got: String,
        /// Digest in the receipt.
        expected: String,
    },
    /// The parameters are out of range.
    #[error("the receipt's parameters: {0}")]
    Parameters(#[from] ParameterError),
    /// The coefficients cannot belong to the picture.
    #[error("the receipt's coefficients: {0}")]
    Coefficients(#[from] CoefficientsError),
    /// The output cannot have been made by the recorded route.
    #[error("the output cannot have been made as the receipt's route says, for this picture and format")]
    Route,
    /// The replayed output differs from the recorded one.
    #[error("the replay by {here} gives other {what} than the receipt of {program} records")]
    Differs {
        /// `pixels`, `bytes` or `facts of the output`.
        what: &'static str,
        /// Name and version of this program.
        here: String,
        /// Program that wrote the receipt.
        program: String,
    },
    /// Decoding or encoding failed.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

impl From<Cancelled> for ReplayError {
    fn from(cancelled: Cancelled) -> Self {
        ReplayError::Restore(cancelled.into())
    }
}
