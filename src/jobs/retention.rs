//! Deletes old data: jobs that ended long ago, results that no job uses, queue entries of ended tasks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::service::Jobs;
use crate::storage::StorageError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Deletes queue entries of ended tasks, and jobs older than the setting `jobs.retention_days`. 0 days keep jobs for
/// ever.
///
/// # Errors
/// When the database fails.
pub async fn sweep(jobs: &Jobs) -> Result<(), StorageError> {
    jobs.storage.sweep_queue().await?;
    let days = jobs.setup.settings.retention_days;
    if days == 0 {
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let before = now.saturating_sub(DAY * days);
    let before_ms = i64::try_from(before.as_millis()).unwrap_or(i64::MAX);
    forget_before(jobs, before_ms).await
}

/// Deletes jobs that ended earlier than `before_ms` (milliseconds since 1970), and older results that no job uses.
///
/// # Errors
/// When the database fails.
pub async fn forget_before(jobs: &Jobs, before_ms: i64) -> Result<(), StorageError> {
    for id in jobs.storage.ended_before(before_ms).await? {
        delete(jobs, &id).await?;
        tracing::info!(job = id, "a job was deleted, because it ended more than jobs.retention_days ago");
    }
    let n_results = jobs.storage.sweep_results(before_ms).await?;
    if n_results > 0 {
        tracing::info!(n_results, "results that no job uses were deleted");
    }
    Ok(())
}

/// Deletes a job that has ended, with its files. Returns whether there was such a job.
///
/// # Errors
/// When the database fails.
pub async fn delete(jobs: &Jobs, id: &str) -> Result<bool, StorageError> {
    let deleted = jobs.storage.delete(id).await?;
    if deleted {
        jobs.remove_files(id);
    }
    Ok(deleted)
}
