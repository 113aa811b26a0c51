//! Table `job`: one row per job.

use sqlx::FromRow;
use std::{fmt, str::FromStr};
use ulid::Ulid;

use super::{connection::Tx, error::StorageError, task::NewTask};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Searches the best parameters of every pair.
    Optimize,
    /// Trains a model.
    Train,
    /// Measures a model.
    Evaluate,
    /// Restores uploaded pictures.
    Restore,
}

impl JobKind {
    /// All kinds.
    pub const ALL: [JobKind; 4] = [JobKind::Optimize, JobKind::Train, JobKind::Evaluate, JobKind::Restore];

    /// Name of the kind in the database and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            JobKind::Optimize => "optimize",
            JobKind::Train => "train",
            JobKind::Evaluate => "evaluate",
            JobKind::Restore => "restore",
        }
    }

    /// Priority of the kind's tasks in the queue; the highest comes first. A client waits for a restored picture. It
    /// does not wait until all pairs of earlier searches have ended.
    pub(super) const fn priority(self) -> usize {
        match self {
            JobKind::Restore => 1,
            JobKind::Optimize | JobKind::Train | JobKind::Evaluate => 0,
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No task has started.
    Queued,
    /// At least one task has started.
    Running,
    /// All tasks have ended, and at least one succeeded.
    Finished,
    /// All tasks have ended, and none succeeded.
    Failed,
    /// A user cancelled the job.
    Cancelled,
}

impl JobState {
    /// All states.
    pub const ALL: [JobState; 5] =
        [JobState::Queued, JobState::Running, JobState::Finished, JobState::Failed, JobState::Cancelled];

    /// Name of the state in the database and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Finished => "finished",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    /// Whether the job has ended. Only a user's retry changes it then.
    pub const fn is_final(self) -> bool {
        matches!(self, JobState::Finished | JobState::Failed | JobState::Cancelled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for JobState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        JobState::ALL.into_iter().find(|state| state.name() == text).ok_or(())
    }
}

/// A job as the database has it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Id of the job, a ULID.
    pub id: String,
    /// What the job does.
    pub kind: JobKind,
    /// The accepted request, as JSON.
    pub request: String,
    /// How far the job is.
    pub state: JobState,
    /// Why the job failed.
    pub reason: Option<String>,
    /// Files of the dataset whose extension is not that of a picture.
    pub n_ignored: i64,
    /// Time of acceptance, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Time when the first task started, in milliseconds since 1970.
    pub started_at_ms: Option<i64>,
    /// Time when the last task ended, in milliseconds since 1970.
    pub finished_at_ms: Option<i64>,
}

/// A row of the table, before kind and state are checked.
#[derive(FromRow)]
pub(super) struct JobRow {
    id: String,
    kind: String,
    request: String,
    state: String,
    reason: Option<String>,
    n_ignored: i64,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    finished_at_ms: Option<i64>,
}

/// The columns of a [`JobRow`].
pub(super) const JOB_COLUMNS: &str =
    "id, kind, request, state, reason, n_ignored, created_at_ms, started_at_ms, finished_at_ms";

impl TryFrom<JobRow> for Job {
    type Error = StorageError;
    fn try_from(row: JobRow) -> Result<Self, StorageError> {
        let corrupt = |what, text: &str| StorageError::Corrupt { what, reason: format!("{text:?}") };
        let kind = JobKind::ALL.into_iter().find(|kind| kind.name() == row.kind);
        Ok(Job {
            kind: kind.ok_or_else(|| corrupt("a kind of job", &row.kind))?,
            state: row.state.parse().map_err(|()| corrupt("a state", &row.state))?,
            id: row.id,
            request: row.request,
            reason: row.reason,
            n_ignored: row.n_ignored,
            created_at_ms: row.created_at_ms,
            started_at_ms: row.started_at_ms,
            finished_at_ms: row.finished_at_ms,
        })
    }
}

/// A job to be accepted.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Id of the job, from [`NewJob::id`].
    pub id: String,
    /// What the job does.
    pub kind: JobKind,
    /// The request, as JSON.
    pub request: String,
    /// Files of the dataset whose extension is not that of a picture.
    pub n_ignored: i64,
    /// The tasks in order.
    pub tasks: Vec<NewTask>,
    /// The idempotency key of the request.
    pub key: Option<String>,
}

impl NewJob {
    /// Returns the id of a new job, a ULID. Ids sort by the time of this call.
    pub fn id() -> String {
        Ulid::generate().to_string()
    }
}

/// Numbers of a job's tasks by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// All tasks.
    pub total: i64,
    /// Tasks that have not started.
    pub waiting: i64,
    /// Tasks that have started and not ended.
    pub running: i64,
    /// Tasks that succeeded, reused ones included.
    pub done: i64,
    /// Tasks that succeeded with a stored result, without a search.
    pub reused: i64,
    /// Tasks that failed.
    pub failed: i64,
    /// Pictures without a mate on the other side of the dataset.
    pub unpaired: i64,
    /// Tasks that a cancellation ended.
    pub cancelled: i64,
}

/// Reads a job within a transaction.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Option<Job>, StorageError> {
    let statement = format!("SELECT {JOB_COLUMNS} FROM job WHERE id = $1");
    let row: Option<JobRow> =
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await?;
    row.map(Job::try_from).transpose()
}
