//! Errors of reading a request's body.

use axum::http::{HeaderValue, header};
use thiserror::Error;

use super::super::{kind::ProblemKind, problem::Problem};

/// `Retry-After` while other bodies take all memory, in seconds. A body has some seconds to arrive.
const RETRY_MEMORY_S: u16 = 2;

/// A body could not be read.
#[derive(Debug, Error)]
pub(in crate::http) enum BodyError {
    /// The body is longer than `max` bytes. Its length is known only if the request announced it.
    #[error("the body {}; at most {max} bytes are read", length(*got))]
    TooLarge { got: Option<u64>, max: u64 },
    /// The body did not arrive within the time limit.
    #[error("the body did not arrive within {max_ms} ms")]
    Timeout { max_ms: u64 },
    /// The body arrives too slowly.
    #[error("the body arrives too slowly")]
    TooSlow,
    /// The body can never fit into the memory for bodies.
    #[error("the body takes {needed} bytes of memory; at most {max} bytes are allowed for bodies")]
    NeverFits { needed: u64, max: u64 },
    /// Other bodies take the memory at the moment.
    #[error("other requests take the {max} bytes of memory for bodies at the moment")]
    NoMemory { max: u64 },
    /// The head of a part, or what stands before the first part, is too long.
    #[error("the head of a part is too long; at most {max} bytes are read")]
    PartHead { max: usize },
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
            BodyError::TooSlow => Problem::new(ProblemKind::BodyTimeout, detail)
                .setting("server.rate_min")
                .header(header::CONNECTION, HeaderValue::from_static("close")),
            BodyError::NeverFits { needed, max } => Problem::new(ProblemKind::BodyTooLarge, detail)
                .value(needed)
                .limit(max)
                .setting("memory.budget_bytes"),
            BodyError::NoMemory { max } => Problem::new(ProblemKind::MemoryFull, detail)
                .limit(max)
                .setting("memory.budget_bytes")
                .header(header::RETRY_AFTER, HeaderValue::from(RETRY_MEMORY_S)),
            BodyError::PartHead { max } => Problem::new(ProblemKind::MalformedForm, detail).limit(max as u64),
            BodyError::Incomplete(_) => Problem::new(ProblemKind::IncompleteBody, detail),
            BodyError::Form(_) => Problem::new(ProblemKind::MalformedForm, detail),
        }
    }
}
