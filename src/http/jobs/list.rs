//! `GET /jobs` and `GET /jobs/{id}`: the list of jobs, and one job.

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde::Serialize;

use super::{
    super::{parameters::Given, path::Segment, problem::Problem, response, state::AppState},
    document::{JobDocument, job_document},
    known::known,
};
use crate::storage::JobState;

/// Jobs of a page if the client names no limit.
const LIMIT_DEFAULT: i64 = 20;
/// Most jobs of a page.
const LIMIT_MAX: i64 = 100;

/// A page of jobs, newest first.
#[derive(Serialize)]
struct JobList {
    jobs: Vec<JobDocument>,
    /// The path of the next page, if there is one.
    next: Option<String>,
}

/// Lists jobs, newest first, without their failures.
pub(in crate::http) async fn list(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let given = Given::in_query(request.uri(), &["state", "before", "limit"])?;
    let wanted: Option<JobState> =
        given.read("state", "queued, running, finished, failed, cancelled", |text| text.parse().ok())?;
    let before = given.read("before", "a job's id", |text| Some(text.to_owned()))?;
    let limit = given
        .read("limit", &format!("a whole number from 1 to {LIMIT_MAX}"), |text| {
            text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
        })?
        .unwrap_or(LIMIT_DEFAULT);
    let jobs = state.jobs()?;
    // One more job than the limit is read: it shows whether there is a next page.
    let mut found = jobs.storage.jobs(wanted, before.as_deref(), limit + 1).await?;
    let has_more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| has_more).map(|last| {
        let state = wanted.map_or(String::new(), |state| format!("state={state}&"));
        format!("/jobs?{state}limit={limit}&before={}", last.id)
    });
    let mut documents = Vec::with_capacity(found.len());
    for job in found {
        documents.push(job_document(&jobs, job, false).await?);
    }
    Ok(response::json(&JobList { jobs: documents, next }))
}

/// Shows one job with its failures.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let (jobs, job) = known(&state, &id).await?;
    Ok(response::json(&job_document(&jobs, job, true).await?))
}
