//! Faults of the program.

use std::fmt::Display;

use super::super::{kind::ProblemKind, problem::Problem};

/// The problem of a fault. Logs the cause once and does not show it.
pub(in crate::http) fn internal(cause: &dyn Display) -> Problem {
    tracing::error!(%cause, "a request failed by a fault of the program");
    Problem::new(ProblemKind::Internal, "the cause has been logged under this request's id")
}
