//! The queue's tables, which are apalis': tasks go in with what they are about, in one transaction.

use apalis::prelude::{TaskBuilder, TaskId};
use apalis_core::backend::WorkerFilter;
use apalis_sqlite::{Config, SqliteStorage, queries};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use ulid::Ulid;

use super::{Storage, StorageError, Tx};

/// The queue's name.
pub const QUEUE: &str = "pentimento";

/// A worker that has not been heard of for ten seconds is dead. Its heart beats while it works, on a thread of its own,
/// so the window need not be as long as a pair.
const HEARTBEAT: Duration = Duration::from_secs(2);
const MISSED_HEARTBEATS: usize = 5;

/// The queue counts attempts too; ours, in `task`, is the count that decides.
const QUEUE_ATTEMPTS_MAX: usize = 1_000_000;

/// What the queue carries: which task of which job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskRef {
    /// The job.
    pub job: String,
    /// Its task.
    pub position: i64,
}

/// The queue as a worker takes from it.
pub type Queue = SqliteStorage<TaskRef>;

impl Storage {
    /// The queue with the rules under which nothing is lost: one task at a time is fetched (a fetched task that waits
    /// behind another would stop the heartbeat), and a dead worker's tasks are taken over soon.
    pub fn queue(&self) -> Queue {
        let config = Config::default()
            .queue(QUEUE)
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED_HEARTBEATS);
        SqliteStorage::new(&self.writer).with_config(config)
    }

    /// Forgets acknowledged tasks and workers that hold nothing and have been silent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_queue(&self) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM Jobs WHERE status IN ('Done', 'Killed')").execute(&mut *tx).await?;
        let silent = HEARTBEAT.as_secs() as i64 * MISSED_HEARTBEATS as i64;
        let statement = "DELETE FROM Workers WHERE CAST(strftime('%s', 'now') AS INTEGER) - last_seen > $1 \
                         AND id NOT IN (SELECT lock_by FROM Jobs WHERE lock_by IS NOT NULL)";
        sqlx::query(statement).bind(silent).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Ids for the queue, in the order in which they are to be done.
pub(super) fn queue_ids(n: usize) -> Vec<String> {
    let mut id = Ulid::generate();
    let mut ids = Vec::with_capacity(n);
    for _ in 0..n {
        ids.push(id.to_string());
        id = id.increment().unwrap_or_else(|_| Ulid::generate());
    }
    ids
}

/// Adds tasks to the queue.
pub(super) async fn push(tx: &mut Tx, job: &str, tasks: &[(i64, String)]) -> Result<(), StorageError> {
    let corrupt = |e: &dyn std::fmt::Display| StorageError::Corrupt { what: "a task", reason: e.to_string() };
    let mut batch = Vec::with_capacity(tasks.len());
    for (position, id) in tasks {
        let task = TaskRef { job: job.to_owned(), position: *position };
        let payload = serde_json::to_vec(&task).map_err(|e| corrupt(&e))?;
        let id = Ulid::from_string(id).map_err(|e| corrupt(&e))?;
        batch.push(
            TaskBuilder::new(payload).task_id(TaskId::from_ulid(id)).max_attempts(QUEUE_ATTEMPTS_MAX).build(),
        );
    }
    queries::push_tasks(&mut **tx, QUEUE, &batch).await?;
    Ok(())
}

/// Takes the tasks of a job that no worker has yet out of the queue.
pub(super) async fn withdraw(tx: &mut Tx, job: &str) -> Result<(), StorageError> {
    let statement = "DELETE FROM Jobs WHERE status IN ('Pending', 'Failed') \
                     AND id IN (SELECT queue_id FROM task WHERE job_id = $1 AND queue_id IS NOT NULL)";
    sqlx::query(statement).bind(job).execute(&mut **tx).await?;
    Ok(())
}

/// Takes over the tasks of every worker there ever was.
pub(super) async fn requeue_everything(tx: &mut Tx) -> Result<(), StorageError> {
    queries::reenqueue_orphaned(&mut **tx, 0, QUEUE, &WorkerFilter::None).await?;
    Ok(())
}
