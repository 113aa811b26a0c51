//! The sections of the settings. `config/default.toml` gives the default of each key, and the reason for it.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Deserializer, de::Error as _};

use pentimento_core::{
    imaging::{
        Tone,
        codec::{Limits, PageLimits, StreamLimits},
    },
    models::Assume,
};

/// All sections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP service.
    pub server: ServerConfig,
    /// The memory that clients may use.
    pub memory: MemoryConfig,
    /// Limits of one picture.
    pub limits: LimitsConfig,
    /// The pixel pool and its admission.
    pub compute: ComputeConfig,
    /// The model that predicts.
    pub model: ModelConfig,
    /// What holds for pictures about which nothing is said.
    pub restore: RestoreConfig,
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
    /// Names under which jobs may be changed, besides loopback names and IP addresses.
    pub hosts: Vec<String>,
    /// Address and port of a listener for the health alone. `None`: there is no such listener.
    #[serde(deserialize_with = "optional_address")]
    pub health_address: Option<SocketAddr>,
    /// Most connections. 0: as the limit of descriptors and the memory allow.
    pub connections_max: usize,
    /// How long the head of a request may take, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long a connection may stay open between requests, in milliseconds.
    pub keep_alive_timeout_ms: u64,
    /// How long a body, or one picture of a form, may take to arrive, in milliseconds.
    pub body_timeout_ms: u64,
    /// How long an answer may take whose client does not keep up with it, in milliseconds.
    pub answer_timeout_ms: u64,
    /// Fewest bytes per second that a client must send or read.
    pub rate_min: u64,
    /// How long a request may take from the end of its body to its answer, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long the service takes requests after a signal to stop, in milliseconds.
    pub drain_delay_ms: u64,
    /// How long requests may go on after that, in milliseconds.
    pub drain_timeout_ms: u64,
}

/// Reads an address; an empty text means none.
fn optional_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}

/// Section `memory`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// Memory of the whole service in bytes. 0: a share of what the system allows.
    pub budget_bytes: u64,
    /// That share, in percent.
    pub share_percent: u64,
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
    /// Longest output, in bytes.
    pub output_bytes_max: u64,
    /// Most pixels of a TIFF that is restored in parts. 0: none is.
    pub streamed_pixels_max: u64,
    /// Most pages of a file of which all pages are restored.
    pub pages_max: u32,
    /// Most pixels of all pages of such a file.
    pub pages_pixels_max: u64,
    /// Most pictures of one form.
    pub pictures_max: usize,
}

impl LimitsConfig {
    /// Returns the limits of pictures that are restored in parts.
    pub fn stream_limits(self) -> StreamLimits {
        StreamLimits {
            pixels_max: self.streamed_pixels_max,
            working_bytes_max: self.decoded_bytes_max,
            ..StreamLimits::default()
        }
    }

    /// Returns the limits in the type that the codecs take.
    pub fn limits(self) -> Limits {
        Limits {
            input_bytes_max: self.input_bytes_max,
            pixels_max: self.pixels_max,
            decoded_bytes_max: self.decoded_bytes_max,
            output_bytes_max: self.output_bytes_max,
            lenient: false,
            pages: PageLimits { page: None, pages_max: self.pages_max, pixels_max: self.pages_pixels_max },
        }
    }
}

/// Section `compute`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputeConfig {
    /// Threads of the pixel pool. 0: one per core.
    pub threads: usize,
    /// Requests that compute at the same time. 0: one per thread.
    pub running_max: usize,
    /// Requests that may wait for their turn.
    pub waiting_max: usize,
    /// Bodies that may arrive at the same time.
    pub receiving_max: usize,
    /// Answers with pictures that may be sent at the same time.
    pub sending_max: usize,
    /// Requests of one address at the same time. 0: three quarters of the places.
    pub caller_places_max: usize,
}

/// Section `model`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Path of a model file. Empty: the built-in model.
    pub path: PathBuf,
}

/// Section `restore`. A request and a flag win over it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreConfig {
    /// How sure the operator is that the pictures are damaged.
    pub assume: Assume,
    /// Whether colour corrections keep the lightness of every pixel.
    pub tone: Tone,
    /// Whether files that are cut off or damaged are restored as far as they go.
    pub lenient: bool,
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
    /// Most jobs that are queued or running.
    pub queued_max: u64,
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
            "limits.output_bytes_max" => (self.limits.output_bytes_max > 0, POSITIVE),
            "limits.pages_max" => (self.limits.pages_max > 0, POSITIVE),
            "limits.pages_pixels_max" => (self.limits.pages_pixels_max > 0, POSITIVE),
            "server.body_timeout_ms" => (self.server.body_timeout_ms > 0, POSITIVE),
            "server.header_timeout_ms" => (self.server.header_timeout_ms > 0, POSITIVE),
            "server.keep_alive_timeout_ms" => (self.server.keep_alive_timeout_ms > 0, POSITIVE),
            "server.answer_timeout_ms" => (self.server.answer_timeout_ms > 0, POSITIVE),
            "server.request_timeout_ms" => (self.server.request_timeout_ms > 0, POSITIVE),
            "server.rate_min" => (self.server.rate_min > 0, POSITIVE),
            "memory.share_percent" => {
                ((1..=100).contains(&self.memory.share_percent), "the value must be from 1 to 100")
            }
            "limits.pictures_max" => (self.limits.pictures_max > 0, POSITIVE),
            "compute.receiving_max" => (self.compute.receiving_max > 0, POSITIVE),
            "compute.sending_max" => (self.compute.sending_max > 0, POSITIVE),
            "compute.threads" => (self.compute.threads <= 1024, UP_TO_1024),
            "data.dir" => (!self.data.dir.as_os_str().is_empty(), "the value must name a folder"),
            "jobs.concurrency" => (self.jobs.concurrency <= 1024, UP_TO_1024),
            "jobs.pair_threads" => {
                ((1..=1024).contains(&self.jobs.pair_threads), "the value must be from 1 to 1024")
            }
            "jobs.queued_max" => (self.jobs.queued_max > 0, POSITIVE),
            "jobs.attempts_max" => (self.jobs.attempts_max > 0, POSITIVE),
            "jobs.pair_timeout_ms" => (self.jobs.pair_timeout_ms > 0, POSITIVE),
            "jobs.command_timeout_ms" => (self.jobs.command_timeout_ms > 0, POSITIVE),
            _ => (true, ""),
        };
        if fine { Ok(()) } else { Err(range) }
    }
}
