//! `POST /jobs/{id}/cancel`, `POST /jobs/{id}/retry` and `DELETE /jobs/{id}`. None reads a body; forms are refused.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        kind::ProblemKind, path::Segment, problem::Problem, receive::only_json, response, state::AppState,
    },
    document::job_document,
    known::{known, unknown},
};
use crate::{
    jobs::retention,
    storage::{JobKind, JobState},
};

/// Cancels a job. A cancelled job stays cancelled, so that a client may repeat the request.
pub(in crate::http) async fn cancel(
    State(state): State<AppState>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    only_json(&headers)?;
    let jobs = state.jobs()?;
    let job = jobs.cancel(&id).await?.ok_or_else(|| unknown(&id))?;
    if matches!(job.state, JobState::Finished | JobState::Failed) {
        return Err(wrong_state(job.state, "only a job that has not ended can be cancelled"));
    }
    Ok(response::json(&job_document(&jobs, job, true).await?))
}

/// Queues the failed tasks of a job again.
pub(in crate::http) async fn retry(
    State(state): State<AppState>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    only_json(&headers)?;
    let (jobs, job) = known(&state, &id).await?;
    if job.state == JobState::Cancelled {
        return Err(wrong_state(job.state, "a cancelled job stays cancelled; a new job reuses its results"));
    }
    if job.kind == JobKind::Restore {
        return Err(wrong_state(job.state, "its pictures are deleted as they end; send them again"));
    }
    if jobs.storage.retry(&id).await? == 0 {
        return Err(wrong_state(job.state, "it has no failed task that can be retried"));
    }
    let (jobs, job) = known(&state, &id).await?;
    Ok((StatusCode::ACCEPTED, response::json(&job_document(&jobs, job, true).await?)).into_response())
}

/// Deletes a job that has ended.
pub(in crate::http) async fn delete(
    State(state): State<AppState>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    only_json(&headers)?;
    let (jobs, job) = known(&state, &id).await?;
    if retention::delete(&jobs, &id).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(wrong_state(job.state, "only a job that has ended can be deleted; cancel it first"))
}

/// The problem of a job whose state does not allow the request.
fn wrong_state(state: JobState, rule: &str) -> Problem {
    Problem::new(ProblemKind::JobState, format!("the job is {state}: {rule}")).value(state.name())
}
