//! The variable segment of a path: a dataset's name or a job's id.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use super::{
    kind::ProblemKind,
    problem::{Problem, echo},
};

/// The segment with its percent escapes resolved.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(segment)) => Ok(Self(segment)),
            // The only cause: the escapes are no UTF-8. No name and no id is like that.
            Err(_) => {
                let path = echo(parts.uri.path());
                let detail = format!("there is no {path}: its percent escapes are no UTF-8");
                Err(Problem::new(ProblemKind::UnknownRoute, detail))
            }
        }
    }
}
