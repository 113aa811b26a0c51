//! Answers that several routes share.

use std::borrow::Cow;

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
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

/// A restored picture as the bytes of an answer, with its receipt.
pub(super) struct Answer {
    bytes: Bytes,
    receipt: Receipt,
}

impl Answer {
    /// The answer with the picture that was restored from `input`. Copies no bytes, also if the input's own bytes are the
    /// answer.
    pub(super) fn new(restored: Restored, input: &Bytes) -> Self {
        let bytes = match restored.bytes {
            Cow::Borrowed(_) => input.clone(),
            Cow::Owned(bytes) => bytes.into(),
        };
        Self { bytes, receipt: restored.receipt }
    }
}

/// The response with a restored picture or its receipt.
pub(super) fn restored(answer: Answer, body: ChosenBody, timings: &Timings) -> Response {
    let Answer { bytes, receipt } = answer;
    let restoration = restoration(&receipt);
    let (mime, sha256, bytes) = match body {
        ChosenBody::Picture => (receipt.output.format.mime(), receipt.output.sha256, bytes),
        ChosenBody::Receipt => {
            let json = to_json(&receipt);
            (JSON, digest(&json), json.into())
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

/// The response with `value` as JSON. Floats are written so that they parse to exactly the same number.
pub(super) fn json(value: &impl Serialize) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(JSON))], to_json(value)).into_response()
}

/// `value` as JSON.
fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structures become JSON")
}
