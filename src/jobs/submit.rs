//! Accepting a job: everything that can be wrong with it is told now, and what is accepted is on disk.

use std::sync::Arc;

use thiserror::Error;

use super::{
    command_job,
    dataset_root::DatasetError,
    request::{EvaluateRequest, OptimizeRequest, Request, RequestError, TrainRequest},
    service::Jobs,
};
use crate::batch::index_dataset::Dataset;
use crate::storage::{Claim, Job, JobKind, JobState, NewJob, NewTask, StorageError, TaskState};
use pentimento_core::digest::digest;

/// A job is not accepted.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// Its request is wrong.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Its dataset is.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A job that it builds on is not there, is of another kind, or has not finished.
    #[error("{member} names the job {id:?}, which {reason}")]
    Input {
        /// The member of the body.
        member: &'static str,
        /// The job it names.
        id: String,
        /// What is wrong with that.
        reason: &'static str,
    },
    /// The tables it is to learn from were searched in different spaces.
    #[error("the tables were searched in different grids; a model is of one")]
    MixedGrids,
    /// Another request has its key.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// The same request is being accepted at this moment.
    #[error("a request with this Idempotency-Key is being accepted at this moment")]
    KeyInUse,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The work of accepting it failed.
    #[error("accepting the job failed: {0}")]
    Internal(#[from] tokio::task::JoinError),
}

impl Jobs {
    /// Accepts a job. With a key, the same request gets the job that it made before, whatever became of it.
    ///
    /// # Errors
    /// When it cannot be accepted; nothing is left behind then.
    pub async fn submit(self: &Arc<Self>, request: Request, key: Option<String>) -> Result<Job, SubmitError> {
        let json = request.to_json().to_string();
        let Some(name) = key else { return self.accept(request, json, None).await };
        // In a task of its own: a client that goes away in the middle must not leave a key that nobody gives back.
        let jobs = self.clone();
        tokio::spawn(async move { jobs.submit_once(request, json, name).await }).await?
    }

    async fn submit_once(
        self: &Arc<Self>,
        request: Request,
        json: String,
        name: String,
    ) -> Result<Job, SubmitError> {
        let sha256 = request_sha256(&request, &json);
        match self.storage.claim_key(&name, &sha256).await? {
            Claim::Fresh => {}
            Claim::Other => return Err(SubmitError::KeyReused),
            Claim::Accepting => return Err(SubmitError::KeyInUse),
            Claim::Same(id) => {
                let gone =
                    || SubmitError::Input { member: "Idempotency-Key", id: id.clone(), reason: "is gone" };
                return self.storage.job(&id).await?.ok_or_else(gone);
            }
        }
        let accepted = self.accept(request, json, Some(name.clone())).await;
        if accepted.is_err() {
            self.storage.release_key(&name).await?;
        }
        accepted
    }

    async fn accept(
        self: &Arc<Self>,
        request: Request,
        json: String,
        key: Option<String>,
    ) -> Result<Job, SubmitError> {
        let (n_ignored, tasks) = match &request {
            Request::Optimize(request) => self.pairs(request).await?,
            Request::Train(request) => (0, self.training(request).await?),
            Request::Evaluate(request) => (0, self.evaluation(request).await?),
        };
        let new = NewJob { kind: request.kind(), request: json, n_ignored, tasks, key };
        let job = self.storage.accept(&new).await?;
        tracing::info!(job = job.id, kind = job.kind.name(), tasks = new.tasks.len(), "a job was accepted");
        Ok(job)
    }

    /// Refuses a dataset of which any picture lies outside: a command opens them all by itself.
    async fn dataset_inside(self: &Arc<Self>, name: &str) -> Result<(), SubmitError> {
        let (jobs, name) = (self.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || jobs.setup.datasets.folder_inside(&name)).await??;
        Ok(())
    }

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

    async fn evaluation(self: &Arc<Self>, request: &EvaluateRequest) -> Result<Vec<NewTask>, SubmitError> {
        self.dataset_inside(&request.dataset).await?;
        if let Some(id) = &request.model {
            let job = self.input("model", id, JobKind::Train).await?;
            if !command_job::folder(&self.setup.folder, &job.id).join("model").is_file() {
                return Err(SubmitError::Input { member: "model", id: id.clone(), reason: "has no model" });
            }
        }
        Ok(vec![command(JobKind::Evaluate)])
    }

    /// A finished job that another builds on.
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

fn tasks(dataset: Dataset, files: Vec<(String, String)>) -> Vec<NewTask> {
    let pair = |(pair, files): (crate::batch::index_dataset::PairFiles, (String, String))| NewTask {
        name: pair.name,
        files: Some(files),
        state: TaskState::Waiting,
        reason: None,
    };
    let told =
        |name: String, state, reason: String| NewTask { name, files: None, state, reason: Some(reason) };
    let mut tasks: Vec<NewTask> = dataset.pairs.into_iter().zip(files).map(pair).collect();
    tasks.extend(dataset.ambiguous.into_iter().map(|(name, reason)| told(name, TaskState::Failed, reason)));
    tasks.extend(
        dataset.unpaired.into_iter().map(|name| told(name, TaskState::Unpaired, "has no mate".to_owned())),
    );
    tasks
}

/// What a key stands for.
fn request_sha256(request: &Request, json: &str) -> String {
    digest(format!("{}\n{json}", request.kind().name()).as_bytes())
}

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
        jobs::{dataset_root::DatasetRoot, service::JobsSetup},
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
            drain_timeout: Duration::ZERO,
            ..JobsSetup::new(&config)
        };
        Jobs::open(setup, CancellationToken::new()).await.unwrap()
    }

    fn request(grid: &str) -> Request {
        let body = format!(r#"{{"dataset": "d", "grid": "{grid}"}}"#);
        Request::parse(JobKind::Optimize, body.as_bytes()).unwrap()
    }

    #[tokio::test]
    async fn a_key_is_taken_while_its_request_is_being_accepted_and_free_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let open = jobs(folder.path()).await;
        let key = || Some("k".to_owned());
        // Another request of the same words is at this point of being accepted, for as long as it takes.
        let asked = request("seed");
        let sha256 = request_sha256(&asked, &asked.to_json().to_string());
        assert_eq!(open.storage.claim_key("k", &sha256).await.unwrap(), Claim::Fresh);
        assert!(matches!(open.submit(request("seed"), key()).await, Err(SubmitError::KeyInUse)));
        assert!(matches!(open.submit(request("full"), key()).await, Err(SubmitError::KeyReused)));
        assert!(open.storage.jobs(None, None, 10).await.unwrap().is_empty());
        // Its process dies there: nobody is left who could finish it.
        drop(open);
        let open = jobs(folder.path()).await;
        let job = open.submit(request("seed"), key()).await.unwrap();
        assert_eq!(open.submit(request("seed"), key()).await.unwrap().id, job.id);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_client_that_goes_away_leaves_no_key_behind() {
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
