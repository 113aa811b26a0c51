//! The worker of a process: takes tasks from the queue, runs each to its end, forgets what is old, stops cleanly.
//!
//! apalis hands tasks out, notices workers that died and hands theirs out again. It delivers at least once; that each
//! task ends once is decided in `storage/tasks.rs`. Any error of the database ends an apalis worker, so a new one is
//! started until the service stops; the work itself goes on meanwhile in tasks of its own.

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

/// How often the queue is asked for tasks when it was empty.
const POLL_PERIOD: Duration = Duration::from_millis(250);
/// How long after a failed worker the next one starts.
const RESTART_PERIOD: Duration = Duration::from_secs(1);
/// How long work in hand may take to note that it was stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How often what is old is forgotten.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);

/// Works from the moment jobs are open until the service stops.
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
            tracing::warn!("work was cut that did not stop in time");
        }
    })
}

async fn work(jobs: &Arc<Jobs>) {
    while !jobs.stopping.is_cancelled() {
        if let Err(error) = run_worker(jobs).await {
            tracing::debug!(%error, "a worker ended and is replaced");
        }
        if jobs.stopping.is_cancelled() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(RESTART_PERIOD) => {}
            () = jobs.stopping.cancelled() => return,
        }
        // A full disk is waited out here, so that it is seen as a pause and not as failing workers.
        if let Err(error) = jobs.until_writable().await
            && !jobs.stopping.is_cancelled()
        {
            tracing::error!(%error, "the database cannot be written");
        }
    }
}

/// One apalis worker, under a name that no other ever had: a dead one's tasks are told by its name.
async fn run_worker(jobs: &Arc<Jobs>) -> Result<(), apalis::prelude::WorkerError> {
    let backend = jobs.storage.queue().poll_with_interval(POLL_PERIOD);
    // Tasks beyond the turns wait in `run_task`; a few more than turns may be in hand.
    let worker = WorkerBuilder::new(format!("{}-{}", std::process::id(), Ulid::generate()))
        .backend(backend)
        .concurrency(jobs.setup.settings.n_at_once() + 1)
        .data(jobs.clone())
        .build(handle);
    // apalis' own way to stop leaves a transaction of its open, unpolled, until the last task has ended; tasks that
    // want to write would wait for it for ever. So it is dropped, which ends the transaction, and what is in hand is
    // waited for by `start`. What ends meanwhile is not acknowledged; handed out again, it has ended already.
    tokio::select! {
        ended = worker.run() => ended,
        () = jobs.stopping.cancelled() => Ok(()),
    }
}

/// In a task of its own: when this future is dropped with its worker, the work goes on to its end and is stored.
async fn handle(task: TaskRef, jobs: Data<Arc<Jobs>>) -> Result<(), BoxDynError> {
    let jobs = Arc::clone(&jobs);
    tokio::spawn(async move { run_task(&jobs, task).await }).await??;
    Ok(())
}

async fn sweep(jobs: &Arc<Jobs>) {
    loop {
        if let Err(error) = retention::sweep(jobs).await {
            tracing::debug!(%error, "what is old could not be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_PERIOD) => {}
            () = jobs.stopping.cancelled() => return,
        }
    }
}
