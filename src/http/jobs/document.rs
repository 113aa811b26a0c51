//! A job as it is told.

use serde::Serialize;
use serde_json::Value;

use crate::{
    jobs::service::Jobs,
    storage::{Job, StorageError, Task, TaskCounts},
};

/// Failures that a job's document lists; `counts` has their number.
const FAILURES_MAX: i64 = 1000;
/// Ends that the rate is taken over.
const RATE_OVER: i64 = 21;

#[derive(Serialize)]
pub(super) struct Document {
    id: String,
    kind: &'static str,
    /// The job's, or `paused` while nothing can be written.
    state: &'static str,
    reason: Option<String>,
    request: Value,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    finished_at_ms: Option<i64>,
    n_ignored: i64,
    counts: CountsDocument,
    rate_per_s: Option<f64>,
    time_left_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<Vec<Failure>>,
    links: Links,
}

#[derive(Serialize)]
struct CountsDocument {
    total: i64,
    waiting: i64,
    running: i64,
    done: i64,
    reused: i64,
    failed: i64,
    unpaired: i64,
    cancelled: i64,
}

#[derive(Serialize)]
struct Failure {
    name: String,
    state: String,
    reason: Option<String>,
    attempts: i64,
}

#[derive(Serialize)]
struct Links {
    own: String,
    events: String,
    results: String,
}

/// A job with its numbers, and with its failures if asked for.
pub(super) async fn document(jobs: &Jobs, job: Job, with_failures: bool) -> Result<Document, StorageError> {
    let counts = jobs.storage.counts(&job.id).await?;
    let rate = if job.state.is_final() { None } else { rate(jobs, &job.id).await? };
    let left = (counts.waiting + counts.running) as f64;
    let failures =
        if with_failures { Some(jobs.storage.failures(&job.id, FAILURES_MAX).await?) } else { None };
    let paused = jobs.paused().filter(|_| !job.state.is_final());
    let base = format!("/jobs/{}", job.id);
    Ok(Document {
        kind: job.kind.name(),
        state: if paused.is_some() { "paused" } else { job.state.name() },
        reason: paused.or(job.reason),
        request: serde_json::from_str(&job.request).unwrap_or(Value::Null),
        created_at_ms: job.created_at_ms,
        started_at_ms: job.started_at_ms,
        finished_at_ms: job.finished_at_ms,
        n_ignored: job.n_ignored,
        counts: counts.into(),
        rate_per_s: rate,
        time_left_s: rate.filter(|rate| *rate > 0.0).map(|rate| left / rate),
        failures: failures.map(|failures| failures.into_iter().map(Failure::from).collect()),
        links: Links { events: format!("{base}/events"), results: format!("{base}/results"), own: base },
        id: job.id,
    })
}

/// Tasks a second, over the last ends that took work.
async fn rate(jobs: &Jobs, id: &str) -> Result<Option<f64>, StorageError> {
    let ends = jobs.storage.last_ends(id, RATE_OVER).await?;
    let (Some(newest), Some(oldest)) = (ends.first(), ends.last()) else { return Ok(None) };
    let (n, span_ms) = (ends.len() - 1, newest - oldest);
    Ok((n > 0 && span_ms > 0).then(|| n as f64 * 1e3 / span_ms as f64))
}

impl From<TaskCounts> for CountsDocument {
    fn from(counts: TaskCounts) -> Self {
        let TaskCounts { total, waiting, running, done, reused, failed, unpaired, cancelled } = counts;
        Self { total, waiting, running, done, reused, failed, unpaired, cancelled }
    }
}

impl From<Task> for Failure {
    fn from(task: Task) -> Self {
        Self { name: task.name, state: task.state, reason: task.reason, attempts: task.attempts }
    }
}
