//! The tasks of `restore` jobs: their attempts, and the removal of their files.

use std::{fs, sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use serde_json::Value;

use super::{
    attempt::Attempt,
    job_files,
    restore_files::{self, TEMPORARY},
    restore_process::{self, RestoreAnswer, RestoreEnd, RestoreWork},
    restore_request::RestorePictures,
    service::Jobs,
    stop::must_stop,
};
use crate::storage::{Job, JobKind, JobState, StorageError, TaskRef};

impl Attempt<'_> {
    /// Ends the task with its restored picture, or with the reason why there is none.
    pub(super) async fn restore_picture(&self, request: RestorePictures) -> Result<()> {
        let (setup, limits) = (&self.jobs.setup, self.jobs.setup.limits);
        let work = RestoreWork {
            folder: job_files::folder(&setup.folder, &self.task.job),
            position: self.task.position,
            request,
            model: setup.model.clone(),
            threads: setup.settings.pair_threads,
            limits: [
                limits.input_bytes_max,
                limits.pixels_max,
                limits.decoded_bytes_max,
                limits.output_bytes_max,
                limits.pages.pages_max.into(),
                limits.pages.pixels_max,
            ],
        };
        let limit = Duration::from_millis(setup.settings.pair_timeout_ms);
        let stop = must_stop(self.jobs, self.task);
        let ended = match restore_process::restore(&setup.program, &work, limit, stop).await {
            Ok(ended) => self.end_picture(ended).await,
            Err(error) => self.not_started(error).await,
        };
        // The child may have written files while a cancellation removed them. It has ended by now.
        if let Err(error) = self.jobs.remove_unwanted_files(&self.task.job).await {
            tracing::warn!(%error, job = self.task.job, "the files of a job could not be checked");
        }
        ended
    }

    /// Stores the end of a picture's process.
    async fn end_picture(&self, ended: RestoreEnd) -> Result<()> {
        match ended {
            RestoreEnd::Answered(RestoreAnswer::Restored, _) => {
                let storage = &self.jobs.storage;
                Ok(self.jobs.keep_trying(|| storage.finish_command(self.task, self.name, "")).await?)
            }
            RestoreEnd::Answered(RestoreAnswer::Refused(problem), said) => self.refuse(&problem, &said).await,
            RestoreEnd::Answered(RestoreAnswer::Failed(reason), _) => self.fail(&reason).await,
            RestoreEnd::Answered(RestoreAnswer::Unwritten(error), _) => {
                self.not_started(anyhow!(error)).await
            }
            RestoreEnd::Crashed(how) => self.crashed(&how).await,
            RestoreEnd::TimedOut => {
                let limit_ms = self.jobs.setup.settings.pair_timeout_ms;
                // Another attempt would most likely take as long, so the task is not tried again.
                self.fail(&format!(
                    "the picture took longer than {limit_ms} ms (setting jobs.pair_timeout_ms)"
                ))
                .await
            }
            RestoreEnd::Stopped => self.stopped().await,
        }
    }

    /// Ends the task as failed, with the problem document of its picture. `cause` is for the log.
    async fn refuse(&self, problem: &Value, cause: &str) -> Result<()> {
        let reason = problem["detail"].as_str().unwrap_or("the picture cannot be restored");
        // The name is a client's file name, which is not logged.
        let (job, position) = (&self.task.job, self.task.position);
        if problem["status"] == 500 {
            tracing::error!(job, position, cause, "a restoration failed by a fault of the program");
        } else {
            tracing::info!(job, position, reason, "a picture cannot be restored");
        }
        let (storage, document) = (&self.jobs.storage, problem.to_string());
        let ending = || storage.fail_task(self.task, self.name, reason, Some(&document));
        Ok(self.jobs.keep_trying(ending).await?)
    }
}

impl Jobs {
    /// Cancels a job and returns it. Removes all files of a cancelled `restore` job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, id: &str) -> Result<Option<Job>, StorageError> {
        let job = self.storage.cancel(id).await?;
        self.remove_unwanted_files(id).await?;
        Ok(job)
    }

    /// Removes the uploaded picture of a task that has ended.
    pub(super) async fn remove_ended_picture(&self, task: &TaskRef) {
        // Tasks of other kinds have no picture, so they cost no statement.
        if !self.pictures.contains(task) || !matches!(self.storage.is_wanted(task).await, Ok(false)) {
            return;
        }
        let folder = job_files::folder(&self.setup.folder, &task.job);
        match restore_files::remove(&restore_files::picture(&folder, task.position)) {
            Ok(()) => self.pictures.release(task),
            // The picture still counts, since it still takes room. The next start tries again.
            Err(error) => tracing::warn!(%error, job = task.job, "an uploaded picture could not be removed"),
        }
    }

    /// Removes all files of a `restore` job that was cancelled or deleted.
    async fn remove_unwanted_files(&self, id: &str) -> Result<(), StorageError> {
        let is_unwanted = |job: &Job| job.kind == JobKind::Restore && job.state == JobState::Cancelled;
        // Ids of jobs that do not exist come from clients. Only this program's ids may become part of a path.
        match self.storage.job(id).await? {
            Some(job) if is_unwanted(&job) => self.remove_files(id),
            None if self.running.contains_job(id) => self.remove_files(id),
            _ => {}
        }
        Ok(())
    }

    /// Removes the folder of a job.
    pub(super) fn remove_files(&self, id: &str) {
        match restore_files::remove_folder(&job_files::folder(&self.setup.folder, id)) {
            Ok(()) => self.pictures.release_job(id),
            Err(error) => tracing::warn!(%error, job = id, "the files of a job could not be removed"),
        }
    }

    /// Removes what a killed process left. Of `restore` jobs these are folders without a job, files of cancelled jobs,
    /// pictures of tasks that have ended, and half-written files. Counts the pictures that still wait.
    ///
    /// # Errors
    /// When the database fails. No task may run and no job may be accepted meanwhile.
    pub(super) async fn sweep_files(&self) -> Result<(), StorageError> {
        let all = job_files::folder(&self.setup.folder, "");
        let Ok(folders) = fs::read_dir(&all) else { return Ok(()) };
        for folder in folders.flatten() {
            let Ok(id) = folder.file_name().into_string() else { continue };
            if id.parse::<ulid::Ulid>().is_err() {
                continue;
            }
            match self.storage.job(&id).await? {
                None if restore_files::are_all(&folder.path()) => self.remove_files(&id),
                None => {}
                Some(job) if job.kind != JobKind::Restore => {}
                Some(job) if job.state == JobState::Cancelled => self.remove_files(&id),
                Some(_) => self.sweep_restore_job(&id).await?,
            }
        }
        Ok(())
    }

    /// Removes half-written files and pictures of ended tasks of one `restore` job, and counts its other pictures.
    async fn sweep_restore_job(&self, id: &str) -> Result<(), StorageError> {
        let Ok(files) = fs::read_dir(job_files::folder(&self.setup.folder, id)) else { return Ok(()) };
        for file in files.flatten() {
            let Ok(name) = file.file_name().into_string() else { continue };
            if name.starts_with(TEMPORARY) {
                let _ = restore_files::remove(&file.path());
            }
            let Some(position) = restore_files::picture_position(&name) else { continue };
            let task = TaskRef { job: id.to_owned(), position };
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            self.pictures.add_found(task.clone(), size);
            self.remove_ended_picture(&task).await;
        }
        Ok(())
    }
}

/// The uploaded pictures of a job that is being accepted. Unless [`keep`](Self::keep) is called, dropping it removes them.
pub(super) struct NewPictures {
    jobs: Arc<Jobs>,
    job: String,
    is_kept: bool,
}

impl NewPictures {
    /// Guards the files of `job`.
    pub(super) fn new(jobs: &Arc<Jobs>, job: &str) -> Self {
        Self { jobs: jobs.clone(), job: job.to_owned(), is_kept: false }
    }

    /// Leaves the files to the accepted job.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for NewPictures {
    fn drop(&mut self) {
        if !self.is_kept {
            self.jobs.remove_files(&self.job);
        }
    }
}
