//! The worker: takes tasks from the queue, runs each to its end, deletes old data, and stops with the service.
//!
//! ```text
//!  database ◄── poll ── apalis worker ── handle() ──► tokio task: run_task() ──► child process
//!                           │                              ▲
//!     a database error ends it; a new one starts           │ goes on when the worker ends
//! ```
//!
//! apalis delivers a task at least once, and delivers the tasks of dead workers again. That each task *ends* once is
//! guaranteed by `storage/task_attempts.rs`.

use std::{sync::Arc, time::Duration};

use apalis::prelude::{BackendExt as _, BoxDynError, Data, WorkerBuilder, WorkerBuilderExt as _};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use crate::{
    jobs::{
        retention,
        run_task::run_task,
        service::{Availability, Jobs},
    },
    storage::TaskRef,
};

/// Time between two looks into an empty queue.
const POLL_PERIOD: Duration = Duration::from_millis(250);
/// Time between the end of a failed worker and the start of the next.
const RESTART_PERIOD: Duration = Duration::from_secs(1);
/// How long running tasks may take, after the drain, to store that they were stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two deletions of old data.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);

/// Starts the worker in a tokio task. It works from the moment when the queue is open until the service stops.
pub fn start(mut availability: watch::Receiver<Availability>, stopping: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let open = availability.wait_for(|found| matches!(found, Availability::Open(_)));
        let jobs = tokio::select! {
            found = open => match found.as_deref() {
                Ok(Availability::Open(jobs)) => jobs.clone(),
                _ => return,
            },
            () = stopping.cancelled() => return,
        };
        tokio::join!(work(&jobs), sweep(&jobs));
        if timeout(jobs.setup.drain_timeout + STOP_TIMEOUT, jobs.no_task_running()).await.is_err() {
            tracing::warn!("running tasks did not stop in time and were cut");
        }
    })
}

/// Runs one apalis worker after another until the service stops.
async fn work(jobs: &Arc<Jobs>) {
    while !jobs.stopping.is_cancelled() {
        if let Err(error) = run_worker(jobs).await {
            tracing::debug!(%error, "a worker ended; another one starts");
        }
        if jobs.stopping.is_cancelled() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(RESTART_PERIOD) => {}
            () = jobs.stopping.cancelled() => return,
        }
        // Waits until the disk accepts writes. Jobs then show as paused; otherwise one worker after another would fail.
        if let Err(error) = jobs.until_writable().await
            && !jobs.stopping.is_cancelled()
        {
            tracing::error!(%error, "the database cannot be written");
        }
    }
}

/// Runs one apalis worker until it fails or the service stops. Its name is unique, because apalis finds the tasks of a
/// dead worker by the worker's name.
async fn run_worker(jobs: &Arc<Jobs>) -> Result<(), apalis::prelude::WorkerError> {
    let backend = jobs.storage.queue().poll_with_interval(POLL_PERIOD);
    // One task more than there are turns: it waits in `run_task` and starts as soon as a turn is free.
    let worker = WorkerBuilder::new(format!("{}-{}", std::process::id(), Ulid::generate()))
        .backend(backend)
        .concurrency(jobs.setup.settings.n_at_once() + 1)
        .data(jobs.clone())
        .build(handle);
    // apalis' own stop keeps a transaction open until the last task has ended, and tasks that write would wait for that
    // transaction for ever. Dropping the worker ends the transaction. `start` then waits for the running tasks. Tasks
    // that end meanwhile are not acknowledged; when the queue delivers them again, they have ended already.
    tokio::select! {
        ended = worker.run() => ended,
        () = jobs.stopping.cancelled() => Ok(()),
    }
}

/// Runs one task of the queue in a tokio task of its own. When this future is dropped together with its worker, the
/// work still goes on to its end and is stored.
async fn handle(task: TaskRef, jobs: Data<Arc<Jobs>>) -> Result<(), BoxDynError> {
    let jobs = Arc::clone(&jobs);
    tokio::spawn(async move { run_task(&jobs, task).await }).await??;
    Ok(())
}

/// Deletes old data every minute until the service stops.
async fn sweep(jobs: &Arc<Jobs>) {
    loop {
        if let Err(error) = retention::sweep(jobs).await {
            tracing::debug!(%error, "old data could not be deleted");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_PERIOD) => {}
            () = jobs.stopping.cancelled() => return,
        }
    }
}
