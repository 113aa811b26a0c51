//! `POST /jobs/{id}/cancel`, `POST /jobs/{id}/retry`, `DELETE /jobs/{id}`.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use super::{
    super::{AppState, error::Kind, problem::Problem, response},
    document::document,
    known, unknown,
};
use crate::{jobs::retention, storage::JobState};

/// Calls a job off; one that has ended stays as it is, so that asking twice does no harm.
pub(in crate::http) async fn cancel(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let jobs = state.jobs()?;
    let job = jobs.storage.cancel(&id).await?.ok_or_else(|| unknown(&id))?;
    if matches!(job.state, JobState::Finished | JobState::Failed) {
        return Err(wrong_state(job.state, "only a job that has not ended can be cancelled"));
    }
    Ok(response::json(&document(&jobs, job, true).await?))
}

/// Queues what failed once more.
pub(in crate::http) async fn retry(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (jobs, job) = known(&state, &id).await?;
    if job.state == JobState::Cancelled {
        return Err(wrong_state(job.state, "a cancelled job stays so; a new one reuses what it found"));
    }
    if jobs.storage.retry(&id).await? == 0 {
        return Err(wrong_state(job.state, "nothing in it failed that could be tried again"));
    }
    let (jobs, job) = known(&state, &id).await?;
    Ok((StatusCode::ACCEPTED, response::json(&document(&jobs, job, true).await?)).into_response())
}

/// Deletes a job that has ended.
pub(in crate::http) async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (jobs, job) = known(&state, &id).await?;
    if retention::delete(&jobs, &id).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(wrong_state(job.state, "only a job that has ended can be deleted; cancel it first"))
}

fn wrong_state(state: JobState, rule: &str) -> Problem {
    Problem::new(Kind::JobState, format!("the job is {state}: {rule}")).value(state.name())
}
