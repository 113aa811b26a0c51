//! Reasons why a picture cannot be damaged.

use thiserror::Error;

use crate::imaging::codec::{DecodeError, EncodeError};

/// A picture could not be damaged. Only the damage `jpeg` can fail.
#[derive(Debug, Error)]
pub enum SynthesisError {
    /// The picture cannot be stored as JPEG: a side is too long.
    #[error("the damage jpeg: {0}")]
    Encode(#[from] EncodeError),
    /// The codec cannot read the JPEG that it wrote.
    #[error("the damage jpeg: {0}")]
    Decode(#[from] DecodeError),
}
