//! Errors of admission and of the pixel pool.

use axum::http::{HeaderValue, header};

use super::{
    super::{kind::ProblemKind, problem::Problem},
    internal::internal,
};
use crate::{compute::ComputeError, memory::TooLarge};

/// Least `Retry-After` of a full service, in seconds. The state of the service raises it by the measured queue.
const RETRY_FULL_S: u16 = 1;
/// `Retry-After` of a stopping service, in seconds: by then another service has taken over.
const RETRY_DRAINING_S: u16 = 5;

impl From<ComputeError> for Problem {
    fn from(error: ComputeError) -> Self {
        let refused = |kind, seconds: u16, detail: &str| {
            Problem::new(kind, detail).header(header::RETRY_AFTER, HeaderValue::from(seconds))
        };
        match error {
            ComputeError::Full => refused(
                ProblemKind::Full,
                RETRY_FULL_S,
                "every place of running and waiting requests is taken; try again shortly",
            )
            .setting("compute.waiting_max"),
            ComputeError::Draining => refused(
                ProblemKind::Draining,
                RETRY_DRAINING_S,
                "the service is stopping and takes no new work",
            ),
            ComputeError::Panicked => internal(&error),
            ComputeError::TooLarge(TooLarge { needed, max }) => {
                Problem::new(ProblemKind::TooMuchMemory, error.to_string())
                    .value(needed)
                    .limit(max)
                    .setting("memory.budget_bytes")
            }
        }
    }
}
