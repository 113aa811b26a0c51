//! Looking up the job of a path.

use std::sync::Arc;

use super::super::{
    kind::ProblemKind,
    problem::{Problem, echo},
    state::AppState,
};
use crate::{jobs::service::Jobs, storage::Job};

/// The jobs and the job with this id. An id without a job is a problem.
pub(super) async fn known(state: &AppState, id: &str) -> Result<(Arc<Jobs>, Job), Problem> {
    let jobs = state.jobs()?;
    let job = jobs.storage.job(id).await?.ok_or_else(|| unknown(id))?;
    Ok((jobs, job))
}

/// The problem of an id without a job.
pub(super) fn unknown(id: &str) -> Problem {
    let detail = format!("there is no job {:?}; GET /jobs lists all jobs", echo(id));
    Problem::new(ProblemKind::UnknownJob, detail).value(id)
}
