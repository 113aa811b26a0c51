//! A service as a process, with data and datasets that outlive the process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use pentimento_core::imaging::{
    Channels, Image,
    codec::{self, Encoding, Format, Metadata},
};
use pentimento_core::numeric::random::RandomStream;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pentimento");

/// Longest wait. Nothing takes so long without a defect.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Data, datasets and settings for services that start and end.
pub struct Place {
    folder: TempDir,
    /// The setting `data.dir`.
    pub data: PathBuf,
    settings: Vec<String>,
}

impl Place {
    pub fn new(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("datasets")).unwrap();
        let data = folder.path().join("data");
        Self { folder, data, settings: settings.iter().map(|s| (*s).to_owned()).collect() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `n` different pairs of noise, `side_px` wide and high.
    pub fn dataset(&self, name: &str, n: u32, side_px: usize) {
        for i in 0..n {
            self.pair(name, &format!("{i:03}"), side_px, 2 * i + 1);
        }
    }

    /// Writes a pair of noise from the seeds `seed` and `seed + 1`.
    pub fn pair(&self, dataset: &str, name: &str, side_px: usize, seed: u32) {
        for (side, seed) in [("damaged", seed), ("undamaged", seed + 1)] {
            let path = self.path(&format!("datasets/{dataset}/{side}/{name}.bmp"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, picture(side_px, seed)).unwrap();
        }
    }

    /// Writes an empty file to a dataset.
    pub fn file(&self, path: &str) {
        let path = self.path("datasets").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }

    /// Starts a service and waits until it listens.
    pub fn start(&self) -> Service {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--address", "127.0.0.1:0"]);
        let mut set = |setting: String| {
            command.args(["--set", &setting]);
        };
        set(format!("data.dir={}", self.data.display()));
        set(format!("datasets.root={}", self.path("datasets").display()));
        set("log.filter=error".to_owned());
        self.settings.iter().for_each(|setting| set(setting.clone()));
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let listens = lines.next().expect("a line with the address").unwrap();
        let base = format!("http://{}", listens.rsplit_once("http://").expect("an address").1);
        Service { process, base, client: Client::new() }
    }

    /// Returns the table that an undisturbed `pentimento optimize` writes.
    pub fn optimize(&self, dataset: &str, grid: &str) -> Vec<u8> {
        let out = self.path(&format!("{dataset}.csv"));
        let status = Command::new(PROGRAM)
            .arg("optimize")
            .arg("--dataset")
            .arg(self.path("datasets").join(dataset))
            .args(["--grid", grid, "--force", "--min-success", "0", "--out"])
            .arg(&out)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        fs::read(out).unwrap()
    }

    /// Changes the database. No service may be running.
    pub async fn execute(&self, statement: &'static str) {
        let path = self.data.join("pentimento.sqlite");
        let mut database = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }

    /// Reads a number from the database. No service may be running.
    pub async fn number(&self, statement: &'static str) -> i64 {
        let path = self.data.join("pentimento.sqlite");
        let mut database = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap()
    }
}

/// A running service. Dropping it kills the process.
pub struct Service {
    process: Child,
    base: String,
    client: Client,
}

impl Service {
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGKILL, which the service cannot handle.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends SIGTERM. Returns the time until the service exits with code 0.
    pub fn stop(mut self) -> Duration {
        let begun = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
        begun.elapsed()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base)).timeout(PATIENCE).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        request.timeout(PATIENCE).send().await.unwrap()
    }

    /// Submits a search, and gives its id.
    pub async fn optimize(&self, dataset: &str, grid: &str) -> String {
        let response = self.post("/jobs/optimize", &json!({ "dataset": dataset, "grid": grid })).await;
        assert_eq!(response.status(), 202);
        response.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub async fn job(&self, id: &str) -> Value {
        self.get(&format!("/jobs/{id}")).await.json().await.unwrap()
    }

    /// Waits until a condition on a job holds. Returns the job.
    pub async fn until(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let job = self.job(id).await;
            if holds(&job) {
                return job;
            }
            assert!(begun.elapsed() < PATIENCE, "never: {job}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn ended(&self, id: &str) -> Value {
        self.until(id, |job| ["finished", "failed", "cancelled"].contains(&job["state"].as_str().unwrap()))
            .await
    }

    /// Returns the number of these jobs that have ended.
    pub async fn ended_count(&self, ids: &[String]) -> usize {
        let mut n = 0;
        for id in ids {
            n += usize::from(self.job(id).await["finished_at_ms"].is_number());
        }
        n
    }

    pub async fn csv(&self, id: &str) -> Vec<u8> {
        let response = self.get(&format!("/jobs/{id}/results")).await;
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().to_vec()
    }

    /// Returns the processes that search pairs, each with the path of its damaged file.
    pub fn at_work(&self) -> Vec<(u32, String)> {
        self.working("pair")
    }

    /// Returns the processes `pentimento work NAME`, each with the argument that follows.
    pub fn working(&self, name: &str) -> Vec<(u32, String)> {
        children(self.pid())
            .into_iter()
            .filter_map(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
                let words: Vec<String> =
                    line.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned()).collect();
                let at = words.windows(2).position(|w| w == ["work", name])?;
                Some((pid, words.get(at + 2)?.clone()))
            })
            .collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the processes whose parent is `parent`.
fn children(parent: u32) -> Vec<u32> {
    let parent_of = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let pids = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

pub fn is_alive(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let state = state.as_deref().and_then(|stat| stat.rsplit_once(')')?.1.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

/// Waits until a condition holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Returns a table without the rows of these names.
pub fn without(csv: &[u8], names: &[&str]) -> Vec<u8> {
    let lines = csv.split_inclusive(|b| *b == b'\n');
    let given_up = |line: &[u8]| names.iter().any(|name| line.starts_with(format!("{name},").as_bytes()));
    lines.filter(|line| !given_up(line)).collect::<Vec<_>>().concat()
}

pub fn picture(side_px: usize, seed: u32) -> Vec<u8> {
    let mut random = RandomStream::new(u64::from(seed));
    let samples = (0..side_px * side_px * 3).map(|_| random.bits() as u8).collect();
    let image = Image::new(side_px, side_px, Channels::Rgb, samples, None).unwrap();
    let encoding = Encoding { format: Format::Bmp, quality: None, subsampling: None, lossless: true };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}
