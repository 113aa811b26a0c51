//! Table `job`: what was asked for and how far it is.

use serde_json::json;
use sqlx::FromRow;
use std::{fmt, str::FromStr};
use ulid::Ulid;

use super::{
    Storage, StorageError, Tx, events, keys, now_ms, queue,
    tasks::{self, NewTask, TaskState},
};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Searches the best parameters of every pair.
    Optimize,
    /// Trains a model.
    Train,
    /// Measures a model.
    Evaluate,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [JobKind; 3] = [JobKind::Optimize, JobKind::Train, JobKind::Evaluate];

    /// Its name in the database and outside.
    pub const fn name(self) -> &'static str {
        match self {
            JobKind::Optimize => "optimize",
            JobKind::Train => "train",
            JobKind::Evaluate => "evaluate",
        }
    }
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Nothing was begun.
    Queued,
    /// Something was begun.
    Running,
    /// Everything ended, and something was done.
    Finished,
    /// Everything ended, and nothing was done.
    Failed,
    /// It was called off.
    Cancelled,
}

impl JobState {
    /// Every state.
    pub const ALL: [JobState; 5] =
        [JobState::Queued, JobState::Running, JobState::Finished, JobState::Failed, JobState::Cancelled];

    /// Its name in the database and outside.
    pub const fn name(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Finished => "finished",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
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

/// A job as it stands.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// The request as it was accepted, JSON.
    pub request: String,
    /// Where it is.
    pub state: JobState,
    /// Why it failed.
    pub reason: Option<String>,
    /// Files of the dataset that are no pictures by their extension.
    pub n_ignored: i64,
    /// When it was accepted, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When its first task was begun.
    pub started_at_ms: Option<i64>,
    /// When its last task ended.
    pub finished_at_ms: Option<i64>,
}

#[derive(FromRow)]
struct Row {
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

const COLUMNS: &str =
    "id, kind, request, state, reason, n_ignored, created_at_ms, started_at_ms, finished_at_ms";

impl TryFrom<Row> for Job {
    type Error = StorageError;
    fn try_from(row: Row) -> Result<Self, StorageError> {
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

/// A job that is accepted now.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// The request, JSON.
    pub request: String,
    /// Files of the dataset that are no pictures by their extension.
    pub n_ignored: i64,
    /// Its tasks in order.
    pub tasks: Vec<NewTask>,
    /// The key that its request had.
    pub key: Option<String>,
}

/// How many tasks of a job are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub total: i64,
    /// Not begun.
    pub waiting: i64,
    /// Begun.
    pub running: i64,
    /// Done, reused ones included.
    pub done: i64,
    /// Done without computing anything.
    pub reused: i64,
    /// Failed.
    pub failed: i64,
    /// Pictures without a mate.
    pub unpaired: i64,
    /// Called off.
    pub cancelled: i64,
}

impl Storage {
    /// Accepts a job: its row, its tasks, their places in the queue and the key of its request, all or nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accept(&self, new: &NewJob) -> Result<Job, StorageError> {
        let id = Ulid::generate().to_string();
        let mut tx = self.begin().await?;
        let statement = "INSERT INTO job (id, kind, request, state, n_ignored, created_at_ms) \
                         VALUES ($1, $2, $3, 'queued', $4, $5)";
        sqlx::query(statement)
            .bind(&id)
            .bind(new.kind.name())
            .bind(&new.request)
            .bind(new.n_ignored)
            .bind(now_ms())
            .execute(&mut *tx)
            .await?;
        let waiting: Vec<i64> = (0_i64..)
            .zip(&new.tasks)
            .filter(|(_, task)| task.state == TaskState::Waiting)
            .map(|(position, _)| position)
            .collect();
        let ids = queue::queue_ids(waiting.len());
        tasks::insert(&mut tx, &id, &new.tasks, &ids).await?;
        let queued: Vec<(i64, String)> = waiting.into_iter().zip(ids).collect();
        queue::push(&mut tx, &id, &queued).await?;
        if let Some(key) = &new.key {
            keys::bind(&mut tx, key, &id).await?;
        }
        let data = json!({ "kind": new.kind.name(), "tasks": new.tasks.len(), "waiting": queued.len() });
        events::append(&mut tx, &id, "accepted", data).await?;
        settle(&mut tx, &id).await?;
        let job = find(&mut tx, &id).await?.expect("written in this transaction");
        self.commit(tx).await?;
        Ok(job)
    }

    /// A job by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StorageError> {
        let mut reader = self.reader.begin().await?;
        find(&mut reader, id).await
    }

    /// Jobs, newest first: those accepted before the job `before`, in `state`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn jobs(
        &self,
        state: Option<JobState>,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Job>, StorageError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM job WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR id < $2) \
             ORDER BY id DESC LIMIT $3"
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(state.map(JobState::name))
            .bind(before)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(Job::try_from).collect()
    }

    /// How many tasks of a job are in which state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self, id: &str) -> Result<Counts, StorageError> {
        let statement =
            "SELECT state, COUNT(*), COALESCE(SUM(reused), 0) FROM task WHERE job_id = $1 GROUP BY state";
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as(statement).bind(id).fetch_all(&self.reader).await?;
        let mut counts = Counts::default();
        for (state, n, reused) in rows {
            counts.total += n;
            counts.reused += reused;
            let slot = match state.as_str() {
                "waiting" => &mut counts.waiting,
                "running" => &mut counts.running,
                "done" => &mut counts.done,
                "failed" => &mut counts.failed,
                "unpaired" => &mut counts.unpaired,
                "cancelled" => &mut counts.cancelled,
                other => {
                    return Err(StorageError::Corrupt { what: "a task's state", reason: other.to_owned() });
                }
            };
            *slot = n;
        }
        Ok(counts)
    }

    /// Calls a job off: what was done stays, the rest ends now. A job that has ended stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, id: &str) -> Result<Option<Job>, StorageError> {
        let mut tx = self.begin().await?;
        let Some(job) = find(&mut tx, id).await? else { return Ok(None) };
        if job.state.is_final() {
            return Ok(Some(job));
        }
        queue::withdraw(&mut tx, id).await?;
        let statement = "UPDATE task SET state = 'cancelled', finished_at_ms = $2 \
                         WHERE job_id = $1 AND state IN ('waiting', 'running')";
        let n = sqlx::query(statement).bind(id).bind(now_ms()).execute(&mut *tx).await?.rows_affected();
        end(&mut tx, id, JobState::Cancelled, None).await?;
        events::append(&mut tx, id, "cancelled", json!({ "tasks": n })).await?;
        let job = find(&mut tx, id).await?;
        self.commit(tx).await?;
        Ok(job)
    }

    /// Queues the failed tasks of a job once more, and tells how many there are. What never was a pair stays failed, and
    /// so does everything of a cancelled job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry(&self, id: &str) -> Result<u64, StorageError> {
        let mut tx = self.begin().await?;
        let statement = "SELECT position FROM task WHERE job_id = $1 AND state = 'failed' \
                         AND queue_id IS NOT NULL AND EXISTS \
                         (SELECT 1 FROM job WHERE id = $1 AND state <> 'cancelled') ORDER BY position";
        let positions: Vec<i64> = sqlx::query_scalar(statement).bind(id).fetch_all(&mut *tx).await?;
        let ids = queue::queue_ids(positions.len());
        let queued: Vec<(i64, String)> = positions.into_iter().zip(ids).collect();
        let statement = "UPDATE task SET state = 'waiting', reason = NULL, attempts = 0, finished_at_ms = NULL, \
                         queue_id = $3 WHERE job_id = $1 AND position = $2";
        for (position, queue_id) in &queued {
            sqlx::query(statement).bind(id).bind(position).bind(queue_id).execute(&mut *tx).await?;
        }
        if queued.is_empty() {
            return Ok(0);
        }
        queue::push(&mut tx, id, &queued).await?;
        let statement = "UPDATE job SET state = 'queued', reason = NULL, finished_at_ms = NULL \
                         WHERE id = $1 AND state IN ('finished', 'failed')";
        sqlx::query(statement).bind(id).execute(&mut *tx).await?;
        events::append(&mut tx, id, "retried", json!({ "tasks": queued.len() })).await?;
        self.commit(tx).await?;
        Ok(queued.len() as u64)
    }

    /// Deletes a job that has ended, with its tasks and events; results stay for others until they are swept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, id: &str) -> Result<bool, StorageError> {
        let statement = "DELETE FROM job WHERE id = $1 AND state IN ('finished', 'failed', 'cancelled')";
        let mut tx = self.begin().await?;
        let n = sqlx::query(statement).bind(id).execute(&mut *tx).await?.rows_affected();
        self.commit(tx).await?;
        Ok(n > 0)
    }

    /// Ids of jobs that ended before a time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ended_before(&self, before_ms: i64) -> Result<Vec<String>, StorageError> {
        let statement = "SELECT id FROM job WHERE finished_at_ms < $1 ORDER BY id";
        Ok(sqlx::query_scalar(statement).bind(before_ms).fetch_all(&self.reader).await?)
    }
}

/// A job as this transaction sees it.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Option<Job>, StorageError> {
    let statement = format!("SELECT {COLUMNS} FROM job WHERE id = $1");
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await?;
    row.map(Job::try_from).transpose()
}

/// Notes that a task of a job was begun.
pub(super) async fn started(tx: &mut Tx, job: &Job) -> Result<(), StorageError> {
    if job.state != JobState::Queued {
        return Ok(());
    }
    let statement =
        "UPDATE job SET state = 'running', started_at_ms = COALESCE(started_at_ms, $2) WHERE id = $1";
    sqlx::query(statement).bind(&job.id).bind(now_ms()).execute(&mut **tx).await?;
    events::append(tx, &job.id, "started", json!({})).await
}

/// Ends a job none of whose tasks is open any more.
pub(super) async fn settle(tx: &mut Tx, id: &str) -> Result<(), StorageError> {
    let exists = async |tx: &mut Tx, states: &'static str| -> Result<bool, StorageError> {
        let statement = format!("SELECT 1 FROM task WHERE job_id = $1 AND state IN ({states}) LIMIT 1");
        let found: Option<i64> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await?;
        Ok(found.is_some())
    };
    if exists(tx, "'waiting', 'running'").await? {
        return Ok(());
    }
    let (state, reason) = if exists(tx, "'done'").await? {
        (JobState::Finished, None)
    } else {
        (JobState::Failed, Some("nothing in it succeeded"))
    };
    if end(tx, id, state, reason).await? {
        events::append(tx, id, state.name(), json!({ "reason": reason })).await?;
    }
    Ok(())
}

async fn end(tx: &mut Tx, id: &str, state: JobState, reason: Option<&str>) -> Result<bool, StorageError> {
    let statement = "UPDATE job SET state = $2, reason = $3, finished_at_ms = $4 \
                     WHERE id = $1 AND state IN ('queued', 'running')";
    let ended = sqlx::query(statement)
        .bind(id)
        .bind(state.name())
        .bind(reason)
        .bind(now_ms())
        .execute(&mut **tx)
        .await?
        .rows_affected();
    Ok(ended == 1)
}
