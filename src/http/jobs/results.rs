//! `GET /jobs/{id}/results`: what was found so far, streamed; once the job has ended also in parts and by its tag.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};
use tokio::{runtime::Handle, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    super::{
        AppState,
        accept::Accept,
        error::{Kind, internal},
        headers::CONTENT_DIGEST,
        parameters::Given,
        problem::Problem,
    },
    known,
    range::{self, requested},
};
use crate::{
    jobs::{
        job_files,
        request::OptimizeRequest,
        results::{JobResults, ResultFormat, ResultView},
        service::Jobs,
    },
    storage::{Job, JobKind},
};
use pentimento_core::{digest::digest, search::SearchSpace};

/// Bytes of a piece of a streamed body.
const PIECE_BYTES: usize = 64 << 10;
/// Most bodies whose length and digest are remembered.
const MEASURED_MAX: usize = 1024;

/// Lengths and digests of bodies that cannot change any more, by what they are made of.
pub(in crate::http) type Measured = Arc<Mutex<HashMap<(String, ResultView, ResultFormat), (u64, String)>>>;

pub(in crate::http) async fn results(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let given = Given::in_query(request.uri(), &["view"])?;
    let (jobs, job) = known(&state, &id).await?;
    let headers = request.headers();
    match job.kind {
        JobKind::Optimize => rows(&state, jobs, &job, &given, headers).await,
        kind => file(&jobs, &job, kind, &given, headers).await,
    }
}

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
    let rows = Rows { jobs, job: job.id.clone(), space, view: view.unwrap_or(ResultView::Table), format };
    let name = match rows.view {
        ResultView::Combinations => "all",
        _ => "table",
    };
    let mut usual = usual(format.mime(), &format!("{}-{name}.{}", job.id, format.extension()));
    if !job.state.is_final() {
        usual.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return Ok((usual, rows.stream(0, u64::MAX)).into_response());
    }
    let (length, sha256) = rows.measured(&state.measured).await?;
    answer(usual, headers, length, &sha256, |first, n| rows.stream(first, n))
}

/// A command's file: whole in memory, since models and reports are small.
async fn file(
    jobs: &Jobs,
    job: &Job,
    kind: JobKind,
    given: &Given,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (allowed, mime) = match kind {
        JobKind::Train => ("model, card", "application/octet-stream"),
        _ => ("report", "application/json"),
    };
    let view = given.read("view", allowed, |text| match text {
        "model" | "report" if allowed.contains(text) => Some(ResultView::Table),
        "card" if allowed.contains(text) => Some(ResultView::Card),
        _ => None,
    })?;
    let view = view.unwrap_or(ResultView::Table);
    let path = job_files::result_file(&jobs.setup.folder, &job.id, kind, view);
    let path = path.ok_or_else(|| internal(&"a view without a file"))?;
    if job.state != crate::storage::JobState::Finished {
        let detail = format!("the job is {}: its result is there when it has finished", job.state);
        return Err(Problem::new(Kind::JobState, detail).value(job.state.name()));
    }
    let bytes = Bytes::from(tokio::fs::read(&path).await.map_err(|error| internal(&error))?);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("result");
    let mime = if view == ResultView::Card { "text/markdown; charset=utf-8" } else { mime };
    let usual = usual(mime, &format!("{}-{name}", job.id));
    let (length, sha256) = (bytes.len() as u64, digest(&bytes));
    answer(usual, headers, length, &sha256, |first, n| {
        Body::from(bytes.slice(first as usize..(first + n) as usize))
    })
}

fn usual(mime: &str, name: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let text = |text: String| HeaderValue::try_from(text).expect("names are ASCII");
    headers.insert(header::CONTENT_TYPE, text(mime.to_owned()));
    headers.insert(header::CONTENT_DISPOSITION, text(format!("attachment; filename=\"{name}\"")));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    headers
}

/// A body that does not change any more: its tag is the digest of its bytes.
fn answer(
    mut usual: HeaderMap,
    asked: &HeaderMap,
    length: u64,
    sha256: &str,
    body: impl FnOnce(u64, u64) -> Body,
) -> Result<Response, Problem> {
    let etag = format!("\"{sha256}\"");
    let text = |text: String| HeaderValue::try_from(text).expect("numbers and digests are ASCII");
    usual.insert(header::ETAG, text(etag.clone()));
    usual.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    usual.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if range::is_known(asked, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, usual).into_response());
    }
    let (status, first, n) = match requested(asked, length, &etag) {
        range::Bytes::All => {
            usual.insert(CONTENT_DIGEST, super::super::headers::content_digest(sha256));
            (StatusCode::OK, 0, length)
        }
        range::Bytes::Part(first, last) => {
            usual.insert(header::CONTENT_RANGE, text(format!("bytes {first}-{last}/{length}")));
            (StatusCode::PARTIAL_CONTENT, first, last - first + 1)
        }
        range::Bytes::Outside => {
            return Err(Problem::new(
                Kind::RangeOutside,
                format!("the range lies behind the end: there are {length} bytes"),
            )
            .limit(length)
            .header(header::CONTENT_RANGE, text(format!("bytes */{length}"))));
        }
    };
    usual.insert(header::CONTENT_LENGTH, HeaderValue::from(n));
    usual.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    Ok((status, usual, body(first, n)).into_response())
}

/// The rows of a job in one form.
struct Rows {
    jobs: Arc<Jobs>,
    job: String,
    space: SearchSpace,
    view: ResultView,
    format: ResultFormat,
}

impl Rows {
    fn write(&self, runtime: &Handle, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let results = JobResults { storage: &self.jobs.storage, runtime, job: &self.job, space: &self.space };
        results.write(self.view, self.format, out)
    }

    /// Length and digest, written to nowhere once for each set of results.
    async fn measured(&self, measured: &Measured) -> Result<(u64, String), Problem> {
        let found = self.jobs.storage.results_digest(&self.job).await?;
        let key = (format!("{}{found}", self.job), self.view, self.format);
        if let Some(known) = measured.lock().unwrap_or_else(|e| e.into_inner()).get(&key) {
            return Ok(known.clone());
        }
        let (rows, runtime) = (self.again(), Handle::current());
        let counted = tokio::task::spawn_blocking(move || {
            let mut count = Count { n: 0, hash: Sha256::new() };
            rows.write(&runtime, &mut count).map(|()| (count.n, hexadecimal(&count.hash.finalize())))
        });
        let counted = counted.await.map_err(|e| internal(&e))?.map_err(|e| internal(&format!("{e:#}")))?;
        let mut known = measured.lock().unwrap_or_else(|e| e.into_inner());
        if known.len() >= MEASURED_MAX {
            known.clear();
        }
        known.insert(key, counted.clone());
        Ok(counted)
    }

    fn again(&self) -> Self {
        Self { jobs: self.jobs.clone(), job: self.job.clone(), space: self.space.clone(), ..*self }
    }

    /// The bytes from `first`, at most `n`, as they are made.
    fn stream(&self, first: u64, n: u64) -> Body {
        let (rows, runtime) = (self.again(), Handle::current());
        let (sender, receiver) = mpsc::channel(4);
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { piece: Vec::new(), skip: first, left: n, to: sender };
            let ended = rows.write(&runtime, &mut pieces).and_then(|()| Ok(pieces.send()?));
            if let Err(error) = ended
                && !pieces.to.is_closed()
                && pieces.left > 0
            {
                tracing::warn!(error = format!("{error:#}"), job = rows.job, "results broke off");
                let _ = pieces.to.blocking_send(Err(io::Error::other("the results broke off")));
            }
        });
        Body::from_stream(ReceiverStream::new(receiver))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Count {
    n: u64,
    hash: Sha256,
}

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.n += bytes.len() as u64;
        self.hash.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Cuts what is written into pieces of a body. Stops the writing when the range is complete or the client is gone.
struct Pieces {
    piece: Vec<u8>,
    skip: u64,
    left: u64,
    to: mpsc::Sender<io::Result<Bytes>>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece).into();
        self.to.blocking_send(Ok(piece)).map_err(|_| io::Error::other("the client is gone"))
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A part at a time, so that a client that reads slowly holds few.
        let bytes = &bytes[..bytes.len().min(PIECE_BYTES)];
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= skipped as u64;
        let rest = &bytes[skipped..];
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
        self.left -= wanted as u64;
        self.piece.extend_from_slice(&rest[..wanted]);
        if self.piece.len() >= PIECE_BYTES || self.left == 0 {
            self.send()?;
        }
        if self.left == 0 && self.skip == 0 {
            return Err(io::Error::other("the range is complete"));
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
