//! The sections of the settings. `config/default.toml` gives the default of each key, and the reason for it.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use pentimento_core::imaging::codec::Limits;

/// All sections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP service.
    pub server: ServerConfig,
    /// Limits of one picture.
    pub limits: LimitsConfig,
    /// The pixel pool and its admission.
    pub compute: ComputeConfig,
    /// The model that predicts.
    pub model: ModelConfig,
    /// The log.
    pub log: LogConfig,
    /// The folder of the database.
    pub data: DataConfig,
    /// The folder of the datasets.
    pub datasets: DatasetsConfig,
    /// The queue.
    pub jobs: JobsConfig,
}

/// Section `server`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port to listen on.
    pub address: SocketAddr,
    /// How long requests may go on after a signal to stop, in milliseconds.
    pub drain_timeout_ms: u64,
    /// How long a body may take to arrive, in milliseconds.
    pub body_timeout_ms: u64,
}

/// Section `limits`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Longest body or file, in bytes.
    pub input_bytes_max: u64,
    /// Most pixels of a picture.
    pub pixels_max: u64,
    /// Most memory that decoding one picture may take, in bytes.
    pub decoded_bytes_max: u64,
}

impl LimitsConfig {
    /// Returns the limits in the type that the codecs take.
    pub fn limits(self) -> Limits {
        Limits {
            input_bytes_max: self.input_bytes_max,
            pixels_max: self.pixels_max,
            decoded_bytes_max: self.decoded_bytes_max,
        }
    }
}

/// Section `compute`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputeConfig {
    /// Threads of the pixel pool. 0: one per core.
    pub threads: usize,
    /// Requests that compute at the same time. 0: one per thread.
    pub running_max: usize,
    /// Requests that may wait for their turn.
    pub waiting_max: usize,
}

/// Section `model`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Path of a model file. Empty: the built-in model.
    pub path: PathBuf,
}

/// Section `log`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Directives of an `EnvFilter`, separated by commas.
    pub filter: String,
    /// Text or JSON.
    pub format: LogFormat,
}

/// Section `data`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Folder of the database and of the jobs' files.
    pub dir: PathBuf,
}

/// Section `datasets`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetsConfig {
    /// Folder of the datasets. Empty: there are no datasets.
    pub root: PathBuf,
}

/// Section `jobs`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    /// Tasks that work at the same time. 0: one per core.
    pub concurrency: usize,
    /// Threads of a task's process.
    pub pair_threads: usize,
    /// Most attempts at a task.
    pub attempts_max: u32,
    /// How long a pair or an uploaded picture may take, in milliseconds.
    pub pair_timeout_ms: u64,
    /// How long a training or an evaluation may take, in milliseconds.
    pub command_timeout_ms: u64,
    /// Most bytes of uploaded pictures that wait for their restoration.
    pub stored_bytes_max: u64,
    /// Days until an ended job is deleted. 0: never.
    pub retention_days: u32,
}

impl JobsConfig {
    /// Returns the number of tasks that work at the same time.
    pub fn n_at_once(&self) -> usize {
        match self.concurrency {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

impl Config {
    /// Checks the range of one key's value. The types have checked everything else.
    ///
    /// # Errors
    /// The allowed range, in words.
    pub(super) fn check(&self, key: &str) -> Result<(), &'static str> {
        const POSITIVE: &str = "the value must be at least 1";
        const UP_TO_1024: &str = "the value must be from 0 to 1024";
        let (fine, range) = match key {
            "limits.input_bytes_max" => (self.limits.input_bytes_max > 0, POSITIVE),
            "limits.pixels_max" => (self.limits.pixels_max > 0, POSITIVE),
            "limits.decoded_bytes_max" => (self.limits.decoded_bytes_max > 0, POSITIVE),
            "server.body_timeout_ms" => (self.server.body_timeout_ms > 0, POSITIVE),
            "compute.threads" => (self.compute.threads <= 1024, UP_TO_1024),
            "data.dir" => (!self.data.dir.as_os_str().is_empty(), "the value must name a folder"),
            "jobs.concurrency" => (self.jobs.concurrency <= 1024, UP_TO_1024),
            "jobs.pair_threads" => {
                ((1..=1024).contains(&self.jobs.pair_threads), "the value must be from 1 to 1024")
            }
            "jobs.attempts_max" => (self.jobs.attempts_max > 0, POSITIVE),
            "jobs.pair_timeout_ms" => (self.jobs.pair_timeout_ms > 0, POSITIVE),
            "jobs.command_timeout_ms" => (self.jobs.command_timeout_ms > 0, POSITIVE),
            _ => (true, ""),
        };
        if fine { Ok(()) } else { Err(range) }
    }
}
