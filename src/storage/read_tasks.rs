//! Reading tasks.

use super::{
    database::Storage,
    error::StorageError,
    task::{TASK_COLUMNS, Task, TaskRef},
};

impl Storage {
    /// Returns the number of attempts at a task, or `None` if the task has ended or does not exist.
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

    /// Returns the task of a job at a position.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn task(&self, job: &str, position: i64) -> Result<Option<Task>, StorageError> {
        let statement = format!("SELECT {TASK_COLUMNS} FROM task WHERE job_id = $1 AND position = $2");
        let found = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(job)
            .bind(position)
            .fetch_optional(&self.reader)
            .await?;
        Ok(found)
    }

    /// Whether a task still needs work: it exists and has not ended, for example by a cancellation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_wanted(&self, task: &TaskRef) -> Result<bool, StorageError> {
        Ok(self.attempts(task).await?.is_some())
    }

    /// Returns the failed and unpaired tasks of a job with their reasons, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failures(&self, job: &str, limit: i64) -> Result<Vec<Task>, StorageError> {
        let statement = format!(
            "SELECT {TASK_COLUMNS} FROM task WHERE job_id = $1 AND state IN ('failed', 'unpaired') \
             ORDER BY position LIMIT $2"
        );
        let found = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(job)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        Ok(found)
    }

    /// Returns the times when the last computed tasks of a job ended, in milliseconds since 1970, newest first.
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
