//! An attempt at a task: its work, and the ways in which it can end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};

use super::{
    command_job::CommandEnd,
    file_digest::sha256,
    pair_process::{self, PairEnd, PairFound, PairRequest},
    request::OptimizeRequest,
    service::{Jobs, RETRY_PERIOD},
    stop::must_stop,
};
use crate::storage::{ResultKey, StoredOptimum, Task, TaskRef};
use pentimento_core::search::SearchSpace;

/// A started attempt. The task's number of attempts includes it.
pub(super) struct Attempt<'a> {
    pub jobs: &'a Arc<Jobs>,
    pub task: &'a TaskRef,
    /// Name of the pair or of the command.
    pub name: &'a str,
}

impl Attempt<'_> {
    /// Ends the task with the optimum of its pair: a stored one, or one that a process finds now.
    pub async fn search_pair(&self, request: &OptimizeRequest, task: &Task) -> Result<()> {
        let (damaged, undamaged) = match self.files(task) {
            Ok(files) => files,
            Err(error) => return self.fail(&format!("{error:#}")).await,
        };
        let space = request.grid.space()?;
        // Equal files and an equal space give an equal optimum. A stored one saves the process and its search.
        if let Some(key) = self.stored_key(&damaged, &undamaged, &space).await? {
            return self.store(&key, None).await;
        }
        let setup = &self.jobs.setup;
        let asked = PairRequest {
            damaged,
            undamaged,
            grid: request.grid.clone(),
            threads: setup.settings.pair_threads,
            limits: [setup.limits.input_bytes_max, setup.limits.pixels_max, setup.limits.decoded_bytes_max],
        };
        let limit = Duration::from_millis(setup.settings.pair_timeout_ms);
        let stop = must_stop(self.jobs, self.task);
        match pair_process::search(&setup.program, &asked, limit, stop).await {
            Ok(ended) => self.end_pair(ended, &space).await,
            Err(error) => self.not_started(error).await,
        }
    }

    /// Stores the end of a pair's process.
    async fn end_pair(&self, ended: PairEnd, space: &SearchSpace) -> Result<()> {
        match ended {
            PairEnd::Answered(answer) => match *answer {
                Ok(PairFound { damaged_sha256, reference_sha256, optimum }) => {
                    // A file may have changed since its digest was looked up. The key has the digests of the bytes that
                    // were searched.
                    let key = ResultKey::new(damaged_sha256, reference_sha256, space);
                    self.store(&key, Some(&optimum)).await
                }
                Err(reason) => self.fail(&reason).await,
            },
            PairEnd::Crashed(how) => self.crashed(&how).await,
            PairEnd::TimedOut => {
                let limit_ms = self.jobs.setup.settings.pair_timeout_ms;
                // Another attempt would most likely take as long, so the task is not tried again.
                self.fail(&format!("the pair took longer than {limit_ms} ms (setting jobs.pair_timeout_ms)"))
                    .await
            }
            PairEnd::Stopped => self.stopped().await,
        }
    }

    /// Stores the end of a command.
    pub async fn end_command(&self, ended: Result<CommandEnd>) -> Result<()> {
        match ended {
            Ok(CommandEnd::Done(said)) => {
                let storage = &self.jobs.storage;
                Ok(self.jobs.keep_trying(|| storage.finish_command(self.task, self.name, &said)).await?)
            }
            Ok(CommandEnd::NotStarted(error)) => self.not_started(error).await,
            Ok(CommandEnd::Crashed(how)) => self.crashed(&how).await,
            Ok(CommandEnd::Stopped) => self.stopped().await,
            Ok(CommandEnd::Failed(reason)) => self.fail(&reason).await,
            Err(error) => self.fail(&format!("{error:#}")).await,
        }
    }

    /// Paths of the damaged picture and the reference.
    fn files(&self, task: &Task) -> Result<(PathBuf, PathBuf)> {
        let (Some(damaged), Some(undamaged)) = (&task.damaged, &task.undamaged) else {
            bail!("the task has no files");
        };
        let file = |relative: &str, side: &'static str| self.jobs.setup.datasets.file(relative).context(side);
        Ok((file(damaged, "the damaged picture")?, file(undamaged, "the undamaged picture")?))
    }

    /// Returns the key of the pair if a result is stored under it. Returns `None` for files that cannot be read: the
    /// search then reports the error.
    async fn stored_key(
        &self,
        damaged: &Path,
        undamaged: &Path,
        space: &SearchSpace,
    ) -> Result<Option<ResultKey>> {
        let storage = &self.jobs.storage;
        let limit = self.jobs.setup.limits.input_bytes_max;
        let (damaged, reference) =
            (sha256(storage, damaged, limit).await, sha256(storage, undamaged, limit).await);
        let (Ok(damaged), Ok(reference)) = (damaged, reference) else { return Ok(None) };
        let key = ResultKey::new(damaged, reference, space);
        let is_stored = self.jobs.keep_trying(|| storage.has_result(&key)).await?;
        Ok(is_stored.then_some(key))
    }

    /// Ends the task with the result of `key`. `found` is `None` if the result is stored already.
    async fn store(&self, key: &ResultKey, found: Option<&StoredOptimum>) -> Result<()> {
        let storage = &self.jobs.storage;
        Ok(self.jobs.keep_trying(|| storage.finish_task(self.task, self.name, key, found)).await?)
    }

    /// Ends the task as failed. Users see the reason, so paths in it start at the folder of the datasets.
    pub async fn fail(&self, reason: &str) -> Result<()> {
        let reason = &self.jobs.setup.datasets.without_root(reason);
        tracing::warn!(job = self.task.job, name = self.name, reason, "a task failed");
        let storage = &self.jobs.storage;
        Ok(self.jobs.keep_trying(|| storage.fail_task(self.task, self.name, reason, None)).await?)
    }

    /// Gives the task back after the system refused to start a process or to write a file. That is no fault of the
    /// task, so the attempt does not count. Waits before it returns, because an immediate retry would meet the same refusal.
    pub(super) async fn not_started(&self, error: anyhow::Error) -> Result<()> {
        tracing::error!(error = format!("{error:#}"), "the system refuses what a task needs");
        self.jobs.keep_trying(|| self.jobs.storage.release_task(self.task)).await?;
        tokio::select! {
            () = tokio::time::sleep(RETRY_PERIOD) => {}
            () = self.jobs.stopping.cancelled() => {}
        }
        Err(error)
    }

    /// Notes a crash. The attempt counts. The error makes the queue deliver the task again.
    pub(super) async fn crashed(&self, how: &str) -> Result<()> {
        tracing::warn!(job = self.task.job, name = self.name, how, "the process of a task crashed");
        self.jobs.keep_trying(|| self.jobs.storage.note_crash(self.task, how)).await?;
        Err(anyhow!("the process that works on {} ended by {how}", self.name))
    }

    /// Gives the task back after a stop. After a cancellation the task has ended already, and this changes nothing.
    /// When the service stops, the attempt does not count.
    pub(super) async fn stopped(&self) -> Result<()> {
        self.jobs.storage.release_task(self.task).await?;
        // The error leaves the task in the queue for the next start. A cancelled task needs no other delivery.
        if self.jobs.stopping.is_cancelled() {
            bail!("the service is stopping");
        }
        Ok(())
    }
}
