//! `GET /jobs/{id}/results`: the results of a job.
//!
//! A search streams its rows at any time. Once it has ended, and for the file of a command, the answer has an entity tag
//! and serves ranges.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        accept::Accept, error::internal, kind::ProblemKind, parameters::Given, problem::Problem,
        result_bodies::BodyFacts, state::AppState,
    },
    known::known,
    restored,
    result_rows::ResultRows,
    unchanging::unchanging,
};
use crate::{
    jobs::{job_files, request::OptimizeRequest, results::ResultView, service::Jobs},
    storage::{Job, JobKind, JobState},
};
use pentimento_core::digest::digest;

/// Answers with the results of a job.
pub(in crate::http) async fn results(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let given = Given::in_query(request.uri(), &["view", "picture"])?;
    let (jobs, job) = known(&state, &id).await?;
    if job.kind != JobKind::Restore {
        // Only a restore job has pictures.
        Given::in_query(request.uri(), &["view"])?;
    }
    let headers = request.headers();
    match job.kind {
        JobKind::Optimize => rows(&state, jobs, &job, &given, headers).await,
        JobKind::Restore => restored::restored(&jobs, &job, &given, headers).await,
        _ => file(&jobs, &job, &given, headers).await,
    }
}

/// Answers with the rows of a search.
async fn rows(
    state: &AppState,
    jobs: Arc<Jobs>,
    job: &Job,
    given: &Given,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let view = given.read("view", "table, combinations", |text| match text {
        "table" => Some(ResultView::Table),
        "combinations" => Some(ResultView::Combinations),
        _ => None,
    })?;
    let format = Accept::of(headers).choose_results()?;
    let asked: OptimizeRequest = serde_json::from_str(&job.request).map_err(|error| internal(&error))?;
    let space = asked.grid.space().map_err(|error| internal(&error))?;
    let view = view.unwrap_or(ResultView::Table);
    let rows = ResultRows { jobs, job: job.id.clone(), space, view, format };
    let name = match view {
        ResultView::Combinations => "all",
        _ => "table",
    };
    let mut common = common_headers(format.mime(), &format!("{}-{name}.{}", job.id, format.extension()));
    if !job.state.is_final() {
        common.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return Ok((common, rows.stream(0, u64::MAX)).into_response());
    }
    let facts = rows.measured(&state.result_bodies).await?;
    unchanging(common, headers, &facts, |first, n| rows.stream(first, n))
}

/// Answers with the file of a command. The file is read whole, since models and reports are small.
async fn file(jobs: &Jobs, job: &Job, given: &Given, headers: &HeaderMap) -> Result<Response, Problem> {
    let (allowed, mime) = match job.kind {
        JobKind::Train => ("model, card", "application/octet-stream"),
        _ => ("report", "application/json"),
    };
    let view = given.read("view", allowed, |text| match text {
        "model" | "report" if allowed.contains(text) => Some(ResultView::Table),
        "card" if allowed.contains(text) => Some(ResultView::Card),
        _ => None,
    })?;
    let view = view.unwrap_or(ResultView::Table);
    let path = job_files::result_file(&jobs.setup.folder, &job.id, job.kind, view);
    let path = path.ok_or_else(|| internal(&"a view without a file"))?;
    if job.state != JobState::Finished {
        let detail = format!("the job is {}: it has no result before it has finished", job.state);
        return Err(Problem::new(ProblemKind::JobState, detail).value(job.state.name()));
    }
    let bytes = Bytes::from(tokio::fs::read(&path).await.map_err(|error| internal(&error))?);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("result");
    let mime = if view == ResultView::Card { "text/markdown; charset=utf-8" } else { mime };
    let common = common_headers(mime, &format!("{}-{name}", job.id));
    let facts = BodyFacts { length: bytes.len() as u64, sha256: digest(&bytes) };
    unchanging(common, headers, &facts, |first, n| {
        Body::from(bytes.slice(first as usize..(first + n) as usize))
    })
}

/// The headers of every answer with results: content type, and the name of the file for a browser that saves it.
pub(super) fn common_headers(mime: &str, name: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let text = |text: String| HeaderValue::try_from(text).expect("names are ASCII");
    headers.insert(header::CONTENT_TYPE, text(mime.to_owned()));
    headers.insert(header::CONTENT_DISPOSITION, text(format!("attachment; filename=\"{name}\"")));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    headers
}
