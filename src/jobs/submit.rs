//! Accepting a job. Every error that can be found without the work itself is found now. An accepted job is on disk.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use super::{
    dataset_root::DatasetError,
    job_files::{self, MODEL},
    request::{EvaluateRequest, JobRequest, OptimizeRequest, RequestError, TrainRequest},
    restore_files,
    restore_request::{RestorePictures, UploadedPicture},
    restore_task::NewPictures,
    service::Jobs,
    stored_pictures::StoreError,
};
use crate::batch::index_dataset::{Dataset, PairFiles};
use crate::storage::{Claim, Job, JobKind, JobState, NewJob, NewTask, StorageError, TaskState};
use pentimento_core::digest::digest;

/// Why a job is not accepted.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The request is wrong.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The dataset cannot be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A job that the request names does not exist, is of another kind, or has not finished.
    #[error("{member} names the job {id:?}, which {reason}")]
    Input {
        /// Member of the body that names the job.
        member: &'static str,
        /// Id of the named job.
        id: String,
        /// What is wrong with the named job.
        reason: &'static str,
    },
    /// The tables come from searches of different grids.
    #[error("the tables come from searches of different grids; a model needs tables of one grid")]
    MixedGrids,
    /// As many jobs as the setting `jobs.queued_max` allows are queued or running.
    #[error("{max} jobs are queued or running; send the request again when one of them has ended")]
    Full {
        /// `jobs.queued_max`.
        max: u64,
    },
    /// The uploaded pictures cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another request has used the key.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// The same request is being accepted at this moment.
    #[error("a request with this Idempotency-Key is being accepted at this moment")]
    KeyInUse,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A background task of the acceptance panicked or was aborted.
    #[error("accepting the job failed: {0}")]
    Internal(#[from] tokio::task::JoinError),
}

impl Jobs {
    /// Accepts a job. If the key was used for the same request before, returns the job of that request, in any state.
    ///
    /// # Errors
    /// When the job cannot be accepted. Neither a job nor a key is stored then.
    pub async fn submit(
        self: &Arc<Self>,
        request: JobRequest,
        key: Option<String>,
    ) -> Result<Job, SubmitError> {
        let json = request.to_json().to_string();
        let Some(name) = key else { return self.accept(request, json, None, &[]).await };
        // When a client disconnects, axum drops the handler's future at its next await. A separate tokio task runs on,
        // so that a claimed key always gets its job or is released.
        let jobs = self.clone();
        tokio::spawn(async move { jobs.submit_once(request, json, name, &[]).await }).await?
    }

    /// Accepts a `restore` job. `request` lists the pictures, whose bytes are `pictures`. When this function returns,
    /// pictures and job are on disk. The key works as in [`Jobs::submit`]; the pictures' digests are part of the request.
    ///
    /// # Errors
    /// When the job cannot be accepted. Neither a job nor a key nor a picture is stored then.
    pub async fn submit_pictures(
        self: &Arc<Self>,
        request: RestorePictures,
        pictures: Vec<Bytes>,
        key: Option<String>,
    ) -> Result<Job, SubmitError> {
        let request = JobRequest::Restore(request);
        let json = request.to_json().to_string();
        // A client that disconnects must not leave pictures without a job. So the work goes on in a task of its own.
        let jobs = self.clone();
        let accepting = async move {
            match key {
                Some(name) => jobs.submit_once(request, json, name, &pictures).await,
                None => jobs.accept(request, json, None, &pictures).await,
            }
        };
        tokio::spawn(accepting).await?
    }

    async fn submit_once(
        self: &Arc<Self>,
        request: JobRequest,
        json: String,
        name: String,
        pictures: &[Bytes],
    ) -> Result<Job, SubmitError> {
        let sha256 = request_sha256(&request, &json);
        match self.storage.claim_key(&name, &sha256).await? {
            Claim::Fresh => {}
            Claim::Other => return Err(SubmitError::KeyReused),
            Claim::Accepting => return Err(SubmitError::KeyInUse),
            Claim::Same(id) => {
                let gone = || SubmitError::Input {
                    member: "Idempotency-Key",
                    id: id.clone(),
                    reason: "was deleted",
                };
                return self.storage.job(&id).await?.ok_or_else(gone);
            }
        }
        let accepted = self.accept(request, json, Some(name.clone()), pictures).await;
        if accepted.is_err() {
            self.storage.release_key(&name).await?;
        }
        accepted
    }

    async fn accept(
        self: &Arc<Self>,
        request: JobRequest,
        json: String,
        key: Option<String>,
        pictures: &[Bytes],
    ) -> Result<Job, SubmitError> {
        // Refused before the dataset is read. The transaction that accepts counts again.
        let max = self.setup.settings.queued_max;
        if self.storage.n_open().await? >= max {
            return Err(SubmitError::Full { max });
        }
        let (n_ignored, tasks) = match &request {
            JobRequest::Optimize(request) => self.pairs(request).await?,
            JobRequest::Train(request) => (0, self.training(request).await?),
            JobRequest::Evaluate(request) => (0, self.evaluation(request).await?),
            JobRequest::Restore(request) => (0, request.pictures.iter().map(picture).collect()),
        };
        let new = NewJob { id: NewJob::id(), kind: request.kind(), request: json, n_ignored, tasks, key };
        let stored = self.store_pictures(&new.id, pictures).await?;
        let job = self.storage.accept(&new, max).await?.ok_or(SubmitError::Full { max })?;
        if let Some(stored) = stored {
            stored.keep();
        }
        tracing::info!(job = job.id, kind = job.kind.name(), tasks = new.tasks.len(), "a job was accepted");
        Ok(job)
    }

    /// Writes the uploaded pictures of a job that is being accepted. They are removed again when the result is dropped.
    async fn store_pictures(
        self: &Arc<Self>,
        job: &str,
        pictures: &[Bytes],
    ) -> Result<Option<NewPictures>, SubmitError> {
        if pictures.is_empty() {
            return Ok(None);
        }
        let sizes: Vec<u64> = pictures.iter().map(|bytes| bytes.len() as u64).collect();
        self.pictures.reserve(job, &sizes)?;
        let stored = NewPictures::new(self, job);
        let folder = job_files::folder(&self.setup.folder, job);
        let pictures = pictures.to_vec();
        let written = tokio::task::spawn_blocking(move || {
            restore_files::create(&folder, &pictures).map_err(|error| StorageError::Folder { folder, error })
        });
        written.await??;
        Ok(Some(stored))
    }

    /// Refuses a dataset with a picture outside the folder of the datasets. The command opens all pictures without a
    /// check.
    async fn dataset_inside(self: &Arc<Self>, name: &str) -> Result<(), SubmitError> {
        let (jobs, name) = (self.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || jobs.setup.datasets.folder_inside(&name)).await??;
        Ok(())
    }

    /// Returns the number of ignored files, and one task per pair of the dataset.
    async fn pairs(self: &Arc<Self>, request: &OptimizeRequest) -> Result<(i64, Vec<NewTask>), SubmitError> {
        let (jobs, name) = (self.clone(), request.dataset.clone());
        let found = tokio::task::spawn_blocking(move || {
            let datasets = &jobs.setup.datasets;
            let dataset = datasets.index(&name)?;
            let files = dataset
                .pairs
                .iter()
                .map(|pair| Ok((datasets.relative(&pair.damaged)?, datasets.relative(&pair.undamaged)?)))
                .collect::<Result<Vec<_>, DatasetError>>()?;
            Ok::<_, DatasetError>((dataset, files))
        });
        let (dataset, files) = found.await??;
        Ok((dataset.n_ignored as i64, tasks(dataset, files)))
    }

    /// Checks the inputs of a training. Returns its one task.
    async fn training(self: &Arc<Self>, request: &TrainRequest) -> Result<Vec<NewTask>, SubmitError> {
        let mut grids = Vec::new();
        for id in &request.tables {
            let job = self.input("tables", id, JobKind::Optimize).await?;
            let asked: OptimizeRequest = serde_json::from_str(&job.request).map_err(RequestError::from)?;
            grids.push(asked.grid);
        }
        if grids.is_empty() {
            let reason = "is missing: at least one is needed";
            return Err(SubmitError::Input { member: "tables", id: String::new(), reason });
        }
        if grids.iter().any(|grid| *grid != grids[0]) {
            return Err(SubmitError::MixedGrids);
        }
        if let Some(dataset) = &request.dataset {
            self.dataset_inside(dataset).await?;
        }
        Ok(vec![command(JobKind::Train)])
    }

    /// Checks the inputs of an evaluation. Returns its one task.
    async fn evaluation(self: &Arc<Self>, request: &EvaluateRequest) -> Result<Vec<NewTask>, SubmitError> {
        self.dataset_inside(&request.dataset).await?;
        if let Some(id) = &request.model {
            let job = self.input("model", id, JobKind::Train).await?;
            if !job_files::folder(&self.setup.folder, &job.id).join(MODEL).is_file() {
                return Err(SubmitError::Input { member: "model", id: id.clone(), reason: "has no model" });
            }
        }
        Ok(vec![command(JobKind::Evaluate)])
    }

    /// Returns a finished job of `kind` whose result the request needs.
    async fn input(&self, member: &'static str, id: &str, kind: JobKind) -> Result<Job, SubmitError> {
        let wrong = |reason| SubmitError::Input { member, id: id.to_owned(), reason };
        let job = self.storage.job(id).await?.ok_or_else(|| wrong("does not exist"))?;
        if job.kind != kind {
            return Err(wrong("is of another kind"));
        }
        if job.state != JobState::Finished {
            return Err(wrong("has not finished"));
        }
        Ok(job)
    }
}

/// Returns one task per pair, then one ended task per picture that is no part of a pair.
fn tasks(dataset: Dataset, files: Vec<(String, String)>) -> Vec<NewTask> {
    let pair = |(pair, files): (PairFiles, (String, String))| NewTask {
        name: pair.name,
        files: Some(files),
        state: TaskState::Waiting,
        reason: None,
    };
    let ended =
        |name: String, state, reason: String| NewTask { name, files: None, state, reason: Some(reason) };
    let mut tasks: Vec<NewTask> = dataset.pairs.into_iter().zip(files).map(pair).collect();
    tasks.extend(dataset.ambiguous.into_iter().map(|(name, reason)| ended(name, TaskState::Failed, reason)));
    tasks.extend(
        dataset.unpaired.into_iter().map(|name| ended(name, TaskState::Unpaired, "has no mate".to_owned())),
    );
    tasks
}

/// Digest of a request. A key belongs to one digest.
fn request_sha256(request: &JobRequest, json: &str) -> String {
    digest(format!("{}\n{json}", request.kind().name()).as_bytes())
}

/// The task of an uploaded picture.
fn picture(picture: &UploadedPicture) -> NewTask {
    NewTask { name: picture.name.clone(), files: None, state: TaskState::Waiting, reason: None }
}

/// The one task of a job that runs a command.
fn command(kind: JobKind) -> NewTask {
    NewTask { name: kind.name().to_owned(), files: None, state: TaskState::Waiting, reason: None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        config::Settings,
        jobs::{child, dataset_root::DatasetRoot, service::JobsSetup},
    };

    async fn jobs(folder: &std::path::Path) -> Arc<Jobs> {
        for side in ["damaged", "undamaged"] {
            let path = folder.join("datasets/d").join(side);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("a.png"), b"").unwrap();
        }
        let config = Settings::defaults().config().unwrap();
        let setup = JobsSetup {
            folder: folder.join("data"),
            datasets: DatasetRoot::new(folder.join("datasets")),
            settings: config.jobs,
            limits: config.limits.limits(),
            model: config.model.path,
            drain_timeout: Duration::ZERO,
            program: child::this_program(),
        };
        Jobs::open(setup, CancellationToken::new()).await.unwrap()
    }

    fn request(grid: &str) -> JobRequest {
        let body = format!(r#"{{"dataset": "d", "grid": "{grid}"}}"#);
        JobRequest::parse(JobKind::Optimize, body.as_bytes()).unwrap()
    }

    #[tokio::test]
    async fn a_key_is_taken_while_its_request_is_being_accepted_and_free_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let open = jobs(folder.path()).await;
        let key = || Some("k".to_owned());
        // An identical request has claimed the key and is not accepted yet.
        let asked = request("seed");
        let sha256 = request_sha256(&asked, &asked.to_json().to_string());
        assert_eq!(open.storage.claim_key("k", &sha256).await.unwrap(), Claim::Fresh);
        assert!(matches!(open.submit(request("seed"), key()).await, Err(SubmitError::KeyInUse)));
        assert!(matches!(open.submit(request("full"), key()).await, Err(SubmitError::KeyReused)));
        assert!(open.storage.jobs(None, None, 10).await.unwrap().is_empty());
        // Its process dies at this point, so nobody finishes the request.
        drop(open);
        let open = jobs(folder.path()).await;
        let job = open.submit(request("seed"), key()).await.unwrap();
        assert_eq!(open.submit(request("seed"), key()).await.unwrap().id, job.id);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_client_that_disconnects_leaves_no_claimed_key() {
        let folder = tempfile::tempdir().unwrap();
        let open = jobs(folder.path()).await;
        for i in 0..60 {
            let key = || Some(format!("k{i}"));
            let patience = Duration::from_micros(i * 40);
            let _ = tokio::time::timeout(patience, open.submit(request("seed"), key())).await;
            let job = loop {
                match open.submit(request("seed"), key()).await {
                    Ok(job) => break job,
                    Err(SubmitError::KeyInUse) => tokio::time::sleep(Duration::from_millis(1)).await,
                    Err(error) => panic!("{error}"),
                }
            };
            assert_eq!(open.submit(request("seed"), key()).await.unwrap().id, job.id);
        }
        assert_eq!(open.storage.jobs(None, None, 100).await.unwrap().len(), 60);
    }
}
