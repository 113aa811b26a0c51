//! The results of a `restore` job: a restored picture or its receipt.

use std::{
    io::{Seek as _, SeekFrom},
    path::Path,
};

use axum::{
    body::{Body, Bytes},
    http::request::Parts,
    response::Response,
};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use super::{
    super::{
        accept::JSON,
        error::internal,
        headers::{RESTORATION, restoration},
        kind::ProblemKind,
        parameters::Given,
        problem::Problem,
        result_bodies::BodyFacts,
    },
    results::common_headers,
    unchanging::unchanging,
};
use crate::{
    jobs::{job_files, restore_files, service::Jobs},
    storage::{Job, JobState},
};
use pentimento_core::{digest::digest, restoration::receipt::Receipt};

/// Bytes that are read from the disk at a time.
const PIECE_BYTES: usize = 64 << 10;

/// The part of a result that a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RestoredView {
    Picture,
    Receipt,
}

/// Answers with a restored picture, or with its receipt. The picture is read from the disk while the client takes it.
pub(super) async fn restored(
    jobs: &Jobs,
    job: &Job,
    given: &Given,
    asked: &Parts,
) -> Result<Response, Problem> {
    let view = given.read("view", "picture, receipt", |text| match text {
        "picture" => Some(RestoredView::Picture),
        "receipt" => Some(RestoredView::Receipt),
        _ => None,
    })?;
    let position = position(jobs, job, given).await?;
    let folder = job_files::folder(&jobs.setup.folder, &job.id);
    let json = tokio::fs::read(restore_files::receipt(&folder, position)).await;
    let json = Bytes::from(json.map_err(|error| internal(&error))?);
    let receipt: Receipt = serde_json::from_slice(&json).map_err(|error| internal(&error))?;
    let name = |extension| format!("{}-{position}.{extension}", job.id);
    match view.unwrap_or(RestoredView::Picture) {
        RestoredView::Receipt => {
            let facts = BodyFacts { length: json.len() as u64, sha256: digest(&json) };
            let headers = common_headers(JSON, &name("json"));
            unchanging(headers, asked, &facts, |first, n| {
                Body::from(json.slice(first as usize..(first + n) as usize))
            })
        }
        RestoredView::Picture => {
            let path = restore_files::restored(&folder, position);
            picture(&path, &receipt, &name(receipt.output.format.extension()), asked).await
        }
    }
}

/// Answers with the restored picture in the file `path`.
async fn picture(path: &Path, receipt: &Receipt, name: &str, asked: &Parts) -> Result<Response, Problem> {
    let file = tokio::fs::File::open(path).await.map_err(|error| internal(&error))?;
    let length = file.metadata().await.map_err(|error| internal(&error))?.len();
    let output = &receipt.output;
    if length != output.size_bytes {
        return Err(internal(&"a restored picture differs from its receipt in length"));
    }
    let mut headers = common_headers(output.format.mime(), name);
    headers.insert(RESTORATION, restoration(receipt));
    let facts = BodyFacts { length, sha256: output.sha256.clone() };
    let mut file = file.into_std().await;
    unchanging(headers, asked, &facts, |first, n| match file.seek(SeekFrom::Start(first)) {
        Ok(_) => {
            let part = tokio::fs::File::from_std(file).take(n);
            Body::from_stream(ReaderStream::with_capacity(part, PIECE_BYTES))
        }
        Err(error) => Body::from_stream(tokio_stream::once(Err::<Bytes, _>(error))),
    })
}

/// The position of the picture that the client reads, which must be done.
async fn position(jobs: &Jobs, job: &Job, given: &Given) -> Result<i64, Problem> {
    let n = jobs.storage.counts(&job.id).await?.total;
    let allowed = format!("a whole number from 1 to {n}, the place of a picture in the request");
    let asked =
        given.read("picture", &allowed, |text| text.parse().ok().filter(|at| (1..=n).contains(at)))?;
    let position = match asked {
        Some(number) => number - 1,
        None if n == 1 => 0,
        None => {
            let detail = format!("the job has {n} pictures: name one by picture=1 to picture={n}");
            return Err(Problem::new(ProblemKind::BadParameter, detail)
                .parameter("picture")
                .allowed(allowed));
        }
    };
    let task = jobs.storage.task(&job.id, position).await?;
    let (state, reason) = match task {
        _ if job.state == JobState::Cancelled => (job.state.name().to_owned(), None),
        Some(task) if task.state == "done" => return Ok(position),
        Some(task) => (task.state, task.reason),
        None => return Err(internal(&"a job without its task")),
    };
    let reason = reason.map_or("it has no result".to_owned(), |reason| reason);
    Err(Problem::new(ProblemKind::JobState, format!("the picture is {state}: {reason}")).value(state))
}
