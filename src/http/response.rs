//! Answers that several routes share.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use pentimento_core::{
    digest::digest,
    restoration::{Restored, receipt::Receipt},
};

use super::{
    accept::{ChosenBody, JSON},
    headers::{CONTENT_DIGEST, RESTORATION, SERVER_TIMING, content_digest, restoration},
    timing::Timings,
};
use crate::memory::{Reservation, held};

/// A restored picture as the bytes of an answer, with its receipt. Cheap to clone; clones share the bytes.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) bytes: Bytes,
    pub(super) receipt: Box<Receipt>,
}

/// What a restoration leaves when it no longer borrows its input.
pub(super) struct Finished {
    /// The new bytes. `None` if the input's own bytes are the answer.
    bytes: Option<Vec<u8>>,
    receipt: Box<Receipt>,
}

impl Finished {
    pub(super) fn new(restored: Restored) -> Self {
        let bytes = match restored.bytes {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(bytes) => Some(bytes),
        };
        Self { bytes, receipt: Box::new(restored.receipt) }
    }

    /// The answer with the picture that was restored from `input`. The answer keeps as much of `memory` as it has bytes.
    /// Copies no bytes, also if the input's own bytes are the answer.
    pub(super) fn answer(self, input: &Bytes, memory: Reservation) -> Answer {
        let bytes = self.bytes.map_or_else(|| input.clone(), |bytes| held(bytes, memory));
        Answer { bytes, receipt: self.receipt }
    }
}

impl Answer {
    /// The body that the client chose.
    pub(super) fn body(&self, body: ChosenBody) -> Bytes {
        match body {
            ChosenBody::Picture => self.bytes.clone(),
            ChosenBody::Receipt => to_json(&self.receipt).into(),
        }
    }

    /// The headers of an answer with this body.
    pub(super) fn headers(&self, body: ChosenBody, timings: &Timings) -> HeaderMap {
        let receipt = &self.receipt;
        let (mime, digest) = match body {
            ChosenBody::Picture => (receipt.output.format.mime(), receipt.output.sha256.clone()),
            ChosenBody::Receipt => (JSON, digest(&self.body(body))),
        };
        HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(mime)),
            (CONTENT_DIGEST, content_digest(&digest)),
            (RESTORATION, restoration(receipt)),
            (SERVER_TIMING, timings.header()),
        ])
    }
}

/// The response with a restored picture or its receipt, whose bytes are `bytes`.
pub(super) fn restored(mut headers: HeaderMap, bytes: Bytes) -> Response {
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    (headers, bytes).into_response()
}

/// The response with `value` as JSON. Floats are written so that they parse to exactly the same number.
pub(super) fn json(value: &impl Serialize) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(JSON))], to_json(value)).into_response()
}

/// `value` as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structures become JSON")
}
