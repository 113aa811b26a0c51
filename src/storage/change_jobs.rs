//! What a user does to an accepted job: cancel, retry, delete.

use serde_json::json;

use super::{
    clock::now_ms,
    database::Storage,
    error::StorageError,
    events,
    job::{self, Job, JobState},
    job_progress, queue,
};

impl Storage {
    /// Cancels a job and returns it. Tasks that have ended keep their end; all others end now. A job that has ended
    /// stays unchanged.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, id: &str) -> Result<Option<Job>, StorageError> {
        let mut tx = self.begin().await?;
        let Some(job) = job::find(&mut tx, id).await? else { return Ok(None) };
        if job.state.is_final() {
            return Ok(Some(job));
        }
        queue::withdraw(&mut tx, id).await?;
        let statement = "UPDATE task SET state = 'cancelled', finished_at_ms = $2 \
                         WHERE job_id = $1 AND state IN ('waiting', 'running')";
        let n = sqlx::query(statement).bind(id).bind(now_ms()).execute(&mut *tx).await?.rows_affected();
        job_progress::end(&mut tx, id, JobState::Cancelled, None).await?;
        events::append(&mut tx, id, "cancelled", json!({ "tasks": n })).await?;
        let job = job::find(&mut tx, id).await?;
        self.commit(tx).await?;
        Ok(job)
    }

    /// Queues the failed tasks of a job once more and returns their number. Tasks that never were a pair stay failed.
    /// A cancelled job stays unchanged.
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
        let statement = "UPDATE task SET state = 'waiting', reason = NULL, problem = NULL, attempts = 0, \
                         finished_at_ms = NULL, queue_id = $3 WHERE job_id = $1 AND position = $2";
        for (position, queue_id) in &queued {
            sqlx::query(statement).bind(id).bind(position).bind(queue_id).execute(&mut *tx).await?;
        }
        if queued.is_empty() {
            return Ok(0);
        }
        let Some(job) = job::find(&mut tx, id).await? else { return Ok(0) };
        queue::push(&mut tx, id, &queued, job.kind.priority()).await?;
        let statement = "UPDATE job SET state = 'queued', reason = NULL, finished_at_ms = NULL \
                         WHERE id = $1 AND state IN ('finished', 'failed')";
        sqlx::query(statement).bind(id).execute(&mut *tx).await?;
        events::append(&mut tx, id, "retried", json!({ "tasks": queued.len() })).await?;
        self.commit(tx).await?;
        Ok(queued.len() as u64)
    }

    /// Deletes a job that has ended, with its tasks and events. Returns whether there was such a job. Its results stay
    /// for other jobs until [`Storage::sweep_results`].
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
}
