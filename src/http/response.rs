//! Answers that more than one resource gives.

use std::borrow::Cow;

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use pentimento_core::restoration::{
    Restored,
    receipt::{self, Receipt},
};

use super::{
    accept::{ChosenBody, JSON},
    headers::{CONTENT_DIGEST, RESTORATION, SERVER_TIMING, content_digest, restoration},
    timing::Timings,
};

/// A restored picture in the bytes that are sent, with its receipt.
pub(super) struct Answer {
    bytes: Bytes,
    receipt: Receipt,
}

impl Answer {
    /// Of what was made from `input`; nothing is copied, not even an input that is its own answer.
    pub fn new(restored: Restored, input: &Bytes) -> Self {
        let bytes = match restored.bytes {
            Cow::Borrowed(_) => input.clone(),
            Cow::Owned(bytes) => bytes.into(),
        };
        Self { bytes, receipt: restored.receipt }
    }
}

/// A restored picture, or its receipt.
pub(super) fn restored(answer: Answer, body: ChosenBody, timings: &Timings) -> Response {
    let Answer { bytes, receipt } = answer;
    let restoration = restoration(&receipt);
    let (mime, sha256, bytes) = match body {
        ChosenBody::Picture => (receipt.output.format.mime(), receipt.output.sha256, bytes),
        ChosenBody::Receipt => {
            let json = to_json(&receipt);
            (JSON, receipt::digest(&json), json.into())
        }
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(mime)),
        (CONTENT_DIGEST, content_digest(&sha256)),
        (RESTORATION, restoration),
        (SERVER_TIMING, timings.header()),
        (header::VARY, HeaderValue::from_static("Accept")),
    ];
    (headers, bytes).into_response()
}

/// Anything as JSON; floats are written so that they parse to exactly the same number.
pub(super) fn json(value: &impl Serialize) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(JSON))], to_json(value)).into_response()
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structures become JSON")
}
