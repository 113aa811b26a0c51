//! The state of a job, as its tasks start and end.

use serde_json::json;

use super::{
    clock::now_ms,
    connection::Tx,
    error::StorageError,
    events,
    job::{Job, JobState},
};

/// Sets a queued job to running, when one of its tasks starts.
pub(super) async fn start(tx: &mut Tx, job: &Job) -> Result<(), StorageError> {
    if job.state != JobState::Queued {
        return Ok(());
    }
    let statement =
        "UPDATE job SET state = 'running', started_at_ms = COALESCE(started_at_ms, $2) WHERE id = $1";
    sqlx::query(statement).bind(&job.id).bind(now_ms()).execute(&mut **tx).await?;
    events::append(tx, &job.id, "started", json!({})).await
}

/// Ends a job if none of its tasks waits or runs.
pub(super) async fn settle(tx: &mut Tx, id: &str) -> Result<(), StorageError> {
    if has_tasks(tx, id, "'waiting', 'running'").await? {
        return Ok(());
    }
    let (state, reason) = if has_tasks(tx, id, "'done'").await? {
        (JobState::Finished, None)
    } else {
        (JobState::Failed, Some("no task of the job succeeded"))
    };
    if end(tx, id, state, reason).await? {
        events::append(tx, id, state.name(), json!({ "reason": reason })).await?;
    }
    Ok(())
}

/// Whether the job has a task in one of the `states`, a list of SQL literals.
async fn has_tasks(tx: &mut Tx, id: &str, states: &'static str) -> Result<bool, StorageError> {
    let statement = format!("SELECT 1 FROM task WHERE job_id = $1 AND state IN ({states}) LIMIT 1");
    let found: Option<i64> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await?;
    Ok(found.is_some())
}

/// Ends a job in `state`. Returns false, and changes nothing, if the job has ended already.
pub(super) async fn end(
    tx: &mut Tx,
    id: &str,
    state: JobState,
    reason: Option<&str>,
) -> Result<bool, StorageError> {
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
