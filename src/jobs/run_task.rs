//! One task of the queue, from its claim to its end, safe to run twice: count the attempt, look whether the result is
//! there, else find it in a process, store it once.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    command_job,
    pair_process::{self, PairEnd, PairFound, PairRequest},
    request::{OptimizeRequest, Request},
    service::{Jobs, RETRY_PERIOD},
};
use crate::batch::picture_file;
use crate::storage::{Begun, FileVersion, ResultKey, Storage, StoredOptimum, Task, TaskRef};
use pentimento_core::{digest::digest, search::SearchSpace};

/// How often it is looked whether a task is still wanted while a process works on it.
const WANTED_PERIOD: Duration = Duration::from_millis(500);
/// A file written so recently may be written again without a change of its time: its digest is not noted.
const RACY: Duration = Duration::from_secs(3);

/// Runs a task to its end, or gives it back when the service stops. What is wrong with the task itself is noted as
/// its failure and is no error here.
///
/// # Errors
/// When the database fails for good, or the service stops: the queue hands the task out again.
pub async fn run_task(jobs: &Arc<Jobs>, task: TaskRef) -> Result<()> {
    let _in_hand = jobs.under_way.take(task.clone()).await;
    let Some(_turn) = turn(jobs, &task).await? else { return Ok(()) };
    let attempts_max = i64::from(jobs.setup.settings.attempts_max);
    let begun = jobs.insist(|| jobs.storage.begin_task(&task, attempts_max)).await?;
    let Begun::Work(begun) = begun else {
        if matches!(begun, Begun::GivenUp) {
            tracing::warn!(job = task.job, position = task.position, "a task was given up");
        }
        return Ok(());
    };
    let (job, found) = *begun;
    let work = Work { jobs, task: &task, name: &found.name };
    match Request::parse(job.kind, job.request.as_bytes()) {
        Ok(Request::Optimize(request)) => work.pair(&request, &found).await,
        Ok(request) => {
            let ended = command_job::run(jobs, &task, &request).await;
            work.end_command(ended).await
        }
        Err(error) => work.fail(&error.to_string()).await,
    }
}

/// Waits for a turn. A task that was begun before and never ended may have crashed its process, and whatever ran beside
/// it is under the same suspicion: each of them takes all turns and so runs alone, and the guilty one is found.
async fn turn(jobs: &Jobs, task: &TaskRef) -> Result<Option<OwnedSemaphorePermit>> {
    let attempts = jobs.insist(|| jobs.storage.attempts(task)).await?;
    let Some(attempts) = attempts else { return Ok(None) };
    let all = u32::try_from(jobs.setup.settings.n_at_once()).unwrap_or(1);
    let n = if attempts > 0 { all } else { 1 };
    tokio::select! {
        turn = jobs.turns.clone().acquire_many_owned(n) => Ok(Some(turn?)),
        () = jobs.stopping.cancelled() => bail!("the service is stopping"),
    }
}

/// A task that has been begun.
struct Work<'a> {
    jobs: &'a Arc<Jobs>,
    task: &'a TaskRef,
    name: &'a str,
}

impl Work<'_> {
    async fn pair(&self, request: &OptimizeRequest, task: &Task) -> Result<()> {
        let (damaged, undamaged) = match self.files(task) {
            Ok(files) => files,
            Err(error) => return self.fail(&format!("{error:#}")).await,
        };
        let space = request.grid.space()?;
        if let Some(key) = self.known(&damaged, &undamaged, &space).await? {
            return self.store(&key, None).await;
        }
        let limits = self.jobs.setup.limits;
        let asked = PairRequest {
            damaged,
            undamaged,
            grid: request.grid.clone(),
            threads: self.jobs.setup.settings.pair_threads,
            limits: [limits.input_bytes_max, limits.pixels_max, limits.decoded_bytes_max],
        };
        let limit = Duration::from_millis(self.jobs.setup.settings.pair_timeout_ms);
        let program = &self.jobs.setup.program;
        let ended = pair_process::search(program, &asked, limit, unwanted(self.jobs, self.task)).await;
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => return self.not_begun(error).await,
        };
        match ended {
            PairEnd::Answered(answer) => match *answer {
                Ok(PairFound { damaged_sha256, reference_sha256, optimum }) => {
                    let key = ResultKey::new(damaged_sha256, reference_sha256, &space);
                    self.store(&key, Some(&optimum)).await
                }
                Err(reason) => self.fail(&reason).await,
            },
            PairEnd::Crashed(how) => self.crashed(&how).await,
            PairEnd::TimedOut => {
                let limit_ms = self.jobs.setup.settings.pair_timeout_ms;
                self.fail(&format!("it took longer than {limit_ms} ms (setting jobs.pair_timeout_ms)")).await
            }
            PairEnd::Stopped => self.stopped().await,
        }
    }

    fn files(&self, task: &Task) -> Result<(PathBuf, PathBuf)> {
        let (Some(damaged), Some(undamaged)) = (&task.damaged, &task.undamaged) else {
            bail!("it has no files");
        };
        let file = |relative: &str, side: &'static str| self.jobs.setup.datasets.file(relative).context(side);
        Ok((file(damaged, "the damaged picture")?, file(undamaged, "the undamaged picture")?))
    }

    /// The key of a result that is there already. Files that cannot be read are told by the search.
    async fn known(
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
        let known = self.jobs.insist(|| self.jobs.storage.has_result(&key)).await?;
        Ok(known.then_some(key))
    }

    async fn store(&self, key: &ResultKey, found: Option<&StoredOptimum>) -> Result<()> {
        let storage = &self.jobs.storage;
        Ok(self.jobs.insist(|| storage.finish_task(self.task, self.name, key, found)).await?)
    }

    /// What a stranger is told has no path of the machine in it.
    async fn fail(&self, reason: &str) -> Result<()> {
        let reason = &self.jobs.setup.datasets.without_root(reason);
        tracing::warn!(job = self.task.job, name = self.name, reason, "a task failed");
        let storage = &self.jobs.storage;
        Ok(self.jobs.insist(|| storage.fail_task(self.task, self.name, reason)).await?)
    }

    /// The system gives no process: no fault of the task, and nothing that trying at once would mend.
    async fn not_begun(&self, error: anyhow::Error) -> Result<()> {
        tracing::error!(error = format!("{error:#}"), "no process can be started for a task");
        self.jobs.insist(|| self.jobs.storage.release_task(self.task)).await?;
        tokio::select! {
            () = tokio::time::sleep(RETRY_PERIOD) => {}
            () = self.jobs.stopping.cancelled() => {}
        }
        Err(error)
    }

    /// The attempt counts, and the queue hands the task out again.
    async fn crashed(&self, how: &str) -> Result<()> {
        tracing::warn!(job = self.task.job, name = self.name, how, "the process of a task crashed");
        self.jobs.insist(|| self.jobs.storage.note_crash(self.task, how)).await?;
        Err(anyhow!("the process at work on {} ended by {how}", self.name))
    }

    /// Cancelled: there is nothing left to do. Stopping: the attempt does not count.
    async fn stopped(&self) -> Result<()> {
        self.jobs.storage.release_task(self.task).await?;
        if self.jobs.stopping.is_cancelled() {
            bail!("the service is stopping");
        }
        Ok(())
    }

    async fn end_command(&self, ended: Result<command_job::End>) -> Result<()> {
        match ended {
            Ok(command_job::End::Done(said)) => {
                let storage = &self.jobs.storage;
                Ok(self.jobs.insist(|| storage.finish_command(self.task, self.name, &said)).await?)
            }
            Ok(command_job::End::NotBegun(error)) => self.not_begun(error).await,
            Ok(command_job::End::Crashed(how)) => self.crashed(&how).await,
            Ok(command_job::End::Stopped) => self.stopped().await,
            Ok(command_job::End::Failed(reason)) => self.fail(&reason).await,
            Err(error) => self.fail(&format!("{error:#}")).await,
        }
    }
}

/// Resolves when a task is not to be worked on any longer: it was cancelled or deleted, or the service has been
/// stopping for as long as work may go on.
pub(super) async fn unwanted(jobs: &Arc<Jobs>, task: &TaskRef) {
    let given_up = async {
        jobs.stopping.cancelled().await;
        tokio::time::sleep(jobs.setup.drain_timeout).await;
    };
    let called_off = async {
        loop {
            tokio::time::sleep(WANTED_PERIOD).await;
            // A database that cannot tell now will tell later.
            if matches!(jobs.storage.is_wanted(task).await, Ok(false)) {
                return;
            }
        }
    };
    tokio::select! {
        () = given_up => {}
        () = called_off => {}
    }
}

/// The digest of a file, read only if it has changed since it was last read.
async fn sha256(storage: &Storage, path: &Path, input_bytes_max: u64) -> Result<String> {
    let shown = path.to_str().context("a path that is not UTF-8")?.to_owned();
    let version = version(path)?;
    if let Some(known) = storage.digest(&shown, version).await? {
        return Ok(known);
    }
    let file = path.to_owned();
    let limits = pentimento_core::imaging::codec::Limits { input_bytes_max, ..Default::default() };
    let found = tokio::task::spawn_blocking(move || {
        Ok::<_, anyhow::Error>(digest(&picture_file::read(&file, &limits)?))
    })
    .await??;
    let settled = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(RACY);
    let modified = u128::try_from(version.modified_ns).unwrap_or(u128::MAX);
    if modified < settled.as_nanos() && self::version(path)? == version {
        // The cache saves a reading; a disk that cannot take it must not stop the work here.
        if let Err(error) = storage.note_digest(&shown, version, &found).await {
            tracing::debug!(%error, "a digest was not noted");
        }
    }
    Ok(found)
}

fn version(path: &Path) -> Result<FileVersion> {
    let found = fs::metadata(path)?;
    let modified_ns = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
    Ok(FileVersion { size_bytes: i64::try_from(found.size())?, modified_ns })
}
