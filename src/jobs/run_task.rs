//! One task of the queue, from its claim to its end.
//!
//! The queue may deliver a task twice. Running a task twice is safe:
//!
//! 1. wait until no other delivery of the task runs in this process, then wait for a turn;
//! 2. count the attempt and commit it;
//! 3. look for a stored result with the same key, and otherwise start a process that computes it;
//! 4. store the result and end the task in one transaction, which does nothing if the task has ended.

use std::sync::Arc;

use anyhow::{Result, bail};
use tokio::sync::OwnedSemaphorePermit;

use super::{attempt::Attempt, command_job, request::JobRequest, service::Jobs};
use crate::storage::{AttemptStart, TaskRef};

/// Runs a task to its end, or gives it back when the service stops. A task that fails is stored as failed and is no
/// error here.
///
/// # Errors
/// When the database fails for good, the process crashes, or the service stops. The queue delivers the task again.
pub async fn run_task(jobs: &Arc<Jobs>, task: TaskRef) -> Result<()> {
    // The entry stays until this function returns. A second delivery waits for that, and then reads the task's new
    // state.
    let _running = jobs.running.add(task.clone()).await;
    let ended = attempt_task(jobs, &task).await;
    // Also after a delivery of a task that ended earlier: that process may have been killed before it removed the picture.
    jobs.remove_ended_picture(&task).await;
    ended
}

/// Waits for a turn, then makes one attempt at the task.
async fn attempt_task(jobs: &Arc<Jobs>, task: &TaskRef) -> Result<()> {
    let Some(_turn) = turn(jobs, task).await? else { return Ok(()) };
    let attempts_max = i64::from(jobs.setup.settings.attempts_max);
    // The attempt starts after the wait for a turn. So a stop during the wait costs no attempt.
    let started = match jobs.keep_trying(|| jobs.storage.start_attempt(task, attempts_max)).await? {
        AttemptStart::Started(started) => started,
        AttemptStart::GivenUp => {
            tracing::warn!(job = task.job, position = task.position, "a task was given up");
            return Ok(());
        }
        AttemptStart::Ended => return Ok(()),
    };
    let (job, found) = *started;
    let attempt = Attempt { jobs, task, name: &found.name };
    match JobRequest::parse(job.kind, job.request.as_bytes()) {
        Ok(JobRequest::Optimize(request)) => attempt.search_pair(&request, &found).await,
        Ok(JobRequest::Restore(request)) => attempt.restore_picture(request).await,
        Ok(request) => {
            let ended = command_job::run(jobs, task, &request).await;
            attempt.end_command(ended).await
        }
        // Another attempt would read the same request, so the task fails at once.
        Err(error) => attempt.fail(&error.to_string()).await,
    }
}

/// Waits for a turn. Returns `None` if the task has ended meanwhile.
///
/// A task with an earlier attempt that never ended may have crashed the service. So may every task that ran at the same
/// time. Each of these takes all turns and therefore runs alone: only the guilty task crashes again.
async fn turn(jobs: &Jobs, task: &TaskRef) -> Result<Option<OwnedSemaphorePermit>> {
    let attempts = jobs.keep_trying(|| jobs.storage.attempts(task)).await?;
    let Some(attempts) = attempts else { return Ok(None) };
    let all = u32::try_from(jobs.setup.settings.n_at_once()).unwrap_or(1);
    let n = if attempts > 0 { all } else { 1 };
    tokio::select! {
        turn = jobs.turns.clone().acquire_many_owned(n) => Ok(Some(turn?)),
        () = jobs.stopping.cancelled() => bail!("the service is stopping"),
    }
}
