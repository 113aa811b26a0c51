//! `GET /jobs/{id}/results`: the results of a job.
//!
//! A search streams its rows at any time. Once it has ended, and for the file of a command, the answer has an entity tag
//! and serves ranges.

use std::{path::Path, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        accept::Accept, document::unsent, error::internal, kind::ProblemKind, parameters::Given,
        path::Segment, problem::Problem, result_bodies::BodyFacts, state::AppState,
    },
    known::known,
    restored,
    result_rows::ResultRows,
    unchanging::unchanging,
};
use crate::{
    jobs::{job_files, request::OptimizeRequest, results::ResultView, service::Jobs},
    memory::held,
    storage::{Job, JobKind, JobState},
};
use pentimento_core::digest::digest;

/// Answers with the results of a job.
pub(in crate::http) async fn results(
    State(state): State<AppState>,
    Segment(id): Segment,
    request: Request,
) -> Result<Response, Problem> {
    let given = Given::in_query(request.uri(), &["view", "picture"])?;
    let (jobs, job) = known(&state, &id).await?;
    if job.kind != JobKind::Restore {
        // Only a restore job has pictures.
        Given::in_query(request.uri(), &["view"])?;
    }
    let (asked, _) = request.into_parts();
    match job.kind {
        JobKind::Optimize => rows(&state, jobs, &job, &given, &asked).await,
        JobKind::Restore => restored::restored(&jobs, &job, &given, &asked).await,
        _ => file(&state, &job, &given, &asked).await,
    }
}

/// Answers with the rows of a search.
async fn rows(
    state: &AppState,
    jobs: Arc<Jobs>,
    job: &Job,
    given: &Given,
    asked: &Parts,
) -> Result<Response, Problem> {
    let view = given.read("view", "table, combinations", |text| match text {
        "table" => Some(ResultView::Table),
        "combinations" => Some(ResultView::Combinations),
        _ => None,
    })?;
    let format = Accept::of(&asked.headers).choose_results()?;
    let searched: OptimizeRequest = serde_json::from_str(&job.request).map_err(|error| internal(&error))?;
    let space = searched.grid.space().map_err(|error| internal(&error))?;
    let view = view.unwrap_or(ResultView::Table);
    let rows = ResultRows { jobs, job: job.id.clone(), space, view, format };
    let name = match view {
        ResultView::Combinations => "all",
        _ => "table",
    };
    let mut common = common_headers(format.mime(), &format!("{}-{name}.{}", job.id, format.extension()));
    if !job.state.is_final() {
        common.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let body = if asked.method == Method::HEAD { unsent() } else { rows.stream(0, u64::MAX) };
        return Ok((common, body).into_response());
    }
    let facts = rows.measured(&state.result_bodies).await?;
    unchanging(common, asked, &facts, |first, n| rows.stream(first, n))
}

/// Answers with the file of a command. The file is read whole, since models and reports are small.
async fn file(state: &AppState, job: &Job, given: &Given, asked: &Parts) -> Result<Response, Problem> {
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
    let jobs = state.jobs()?;
    let path = job_files::result_file(&jobs.setup.folder, &job.id, job.kind, view);
    let path = path.ok_or_else(|| internal(&"a view without a file"))?;
    if job.state != JobState::Finished {
        let detail = format!("the job is {}: it has no result before it has finished", job.state);
        return Err(Problem::new(ProblemKind::JobState, detail).value(job.state.name()));
    }
    let bytes = read_held(state, &path).await?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("result");
    let mime = if view == ResultView::Card { "text/markdown; charset=utf-8" } else { mime };
    let common = common_headers(mime, &format!("{}-{name}", job.id));
    let facts = BodyFacts { length: bytes.len() as u64, sha256: digest(&bytes) };
    unchanging(common, asked, &facts, |first, n| {
        Body::from(bytes.slice(first as usize..(first + n) as usize))
    })
}

/// Reads a file whole into the memory of the budget, where it stays until the answer is written.
async fn read_held(state: &AppState, path: &Path) -> Result<Bytes, Problem> {
    let found = tokio::fs::metadata(path).await.map_err(|error| internal(&error))?;
    let memory = state.memory.work.reserve(found.len()).await;
    let memory = memory.map_err(|too_large| state.refusal(too_large.into()))?;
    let bytes = tokio::fs::read(path).await.map_err(|error| internal(&error))?;
    Ok(held(bytes, memory))
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
