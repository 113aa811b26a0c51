//! The document that describes a job.

use serde::Serialize;
use serde_json::Value;

use crate::{
    jobs::service::Jobs,
    storage::{Job, StorageError, Task, TaskCounts},
};

/// Most failures that a document lists. `counts` has the number of all failures.
const FAILURES_MAX: i64 = 1000;
/// Number of the last tasks from whose ends the rate is computed.
const RATE_OVER: i64 = 21;

/// A job as answers show it.
#[derive(Serialize)]
pub(super) struct JobDocument {
    id: String,
    kind: &'static str,
    /// The job's state, or `paused` while the disk takes no writes.
    state: &'static str,
    reason: Option<String>,
    request: Value,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    finished_at_ms: Option<i64>,
    n_ignored: i64,
    counts: JobCounts,
    rate_per_s: Option<f64>,
    time_left_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<Vec<TaskFailure>>,
    links: JobLinks,
}

/// The number of a job's tasks, in total and by state.
#[derive(Serialize)]
struct JobCounts {
    total: i64,
    waiting: i64,
    running: i64,
    done: i64,
    reused: i64,
    failed: i64,
    unpaired: i64,
    cancelled: i64,
}

/// A task that failed or has no mate.
#[derive(Serialize)]
struct TaskFailure {
    name: String,
    state: String,
    reason: Option<String>,
    attempts: i64,
    /// The problem document of a picture that cannot be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Value>,
}

/// The paths of a job.
#[derive(Serialize)]
struct JobLinks {
    own: String,
    events: String,
    results: String,
}

/// Reads the counts and the rate of a job, and its failures if `with_failures`.
pub(super) async fn job_document(
    jobs: &Jobs,
    job: Job,
    with_failures: bool,
) -> Result<JobDocument, StorageError> {
    let counts = jobs.storage.counts(&job.id).await?;
    let rate = if job.state.is_final() { None } else { rate(jobs, &job.id).await? };
    let left = (counts.waiting + counts.running) as f64;
    let failures =
        if with_failures { Some(jobs.storage.failures(&job.id, FAILURES_MAX).await?) } else { None };
    let paused = jobs.paused().filter(|_| !job.state.is_final());
    let base = format!("/jobs/{}", job.id);
    Ok(JobDocument {
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
        failures: failures.map(|failures| failures.into_iter().map(TaskFailure::from).collect()),
        links: JobLinks { events: format!("{base}/events"), results: format!("{base}/results"), own: base },
        id: job.id,
    })
}

/// Returns tasks per second, from the times when the last computed tasks ended.
async fn rate(jobs: &Jobs, id: &str) -> Result<Option<f64>, StorageError> {
    let ends = jobs.storage.last_ends(id, RATE_OVER).await?;
    let (Some(newest), Some(oldest)) = (ends.first(), ends.last()) else { return Ok(None) };
    let (n, span_ms) = (ends.len() - 1, newest - oldest);
    Ok((n > 0 && span_ms > 0).then(|| n as f64 * 1e3 / span_ms as f64))
}

impl From<TaskCounts> for JobCounts {
    fn from(counts: TaskCounts) -> Self {
        let TaskCounts { total, waiting, running, done, reused, failed, unpaired, cancelled } = counts;
        Self { total, waiting, running, done, reused, failed, unpaired, cancelled }
    }
}

impl From<Task> for TaskFailure {
    fn from(task: Task) -> Self {
        let problem = task.problem.and_then(|document| serde_json::from_str(&document).ok());
        Self { name: task.name, state: task.state, reason: task.reason, attempts: task.attempts, problem }
    }
}
