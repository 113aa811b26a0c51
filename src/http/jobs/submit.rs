//! `POST /jobs/optimize`, `/jobs/train` and `/jobs/evaluate`: submitting a job. An accepted job is on disk.

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{extract, kind::ProblemKind, parameters::Given, problem::Problem, response, state::AppState},
    document::job_document,
};
use crate::{
    jobs::{request, service::Jobs},
    storage::{Job, JobKind},
};

/// Longest idempotency key, in characters.
const KEY_LENGTH_MAX: usize = 255;

/// Submits a search of a dataset.
pub(in crate::http) async fn optimize(state: State<AppState>, request: Request) -> Result<Response, Problem> {
    submit(state, request, JobKind::Optimize).await
}

/// Submits the training of a model.
pub(in crate::http) async fn train(state: State<AppState>, request: Request) -> Result<Response, Problem> {
    submit(state, request, JobKind::Train).await
}

/// Submits the evaluation of a model.
pub(in crate::http) async fn evaluate(state: State<AppState>, request: Request) -> Result<Response, Problem> {
    submit(state, request, JobKind::Evaluate).await
}

/// Submits a job of this kind and answers with its document.
async fn submit(State(state): State<AppState>, request: Request, kind: JobKind) -> Result<Response, Problem> {
    Given::in_query(request.uri(), &[])?;
    let jobs = state.jobs()?;
    let key = key(request.headers())?;
    let body: Bytes = extract::json(request, &state).await?;
    let job = jobs.submit(request::JobRequest::parse(kind, &body)?, key).await?;
    accepted(&jobs, job).await
}

/// The answer to the request that made `job`: its address and its document.
pub(super) async fn accepted(jobs: &Jobs, job: Job) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(format!("/jobs/{}", job.id)).expect("ids are ASCII");
    let document = job_document(jobs, job, true).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], response::json(&document)).into_response())
}

/// The `Idempotency-Key`, which names the request. It may stand in quotes, as the header's draft requires, or without.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let fine = (1..=KEY_LENGTH_MAX).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
    if fine {
        return Ok(Some(bare.to_owned()));
    }
    let allowed = format!("1 to {KEY_LENGTH_MAX} visible ASCII characters");
    Err(Problem::new(ProblemKind::BadParameter, format!("Idempotency-Key is not allowed: it is {allowed}"))
        .parameter("Idempotency-Key")
        .allowed(allowed))
}
