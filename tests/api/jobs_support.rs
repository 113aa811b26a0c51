//! A service with jobs for tests. It has its own database and datasets, and the real program runs its processes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use pentimento::{
    compute::Compute,
    config::{ComputeConfig, JobsConfig},
    http::{AppState, Listeners, StopTimes, serve},
    jobs::{
        dataset_root::DatasetRoot,
        service::{Availability, Jobs, JobsSetup, keep_open},
    },
    memory::MemoryBudget,
    worker,
};
use pentimento_core::imaging::{
    Image,
    codec::{self, Encoding, Format, Limits, Metadata},
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::{
    described,
    support::{PATIENCE, PREDICTOR, connection_limits, golden, request_limits, send},
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pentimento");

/// A service with jobs. Dropping it deletes its folder.
pub struct JobsApp {
    pub folder: TempDir,
    pub base: String,
    pub client: Client,
    pub availability: watch::Receiver<Availability>,
    pub stopping: CancellationToken,
}

impl JobsApp {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut JobsSetup)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("datasets");
        fs::create_dir(&root).unwrap();
        let settings = JobsConfig {
            concurrency: 2,
            pair_threads: 1,
            attempts_max: 3,
            pair_timeout_ms: 600_000,
            command_timeout_ms: 600_000,
            queued_max: 100,
            stored_bytes_max: 1 << 30,
            retention_days: 30,
        };
        let mut setup = JobsSetup {
            folder: folder.path().join("data"),
            datasets: DatasetRoot::new(root),
            settings,
            limits: Limits::default(),
            model: PathBuf::new(),
            drain_timeout: Duration::from_millis(100),
            program: PROGRAM.into(),
        };
        change(&mut setup);
        let stopping = CancellationToken::new();
        let availability = keep_open(setup, stopping.clone()).await.unwrap();
        let config =
            ComputeConfig { threads: 1, running_max: 1, waiting_max: 32, ..ComputeConfig::default() };
        let (compute, memory) = (Compute::new(&config).unwrap(), MemoryBudget::new(1 << 30));
        let limits = Limits::default();
        let state = AppState::new(compute, PREDICTOR.clone(), limits, memory, request_limits())
            .with_jobs(availability.clone());
        worker::start(availability.clone(), stopping.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let listeners = Listeners { service: listener, health: None };
        let times = StopTimes { drain_delay: Duration::ZERO, drain_timeout: PATIENCE };
        tokio::spawn(serve(listeners, state, connection_limits(), times, std::future::pending()));
        Self { folder, base, client: Client::new(), availability, stopping }
    }

    pub fn jobs(&self) -> Arc<Jobs> {
        match &*self.availability.borrow() {
            Availability::Open(jobs) => jobs.clone(),
            Availability::Closed(reason) => panic!("{reason}"),
        }
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.base.strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("datasets")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn submit(&self, kind: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, &format!("/jobs/{kind}")).json(body)
    }

    /// Submits a job and checks the answer against `openapi.yaml`.
    pub async fn accepted(&self, kind: &str, body: &Value) -> Value {
        let response = send(self.submit(kind, body)).await;
        assert_eq!(response.status(), 202, "{}", response.text().await.unwrap());
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let job = job_of(response).await;
        assert_eq!(location, format!("/jobs/{}", job["id"].as_str().unwrap()));
        job
    }

    pub async fn job(&self, id: &str) -> Value {
        let response = send(self.get(&format!("/jobs/{id}"))).await;
        assert_eq!(response.status(), 200);
        job_of(response).await
    }

    /// Waits until a job meets a condition. Fails if the job does not meet it in time.
    pub async fn until(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let job = self.job(id).await;
                if holds(&job) {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(2 * PATIENCE, waiting).await {
            Ok(job) => job,
            Err(_) => panic!("never: {}", self.job(id).await),
        }
    }

    pub async fn ended(&self, id: &str) -> Value {
        self.until(id, |job| ["finished", "failed", "cancelled"].contains(&job["state"].as_str().unwrap()))
            .await
    }

    /// Submits a job and waits for its end.
    pub async fn run(&self, kind: &str, body: &Value) -> Value {
        let job = self.accepted(kind, body).await;
        self.ended(job["id"].as_str().unwrap()).await
    }

    /// The body of a job's results in a view and a format.
    pub async fn results(&self, id: &str, query: &str, accept: &str) -> Vec<u8> {
        let request = self.get(&format!("/jobs/{id}/results{query}")).header("accept", accept);
        let response = send(request).await;
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().to_vec()
    }

    /// The files that the command writes for a dataset: the table and all combinations.
    pub fn optimize(&self, dataset: &str, grid: &str) -> (Vec<u8>, Vec<u8>) {
        let (table, all) = (self.folder.path().join("t.csv"), self.folder.path().join("all.csv"));
        let status = Command::new(PROGRAM)
            .arg("optimize")
            .arg("--dataset")
            .arg(self.root().join(dataset))
            .args(["--grid", grid, "--force", "--min-success", "0", "--out"])
            .arg(&table)
            .arg("--combinations")
            .arg(&all)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        (fs::read(table).unwrap(), fs::read(all).unwrap())
    }

    /// Makes a dataset of golden pairs.
    pub fn dataset(&self, name: &str, pairs: &[&str]) {
        for pair in pairs {
            self.write(&format!("{name}/damaged/{pair}.png"), &golden(&format!("pairs/{pair}.damaged.png")));
            self.write(
                &format!("{name}/undamaged/{pair}.png"),
                &golden(&format!("pairs/{pair}.reference.png")),
            );
        }
    }

    /// Makes a pair whose search takes long enough for the test to act meanwhile.
    pub fn slow_pair(&self, dataset: &str, pair: &str, side_px: usize) {
        self.write(&format!("{dataset}/damaged/{pair}.bmp"), &picture(side_px, 1));
        self.write(&format!("{dataset}/undamaged/{pair}.bmp"), &picture(side_px, 2));
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }
}

impl Drop for JobsApp {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// The job of an answer, after a check against the description.
pub async fn job_of(response: Response) -> Value {
    let job: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    described::check(&job, "Job");
    job
}

/// A square picture of noise, which differs from seed to seed.
pub fn picture(side_px: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut sample = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    let samples = (0..side_px * side_px * 3).map(|_| sample()).collect();
    let image = Image::new(side_px, side_px, pentimento_core::imaging::Channels::Rgb, samples, None).unwrap();
    let encoding = Encoding { format: Format::Bmp, quality: None, subsampling: None, lossless: true };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}
