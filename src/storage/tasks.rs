//! Table `task`: the claimable units of a job, from waiting to their end, each ended once.

use serde_json::json;
use sqlx::FromRow;

use super::{
    Storage, StorageError, Tx, events,
    jobs::{self, Job},
    now_ms,
    queue::TaskRef,
    results::{self, ResultKey, StoredOptimum},
};

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// To be done; what could not become a pair is born in another state.
    Waiting,
    /// It could not be done.
    Failed,
    /// A picture without a mate.
    Unpaired,
}

impl TaskState {
    const fn name(self) -> &'static str {
        match self {
            TaskState::Waiting => "waiting",
            TaskState::Failed => "failed",
            TaskState::Unpaired => "unpaired",
        }
    }
}

/// A task of a job that is being made.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Its name: a pair's, or the command's.
    pub name: String,
    /// The damaged file and the reference, below the datasets' root.
    pub files: Option<(String, String)>,
    /// How it begins.
    pub state: TaskState,
    /// Why it is not waiting.
    pub reason: Option<String>,
}

/// A task as it stands.
#[derive(Clone, Debug, FromRow)]
pub struct Task {
    /// Its place in the job.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// The damaged file, below the datasets' root.
    pub damaged: Option<String>,
    /// The reference's file, below the datasets' root.
    pub undamaged: Option<String>,
    /// `waiting`, `running`, `done`, `failed`, `unpaired`, `cancelled`.
    pub state: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
}

const COLUMNS: &str = "position, name, damaged, undamaged, state, reason, attempts";

/// How a task was begun.
#[derive(Debug)]
pub enum Begun {
    /// It is to be worked on; the attempt has been counted.
    Work(Box<(Job, Task)>),
    /// It was begun too often and never ended.
    GivenUp,
    /// It is not there, or has ended already.
    Nothing,
}

/// Writes the tasks of a new job; those that wait come back with their ids in the queue.
pub(super) async fn insert(
    tx: &mut Tx,
    job: &str,
    tasks: &[NewTask],
    ids: &[String],
) -> Result<(), StorageError> {
    let statement = "INSERT INTO task (job_id, position, name, damaged, undamaged, state, reason, attempts, \
                     queue_id, reused, finished_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, $9)";
    let mut ids = ids.iter();
    for (position, task) in (0_i64..).zip(tasks) {
        let waits = task.state == TaskState::Waiting;
        let (damaged, undamaged) = task.files.clone().unzip();
        sqlx::query(statement)
            .bind(job)
            .bind(position)
            .bind(&task.name)
            .bind(damaged)
            .bind(undamaged)
            .bind(task.state.name())
            .bind(&task.reason)
            .bind(if waits { ids.next() } else { None })
            .bind((!waits).then(now_ms))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

impl Storage {
    /// How often a task that has not ended was begun before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempts(&self, task: &TaskRef) -> Result<Option<i64>, StorageError> {
        let statement = "SELECT attempts FROM task WHERE job_id = $1 AND position = $2 \
                         AND state IN ('waiting', 'running')";
        let found = sqlx::query_scalar(statement)
            .bind(&task.job)
            .bind(task.position)
            .fetch_optional(&self.reader)
            .await?;
        Ok(found)
    }

    /// Begins a task: the attempt is counted, and committed, before anything is done. One that was begun
    /// `attempts_max` times fails here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_task(&self, task: &TaskRef, attempts_max: i64) -> Result<Begun, StorageError> {
        let mut tx = self.begin().await?;
        let statement = format!(
            "SELECT {COLUMNS} FROM task WHERE job_id = $1 AND position = $2 AND state IN ('waiting', 'running')"
        );
        let found: Option<Task> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(&task.job)
            .bind(task.position)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(found) = found else { return Ok(Begun::Nothing) };
        let Some(job) = jobs::find(&mut tx, &task.job).await? else { return Ok(Begun::Nothing) };
        if found.attempts >= attempts_max {
            let last = found.reason.map_or(String::new(), |how| format!("; the last that was seen: {how}"));
            let reason = format!(
                "given up after {} attempts, none of which came to an end: the process at work on it was killed or \
                 crashed each time (setting jobs.attempts_max){last}",
                found.attempts
            );
            end(&mut tx, task, &found.name, End::Failed(&reason)).await?;
            self.commit(tx).await?;
            return Ok(Begun::GivenUp);
        }
        let statement = "UPDATE task SET attempts = attempts + 1, state = 'running' \
                         WHERE job_id = $1 AND position = $2";
        sqlx::query(statement).bind(&task.job).bind(task.position).execute(&mut *tx).await?;
        jobs::started(&mut tx, &job).await?;
        self.commit(tx).await?;
        Ok(Begun::Work(Box::new((job, found))))
    }

    /// Notes how the process at work on a task crashed, in case it is given up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_crash(&self, task: &TaskRef, how: &str) -> Result<(), StorageError> {
        let statement =
            "UPDATE task SET reason = $3 WHERE job_id = $1 AND position = $2 AND state = 'running'";
        sqlx::query(statement).bind(&task.job).bind(task.position).bind(how).execute(&self.writer).await?;
        Ok(())
    }

    /// Ends a task with a result that is stored now, unless it is stored already. A task that has ended otherwise in
    /// the meantime, by a cancellation, stays as it is; what was found is kept for others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_task(
        &self,
        task: &TaskRef,
        name: &str,
        key: &ResultKey,
        found: Option<&StoredOptimum>,
    ) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        if let Some(found) = found {
            results::put(&mut tx, key, found).await?;
        }
        let result = key.id();
        end(&mut tx, task, name, End::Found { result: &result, reused: found.is_none() }).await?;
        self.commit(tx).await
    }

    /// Ends the one task of a job that is a command, with what it said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_command(&self, task: &TaskRef, name: &str, said: &str) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        end(&mut tx, task, name, End::Done { said }).await?;
        self.commit(tx).await
    }

    /// Ends a task that cannot be done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fail_task(&self, task: &TaskRef, name: &str, reason: &str) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        end(&mut tx, task, name, End::Failed(reason)).await?;
        self.commit(tx).await
    }

    /// Gives a task back that was stopped through no fault of its own: the attempt does not count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_task(&self, task: &TaskRef) -> Result<(), StorageError> {
        let statement = "UPDATE task SET state = 'waiting', attempts = attempts - 1 \
                         WHERE job_id = $1 AND position = $2 AND state = 'running'";
        let mut tx = self.begin().await?;
        sqlx::query(statement).bind(&task.job).bind(task.position).execute(&mut *tx).await?;
        self.commit(tx).await
    }

    /// Whether a task is still to be worked on: not cancelled, not deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_wanted(&self, task: &TaskRef) -> Result<bool, StorageError> {
        Ok(self.attempts(task).await?.is_some())
    }

    /// Tasks that did not end well, with their reasons, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failures(&self, job: &str, limit: i64) -> Result<Vec<Task>, StorageError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM task WHERE job_id = $1 AND state IN ('failed', 'unpaired') \
             ORDER BY position LIMIT $2"
        );
        let found = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(job)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        Ok(found)
    }

    /// When the last computed tasks of a job ended, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_ends(&self, job: &str, limit: i64) -> Result<Vec<i64>, StorageError> {
        let statement = "SELECT finished_at_ms FROM task WHERE job_id = $1 AND finished_at_ms IS NOT NULL \
                         AND reused = 0 AND state IN ('done', 'failed') AND attempts > 0 \
                         ORDER BY finished_at_ms DESC LIMIT $2";
        Ok(sqlx::query_scalar(statement).bind(job).bind(limit).fetch_all(&self.reader).await?)
    }
}

/// How a task ends.
enum End<'a> {
    Found { result: &'a str, reused: bool },
    Done { said: &'a str },
    Failed(&'a str),
}

async fn end(tx: &mut Tx, task: &TaskRef, name: &str, end: End<'_>) -> Result<(), StorageError> {
    let (state, reason, result, reused) = match end {
        End::Found { result, reused } => ("done", None, Some(result), reused),
        End::Done { said } => ("done", Some(said).filter(|said| !said.is_empty()), None, false),
        End::Failed(reason) => ("failed", Some(reason), None, false),
    };
    let statement = "UPDATE task SET state = $3, reason = $4, result_id = $5, reused = $6, finished_at_ms = $7 \
                     WHERE job_id = $1 AND position = $2 AND state IN ('waiting', 'running')";
    let ended = sqlx::query(statement)
        .bind(&task.job)
        .bind(task.position)
        .bind(state)
        .bind(reason)
        .bind(result)
        .bind(i64::from(reused))
        .bind(now_ms())
        .execute(&mut **tx)
        .await?
        .rows_affected();
    if ended == 1 {
        let data = json!({ "name": name, "state": state, "reused": reused, "reason": reason });
        events::append(tx, &task.job, "task", data).await?;
        jobs::settle(tx, &task.job).await?;
    }
    Ok(())
}
