//! Accepting a job: all of its rows in one transaction.

use serde_json::json;

use super::{
    clock::now_ms,
    connection::Tx,
    database::Storage,
    error::StorageError,
    events,
    job::{self, Job, NewJob},
    job_progress, keys, queue,
    task::{NewTask, TaskState},
};

impl Storage {
    /// Accepts a job. One transaction writes its row, its tasks, their queue entries and the key of its request. Returns
    /// nothing, and writes nothing, if `open_max` jobs are queued or running.
    ///
    /// # Errors
    /// When the database fails. Nothing is written then.
    pub async fn accept(&self, new: &NewJob, open_max: u64) -> Result<Option<Job>, StorageError> {
        let id = new.id.as_str();
        let mut tx = self.begin().await?;
        if count_open(&mut *tx).await? >= open_max {
            return Ok(None);
        }
        insert_job(&mut tx, new).await?;
        let waiting: Vec<i64> = (0_i64..)
            .zip(&new.tasks)
            .filter(|(_, task)| task.state == TaskState::Waiting)
            .map(|(position, _)| position)
            .collect();
        let ids = queue::queue_ids(waiting.len());
        insert_tasks(&mut tx, id, &new.tasks, &ids).await?;
        let queued: Vec<(i64, String)> = waiting.into_iter().zip(ids).collect();
        queue::push(&mut tx, id, &queued, new.kind.priority()).await?;
        if let Some(key) = &new.key {
            keys::bind(&mut tx, key, id).await?;
        }
        let data = json!({ "kind": new.kind.name(), "tasks": new.tasks.len(), "waiting": queued.len() });
        events::append(&mut tx, id, "accepted", data).await?;
        // A job without a waiting task ends at once.
        job_progress::settle(&mut tx, id).await?;
        let job = job::find(&mut tx, id).await?.expect("written in this transaction");
        self.commit(tx).await?;
        Ok(Some(job))
    }

    /// Returns the number of jobs that are queued or running.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn n_open(&self) -> Result<u64, StorageError> {
        count_open(&self.reader).await
    }
}

/// Counts the jobs that are queued or running.
async fn count_open(executor: impl sqlx::SqliteExecutor<'_>) -> Result<u64, StorageError> {
    let statement = "SELECT COUNT(*) FROM job WHERE state IN ('queued', 'running')";
    let n: i64 = sqlx::query_scalar(statement).fetch_one(executor).await?;
    Ok(n.unsigned_abs())
}

async fn insert_job(tx: &mut Tx, new: &NewJob) -> Result<(), StorageError> {
    let statement = "INSERT INTO job (id, kind, request, state, n_ignored, created_at_ms) \
                     VALUES ($1, $2, $3, 'queued', $4, $5)";
    sqlx::query(statement)
        .bind(&new.id)
        .bind(new.kind.name())
        .bind(&new.request)
        .bind(new.n_ignored)
        .bind(now_ms())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Writes the tasks of a new job. Tasks that wait take their queue ids from `ids`, in order.
async fn insert_tasks(tx: &mut Tx, job: &str, tasks: &[NewTask], ids: &[String]) -> Result<(), StorageError> {
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
