//! Forgetting: jobs that ended long ago, results that no job has any more, what the queue keeps of tasks that are done.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{command_job, service::Jobs};
use crate::storage::StorageError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Forgets what is older than the setting `jobs.retention_days`.
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

/// Forgets jobs that ended before a time, and results older than it that no job has.
///
/// # Errors
/// When the database fails.
pub async fn forget_before(jobs: &Jobs, before_ms: i64) -> Result<(), StorageError> {
    for id in jobs.storage.ended_before(before_ms).await? {
        delete(jobs, &id).await?;
        tracing::info!(job = id, "a job was deleted after the time of jobs.retention_days");
    }
    let n_results = jobs.storage.sweep_results(before_ms).await?;
    if n_results > 0 {
        tracing::info!(n_results, "results were deleted that no job has");
    }
    Ok(())
}

/// Deletes a job that has ended, with its files; tells whether it was there.
///
/// # Errors
/// When the database fails.
pub async fn delete(jobs: &Jobs, id: &str) -> Result<bool, StorageError> {
    let deleted = jobs.storage.delete(id).await?;
    if deleted {
        let folder = command_job::folder(&jobs.setup.folder, id);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, job = id, "the files of a deleted job stay");
            }
            _ => {}
        }
    }
    Ok(deleted)
}
