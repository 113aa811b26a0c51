//! What jobs over HTTP share: the database, the datasets, how work is done, and whether the disk takes it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{child, dataset_root::DatasetRoot, under_way::UnderWay};
use crate::{
    config::{Config, JobsConfig},
    storage::{Storage, StorageError},
};
use pentimento_core::imaging::codec::Limits;

/// How often a full disk is tried again, and a folder that could not be opened.
pub(super) const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// How long to wait for a database that another process has locked.
const BUSY_PERIOD: Duration = Duration::from_millis(500);

/// Settings of jobs, and what they are worked on with.
#[derive(Clone, Debug)]
pub struct JobsSetup {
    /// `data.dir`.
    pub folder: PathBuf,
    /// The datasets.
    pub datasets: DatasetRoot,
    /// Section `jobs`.
    pub settings: JobsConfig,
    /// What one picture may cost.
    pub limits: Limits,
    /// The service's own model; empty: the built-in one.
    pub model: PathBuf,
    /// How long work under way may go on when the service stops.
    pub drain_timeout: Duration,
    /// The program whose processes do the work.
    pub program: PathBuf,
}

impl JobsSetup {
    /// As the settings say.
    pub fn new(config: &Config) -> Self {
        Self {
            folder: config.data.dir.clone(),
            datasets: DatasetRoot::new(config.datasets.root.clone()),
            settings: config.jobs,
            limits: config.limits.limits(),
            model: config.model.path.clone(),
            drain_timeout: Duration::from_millis(config.server.drain_timeout_ms),
            program: child::this_program(),
        }
    }
}

/// Jobs, open for business.
#[derive(Debug)]
pub struct Jobs {
    /// The database.
    pub storage: Storage,
    /// How it is set up.
    pub setup: JobsSetup,
    /// Why nothing can be written at the moment, and so no job gets on.
    paused: watch::Sender<Option<String>>,
    /// One permit per piece of work at one time.
    pub(super) turns: Arc<Semaphore>,
    pub(super) under_way: UnderWay,
    /// Set when the service stops.
    pub stopping: CancellationToken,
}

/// Jobs, or why there are none.
#[derive(Clone, Debug)]
pub enum Availability {
    /// There are.
    Open(Arc<Jobs>),
    /// There are none for this reason, which may pass.
    Closed(String),
}

impl Jobs {
    /// Opens the database.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn open(setup: JobsSetup, stopping: CancellationToken) -> Result<Arc<Self>, StorageError> {
        let storage = Storage::open(&setup.folder).await?;
        Ok(Arc::new(Self {
            storage,
            paused: watch::Sender::new(None),
            turns: Arc::new(Semaphore::new(setup.settings.n_at_once())),
            under_way: UnderWay::default(),
            setup,
            stopping,
        }))
    }

    /// Why no job gets on at the moment.
    pub fn paused(&self) -> Option<String> {
        self.paused.borrow().clone()
    }

    /// Notes that the disk takes no writes, or takes them again.
    pub fn note_pause(&self, reason: Option<String>) {
        let changed = self.paused.send_if_modified(|paused| {
            let changed = paused.is_some() != reason.is_some();
            if changed {
                paused.clone_from(&reason);
            }
            changed
        });
        match reason {
            Some(reason) if changed => tracing::warn!(%reason, "jobs are paused"),
            None if changed => tracing::info!("jobs go on"),
            _ => {}
        }
    }

    /// Does something to the database until it is done: a disk that is full pauses all jobs and is tried again, a
    /// database that is locked is waited for. Gives up when the service stops, and at other faults.
    ///
    /// # Errors
    /// The fault it gave up at.
    pub async fn insist<T, F>(&self, what: impl Fn() -> F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        // A small write that finds room does not mean that the one which found none would now.
        let mut failed = false;
        loop {
            let error = match what().await {
                Ok(done) => {
                    if failed && self.storage.try_write().await.is_ok() {
                        self.note_pause(None);
                    }
                    return Ok(done);
                }
                Err(error) => error,
            };
            failed = true;
            let period = if error.cannot_write() {
                self.note_pause(Some(self.pause_reason(&error)));
                self.storage.shrink().await;
                RETRY_PERIOD
            } else if error.is_busy() {
                BUSY_PERIOD
            } else {
                return Err(error);
            };
            tokio::select! {
                () = tokio::time::sleep(period) => {}
                () = self.stopping.cancelled() => return Err(error),
            }
        }
    }

    /// Waits until this process has no task in hand.
    pub async fn nothing_in_hand(&self) {
        self.under_way.none().await;
    }

    /// Waits until the disk takes writes.
    ///
    /// # Errors
    /// As [`Jobs::insist`].
    pub async fn until_writable(&self) -> Result<(), StorageError> {
        self.insist(|| self.storage.try_write()).await
    }

    fn pause_reason(&self, error: &StorageError) -> String {
        format!("{error}; nothing is lost, and it goes on when data.dir takes writes again")
    }
}

/// Opens jobs, and if that fails tries again until it does not or the service stops. The first attempt has been made
/// when this returns.
///
/// # Errors
/// When only a newer program can use what is there.
pub async fn keep_open(
    setup: JobsSetup,
    stopping: CancellationToken,
) -> Result<watch::Receiver<Availability>, StorageError> {
    let open = async |setup: &JobsSetup| Jobs::open(setup.clone(), stopping.clone()).await;
    let first = match open(&setup).await {
        Ok(jobs) => return Ok(watch::Sender::new(Availability::Open(jobs)).subscribe()),
        Err(error) if error.is_newer_schema() => return Err(error),
        Err(error) => error.to_string(),
    };
    tracing::warn!(reason = %first, setting = "data.dir", "there are no jobs for now");
    let (sender, receiver) = watch::channel(Availability::Closed(first));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(RETRY_PERIOD) => {}
                () = stopping.cancelled() => return,
            }
            match Jobs::open(setup.clone(), stopping.clone()).await {
                Ok(jobs) => {
                    tracing::info!("jobs are open");
                    sender.send_replace(Availability::Open(jobs));
                    return;
                }
                Err(error) => drop(sender.send_replace(Availability::Closed(error.to_string()))),
            }
        }
    });
    Ok(receiver)
}
