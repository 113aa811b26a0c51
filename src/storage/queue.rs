//! The queue's tables, which belong to apalis. A task's entry is added in the transaction that adds the task.

use apalis::prelude::{TaskBuilder, TaskId};
use apalis_core::backend::WorkerFilter;
use apalis_sqlite::{Config, SqliteStorage, queries};
use std::time::Duration;
use ulid::Ulid;

use super::{connection::Tx, database::Storage, error::StorageError, task::TaskRef};

/// The queue's name.
pub const QUEUE: &str = "pentimento";

/// Time between two heartbeats of a worker. The heart beats on a thread of its own while the worker works.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Heartbeats after which a silent worker counts as dead: ten seconds. The heart beats during work as well, so this
/// time may be shorter than a pair takes.
const MISSED_HEARTBEATS: usize = 5;

/// The queue's own bound on attempts, out of reach. The column `attempts` of table `task` is the count that decides.
const QUEUE_ATTEMPTS_MAX: usize = 1_000_000;

/// The queue from which a worker takes tasks.
pub type Queue = SqliteStorage<TaskRef>;

impl Storage {
    /// Returns the queue, with settings under which no task is lost.
    ///
    /// A worker fetches one task at a time: a fetched task that waits for another task would stop the heartbeat. A dead
    /// worker's tasks go to another worker after ten seconds.
    pub fn queue(&self) -> Queue {
        let config = Config::default()
            .queue(QUEUE)
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED_HEARTBEATS);
        SqliteStorage::new(&self.writer).with_config(config)
    }

    /// Deletes acknowledged queue entries, and silent workers that hold no entry.
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

/// Returns `n` new ids for the queue. The queue hands out tasks of one priority in the order of their ids.
pub(super) fn queue_ids(n: usize) -> Vec<String> {
    let mut id = Ulid::generate();
    let mut ids = Vec::with_capacity(n);
    for _ in 0..n {
        ids.push(id.to_string());
        id = id.increment().unwrap_or_else(|_| Ulid::generate());
    }
    ids
}

/// Adds tasks of a job to the queue, each given by its position and its queue id. The queue hands out tasks of a higher
/// `priority` first.
pub(super) async fn push(
    tx: &mut Tx,
    job: &str,
    tasks: &[(i64, String)],
    priority: usize,
) -> Result<(), StorageError> {
    let corrupt = |e: &dyn std::fmt::Display| StorageError::Corrupt { what: "a task", reason: e.to_string() };
    let mut batch = Vec::with_capacity(tasks.len());
    for (position, id) in tasks {
        let task = TaskRef { job: job.to_owned(), position: *position };
        let payload = serde_json::to_vec(&task).map_err(|e| corrupt(&e))?;
        let id = Ulid::from_string(id).map_err(|e| corrupt(&e))?;
        let task = TaskBuilder::new(payload).task_id(TaskId::from_ulid(id)).priority(priority);
        batch.push(task.max_attempts(QUEUE_ATTEMPTS_MAX).build());
    }
    queries::push_tasks(&mut **tx, QUEUE, &batch).await?;
    Ok(())
}

/// Removes the tasks of a job that no worker has claimed yet.
pub(super) async fn withdraw(tx: &mut Tx, job: &str) -> Result<(), StorageError> {
    let statement = "DELETE FROM Jobs WHERE status IN ('Pending', 'Failed') \
                     AND id IN (SELECT queue_id FROM task WHERE job_id = $1 AND queue_id IS NOT NULL)";
    sqlx::query(statement).bind(job).execute(&mut **tx).await?;
    Ok(())
}

/// Frees the claimed tasks of all workers. Only correct while no worker runs.
pub(super) async fn requeue_everything(tx: &mut Tx) -> Result<(), StorageError> {
    queries::reenqueue_orphaned(&mut **tx, 0, QUEUE, &WorkerFilter::None).await?;
    Ok(())
}
