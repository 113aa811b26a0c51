//! Reading jobs.

use super::{
    database::Storage,
    error::StorageError,
    job::{self, JOB_COLUMNS, Job, JobRow, JobState, TaskCounts},
};

impl Storage {
    /// Returns a job by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StorageError> {
        let mut reader = self.reader.begin().await?;
        job::find(&mut reader, id).await
    }

    /// Returns jobs, newest first, at most `limit`. `state` and `before` (an id: only older jobs) narrow the list.
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
            "SELECT {JOB_COLUMNS} FROM job WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR id < $2) \
             ORDER BY id DESC LIMIT $3"
        );
        let rows: Vec<JobRow> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(state.map(JobState::name))
            .bind(before)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(Job::try_from).collect()
    }

    /// Returns the numbers of a job's tasks by state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self, id: &str) -> Result<TaskCounts, StorageError> {
        let statement =
            "SELECT state, COUNT(*), COALESCE(SUM(reused), 0) FROM task WHERE job_id = $1 GROUP BY state";
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as(statement).bind(id).fetch_all(&self.reader).await?;
        let mut counts = TaskCounts::default();
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

    /// Returns the ids of jobs that ended earlier than `before_ms`, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ended_before(&self, before_ms: i64) -> Result<Vec<String>, StorageError> {
        let statement = "SELECT id FROM job WHERE finished_at_ms < $1 ORDER BY id";
        Ok(sqlx::query_scalar(statement).bind(before_ms).fetch_all(&self.reader).await?)
    }
}
