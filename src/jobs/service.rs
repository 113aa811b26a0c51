//! What all parts of the queue share: the database, the datasets, the settings, and whether the disk accepts writes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{dataset_root::DatasetRoot, running_tasks::RunningTasks, stored_pictures::StoredPictures};
use crate::{
    config::JobsConfig,
    storage::{Storage, StorageError},
};
use pentimento_core::imaging::codec::Limits;

/// Time between two attempts to write to a full disk, or to open a folder that could not be opened.
pub(super) const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// Time between two attempts to write to a database that another process has locked.
const BUSY_PERIOD: Duration = Duration::from_millis(500);

/// The settings that jobs need, section by section, and the program of their processes.
#[derive(Clone, Debug)]
pub struct JobsSetup {
    /// Folder of the database and of the jobs' files (setting `data.dir`).
    pub folder: PathBuf,
    /// Folder of the datasets (setting `datasets.root`).
    pub datasets: DatasetRoot,
    /// Section `jobs` of the settings.
    pub settings: JobsConfig,
    /// Limits of one picture (section `limits`).
    pub limits: Limits,
    /// Path of the service's model (setting `model.path`). Empty: the built-in model.
    pub model: PathBuf,
    /// How long running work may go on after the service starts to stop (setting `server.drain_timeout_ms`).
    pub drain_timeout: Duration,
    /// The program that runs in the processes of jobs. The service sets [`this_program`](super::child::this_program).
    pub program: PathBuf,
}

/// The queue with its open database.
#[derive(Debug)]
pub struct Jobs {
    /// The database.
    pub storage: Storage,
    /// The settings.
    pub setup: JobsSetup,
    /// Why jobs are paused: the disk refuses writes. `None`: jobs are not paused.
    paused: watch::Sender<Option<String>>,
    /// One permit per task that may work at the same time.
    pub(super) turns: Arc<Semaphore>,
    /// Tasks that this process has claimed and not ended.
    pub(super) running: RunningTasks,
    /// Uploaded pictures that wait on the disk.
    pub(super) pictures: StoredPictures,
    /// Cancelled when the service starts to stop.
    pub stopping: CancellationToken,
}

/// The queue, or why it is not available.
#[derive(Clone, Debug)]
pub enum Availability {
    /// The queue is open.
    Open(Arc<Jobs>),
    /// The database cannot be opened, for this reason. The reason may pass.
    Closed(String),
}

impl Jobs {
    /// Opens the database, and removes files that a killed process left.
    ///
    /// # Errors
    /// Same errors as [`Storage::open`].
    pub async fn open(setup: JobsSetup, stopping: CancellationToken) -> Result<Arc<Self>, StorageError> {
        let storage = Storage::open(&setup.folder).await?;
        let jobs = Self {
            storage,
            paused: watch::Sender::new(None),
            turns: Arc::new(Semaphore::new(setup.settings.n_at_once())),
            running: RunningTasks::default(),
            pictures: StoredPictures::new(setup.settings.stored_bytes_max),
            setup,
            stopping,
        };
        jobs.sweep_files().await?;
        Ok(Arc::new(jobs))
    }

    /// Returns why jobs are paused, or `None` if they are not.
    pub fn paused(&self) -> Option<String> {
        self.paused.borrow().clone()
    }

    /// Sets or clears the reason why jobs are paused.
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
            None if changed => tracing::info!("jobs continue"),
            _ => {}
        }
    }

    /// Repeats a database operation until it succeeds. A disk that refuses writes pauses all jobs, and the operation is
    /// repeated every two seconds. A locked database is asked again every half second.
    ///
    /// # Errors
    /// The last error, when the service stops; any other error of the database, at once.
    pub async fn keep_trying<T, F>(&self, operation: impl Fn() -> F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        // A small write may find room where a large one failed. Only a test write of 64 KiB ends the pause.
        let mut failed = false;
        loop {
            let error = match operation().await {
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

    /// Waits until this process works on no task.
    pub async fn no_task_running(&self) {
        self.running.none().await;
    }

    /// Waits until the disk accepts writes.
    ///
    /// # Errors
    /// Same errors as [`Jobs::keep_trying`].
    pub async fn until_writable(&self) -> Result<(), StorageError> {
        self.keep_trying(|| self.storage.try_write()).await
    }

    fn pause_reason(&self, error: &StorageError) -> String {
        format!("{error}; no work is lost, and jobs continue when data.dir accepts writes again")
    }
}

/// Opens the queue. If the first attempt fails, returns at once and tries again every two seconds, until an attempt
/// succeeds or the service stops. The receiver reports the change.
///
/// # Errors
/// When only a newer release can read the database.
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
    tracing::warn!(reason = %first, setting = "data.dir", "jobs are not available yet");
    let (sender, receiver) = watch::channel(Availability::Closed(first));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(RETRY_PERIOD) => {}
                () = stopping.cancelled() => return,
            }
            match Jobs::open(setup.clone(), stopping.clone()).await {
                Ok(jobs) => {
                    tracing::info!("jobs are available");
                    sender.send_replace(Availability::Open(jobs));
                    return;
                }
                Err(error) => drop(sender.send_replace(Availability::Closed(error.to_string()))),
            }
        }
    });
    Ok(receiver)
}
