//! Errors of reading a request's body.

use axum::{
    extract::{
        multipart::MultipartError,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderValue, StatusCode, header},
};
use thiserror::Error;

use super::super::{kind::ProblemKind, problem::Problem};

/// A body could not be read.
#[derive(Debug, Error)]
pub(in crate::http) enum BodyError {
    /// The body is longer than `max` bytes. Its length is known only if the request announced it.
    #[error("the body {}; at most {max} bytes are read", length(*got))]
    TooLarge { got: Option<u64>, max: u64 },
    /// The body did not arrive within the time limit.
    #[error("the body did not arrive within {max_ms} ms")]
    Timeout { max_ms: u64 },
    /// The connection broke, or its framing did.
    #[error("the body broke off: {0}")]
    Incomplete(String),
    /// The form cannot be parsed.
    #[error("{0}")]
    Form(String),
}

fn length(got: Option<u64>) -> String {
    got.map_or("is too long".to_owned(), |got| format!("has {got} bytes"))
}

impl BodyError {
    /// The error of a raw body that was read with a limit of `max` bytes.
    pub(in crate::http) fn of_bytes(rejection: &BytesRejection, max: u64) -> Self {
        match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                BodyError::TooLarge { got: None, max }
            }
            other => BodyError::Incomplete(other.body_text()),
        }
    }

    /// The error of a form that was read with a limit of `max` bytes.
    pub(in crate::http) fn of_form(error: &MultipartError, max: u64) -> Self {
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => BodyError::TooLarge { got: None, max },
            // The only cause of this status besides the limit: the connection broke while the form was read.
            StatusCode::INTERNAL_SERVER_ERROR => BodyError::Incomplete(error.body_text()),
            _ => BodyError::Form(error.body_text()),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let detail = error.to_string();
        match error {
            BodyError::TooLarge { got, max } => {
                let problem = Problem::new(ProblemKind::BodyTooLarge, detail).limit(max);
                let problem = problem.setting("limits.input_bytes_max");
                match got {
                    Some(got) => problem.value(got),
                    None => problem,
                }
            }
            BodyError::Timeout { max_ms } => Problem::new(ProblemKind::BodyTimeout, detail)
                .limit(max_ms)
                .setting("server.body_timeout_ms")
                .header(header::CONNECTION, HeaderValue::from_static("close")),
            BodyError::Incomplete(_) => Problem::new(ProblemKind::IncompleteBody, detail),
            BodyError::Form(_) => Problem::new(ProblemKind::MalformedForm, detail),
        }
    }
}
