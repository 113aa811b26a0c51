//! Attempts at a task: their start and their end. A task ends once, however often the queue delivers it.
//!
//! ```text
//!              start_attempt                  finish_task, finish_command
//!  waiting ───────────────────────► running ──────────────────────────────► done
//!     ▲      attempts + 1              │ │     fail_task
//!     │                                │ └────────────────────────────────► failed
//!     └────────────────────────────────┘
//!       release_task (attempts - 1), or the process died (attempts stay)
//! ```
//!
//! `start_attempt` itself ends a task as failed when the attempts are used up.

use serde_json::json;

use super::{
    clock::now_ms,
    connection::Tx,
    database::Storage,
    error::StorageError,
    events,
    job::{self, Job},
    job_progress,
    results::{self, ResultKey, StoredOptimum},
    task::{TASK_COLUMNS, Task, TaskRef},
};

/// What [`Storage::start_attempt`] did.
#[derive(Debug)]
pub enum AttemptStart {
    /// The attempt has started and counts. Holds the job and the task as they were before the attempt.
    Started(Box<(Job, Task)>),
    /// The task had no attempts left and has failed.
    GivenUp,
    /// The task does not exist, or has ended already.
    Ended,
}

impl Storage {
    /// Starts an attempt at a task. The attempt is counted and committed before any work, so that an attempt which
    /// kills this process counts. A task with `attempts_max` attempts fails instead.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_attempt(
        &self,
        task: &TaskRef,
        attempts_max: i64,
    ) -> Result<AttemptStart, StorageError> {
        let mut tx = self.begin().await?;
        let Some(found) = find_open(&mut tx, task).await? else { return Ok(AttemptStart::Ended) };
        let Some(job) = job::find(&mut tx, &task.job).await? else { return Ok(AttemptStart::Ended) };
        if found.attempts >= attempts_max {
            let reason = given_up(&found);
            end(&mut tx, task, &found.name, TaskEnd::Failed { reason: &reason, problem: None }).await?;
            self.commit(tx).await?;
            return Ok(AttemptStart::GivenUp);
        }
        let statement = "UPDATE task SET attempts = attempts + 1, state = 'running' \
                         WHERE job_id = $1 AND position = $2";
        sqlx::query(statement).bind(&task.job).bind(task.position).execute(&mut *tx).await?;
        job_progress::start(&mut tx, &job).await?;
        self.commit(tx).await?;
        Ok(AttemptStart::Started(Box::new((job, found))))
    }

    /// Stores how the process of an attempt crashed, for the reason that [`Storage::start_attempt`] gives when it gives
    /// the task up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_crash(&self, task: &TaskRef, how: &str) -> Result<(), StorageError> {
        let statement =
            "UPDATE task SET reason = $3 WHERE job_id = $1 AND position = $2 AND state = 'running'";
        sqlx::query(statement).bind(&task.job).bind(task.position).bind(how).execute(&self.writer).await?;
        Ok(())
    }

    /// Ends a task as done, with the result of `key`. `found` is the result to store; `None` means that it is stored
    /// already. A task that a cancellation has ended stays cancelled, and its result stays for other jobs.
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
        end(&mut tx, task, name, TaskEnd::Found { result: &result, reused: found.is_none() }).await?;
        self.commit(tx).await
    }

    /// Ends a task whose result is a file: of a command, or a restored picture. `said` is the end of its process's
    /// standard error.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_command(&self, task: &TaskRef, name: &str, said: &str) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        end(&mut tx, task, name, TaskEnd::Done { said }).await?;
        self.commit(tx).await
    }

    /// Ends a task as failed. `problem` is the problem document of a picture that was refused, as JSON.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fail_task(
        &self,
        task: &TaskRef,
        name: &str,
        reason: &str,
        problem: Option<&str>,
    ) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        end(&mut tx, task, name, TaskEnd::Failed { reason, problem }).await?;
        self.commit(tx).await
    }

    /// Sets a running task back to waiting and takes its attempt back, when something other than the task stopped it.
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
}

/// Reads a task that waits or runs.
async fn find_open(tx: &mut Tx, task: &TaskRef) -> Result<Option<Task>, StorageError> {
    let statement = format!(
        "SELECT {TASK_COLUMNS} FROM task WHERE job_id = $1 AND position = $2 AND state IN ('waiting', 'running')"
    );
    let found = sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(&task.job)
        .bind(task.position)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found)
}

/// The reason of a task without attempts left.
fn given_up(task: &Task) -> String {
    let last = task.reason.as_ref().map_or(String::new(), |how| format!("; the last known cause: {how}"));
    format!(
        "the task was given up after {} attempts (setting jobs.attempts_max): its process crashed or was killed each \
         time{last}",
        task.attempts
    )
}

/// How a task ends.
enum TaskEnd<'a> {
    Found { result: &'a str, reused: bool },
    Done { said: &'a str },
    Failed { reason: &'a str, problem: Option<&'a str> },
}

/// Ends a task that waits or runs, writes the event, and ends the job after its last task. A task that has ended
/// already stays unchanged: this condition is what makes a task end once.
async fn end(tx: &mut Tx, task: &TaskRef, name: &str, end: TaskEnd<'_>) -> Result<(), StorageError> {
    let (mut result, mut problem, mut reused) = (None, None, false);
    let (state, reason) = match end {
        TaskEnd::Found { result: id, reused: is_reused } => {
            (result, reused) = (Some(id), is_reused);
            ("done", None)
        }
        TaskEnd::Done { said } => ("done", Some(said).filter(|said| !said.is_empty())),
        TaskEnd::Failed { reason, problem: document } => {
            problem = document;
            ("failed", Some(reason))
        }
    };
    let statement = "UPDATE task SET state = $3, reason = $4, result_id = $5, reused = $6, finished_at_ms = $7, \
                     problem = $8 \
                     WHERE job_id = $1 AND position = $2 AND state IN ('waiting', 'running')";
    let ended = sqlx::query(statement)
        .bind(&task.job)
        .bind(task.position)
        .bind(state)
        .bind(reason)
        .bind(result)
        .bind(i64::from(reused))
        .bind(now_ms())
        .bind(problem)
        .execute(&mut **tx)
        .await?
        .rows_affected();
    if ended == 1 {
        let data = json!({ "name": name, "state": state, "reused": reused, "reason": reason });
        events::append(tx, &task.job, "task", data).await?;
        job_progress::settle(tx, &task.job).await?;
    }
    Ok(())
}
