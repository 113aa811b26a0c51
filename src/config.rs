//! Settings: typed sections, each validated once at start, and where every value came from.
//!
//! Layers, the later winning: the embedded `config/default.toml`, `--config FILE`, `PENTIMENTO_SECTION__KEY`, flags.
//! The default file names every key there is, so an unknown key is an error with a suggestion.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::Deserialize;
use thiserror::Error;
use toml::Value;

use pentimento_core::imaging::codec::Limits;

const DEFAULTS: &str = include_str!("../config/default.toml");
const VARIABLE_PREFIX: &str = "PENTIMENTO_";

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP service.
    pub server: ServerConfig,
    /// What one picture may cost.
    pub limits: LimitsConfig,
    /// The pixel pool and its admission.
    pub compute: ComputeConfig,
    /// Which model predicts.
    pub model: ModelConfig,
    /// What is logged.
    pub log: LogConfig,
    /// Where things are kept.
    pub data: DataConfig,
    /// What jobs may read.
    pub datasets: DatasetsConfig,
    /// How jobs are worked on.
    pub jobs: JobsConfig,
}

/// Section `server`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// How long requests may finish after a signal, in milliseconds.
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
    /// Most pixels.
    pub pixels_max: u64,
    /// Most memory of one decoding, in bytes.
    pub decoded_bytes_max: u64,
}

impl LimitsConfig {
    /// As the codecs take them.
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
    /// Threads of the pixel pool; 0: all cores.
    pub threads: usize,
    /// Requests at work at one time; 0: as many as threads.
    pub running_max: usize,
    /// Requests that may wait.
    pub waiting_max: usize,
}

/// Section `model`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// A model file; empty: the built-in one.
    pub path: PathBuf,
}

/// Section `log`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// An `EnvFilter` directive list.
    pub filter: String,
    /// Text or JSON.
    pub format: LogFormat,
}

/// Section `data`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The folder of the database.
    pub dir: PathBuf,
}

/// Section `datasets`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetsConfig {
    /// The folder of the datasets; empty: there are none.
    pub root: PathBuf,
}

/// Section `jobs`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    /// Pairs at work at one time; 0: one per core.
    pub concurrency: usize,
    /// Threads of a pair's process.
    pub pair_threads: usize,
    /// How often a pair is begun at most.
    pub attempts_max: u32,
    /// How long a pair may take, in milliseconds.
    pub pair_timeout_ms: u64,
    /// How long a training or an evaluation may take, in milliseconds.
    pub command_timeout_ms: u64,
    /// Days until an ended job is deleted; 0: never.
    pub retention_days: u32,
}

impl JobsConfig {
    /// Pairs at work at one time.
    pub fn n_at_once(&self) -> usize {
        match self.concurrency {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The embedded defaults.
    Default,
    /// A file.
    File(String),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "file {path}"),
            Origin::Variable(name) => write!(f, "variable {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// The settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A key that does not exist.
    #[error("unknown setting {key:?} from {origin}{}", hint(.suggestion))]
    Unknown {
        /// `section.key`.
        key: String,
        /// Who said it.
        origin: Origin,
        /// The nearest key there is.
        suggestion: Option<String>,
    },
    /// Not TOML.
    #[error("{origin}: {reason}")]
    Syntax {
        /// Which source.
        origin: Origin,
        /// The parser's words.
        reason: String,
    },
    /// A value that does not fit.
    #[error("setting {key} = {value} from {origin}: {reason}")]
    Value {
        /// `section.key`.
        key: String,
        /// The value given.
        value: String,
        /// Who said it.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or(String::new(), |s| format!("; did you mean {s:?}?"))
}

/// Settings being put together: every key with its value and origin.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<String, (Value, Origin)>,
}

impl Settings {
    /// The embedded defaults.
    pub fn defaults() -> Self {
        let table = DEFAULTS.parse().expect("the embedded defaults are tested");
        let values = flatten(table).into_iter().map(|(k, v)| (k, (v, Origin::Default))).collect();
        Self { values }
    }

    /// Lays the text of a `--config` file over what is there.
    ///
    /// # Errors
    /// For bad TOML and unknown keys.
    pub fn with_file(mut self, path: &str, text: &str) -> Result<Self, ConfigError> {
        let origin = Origin::File(path.to_owned());
        let table = text.parse().map_err(|e: toml::de::Error| ConfigError::Syntax {
            origin: origin.clone(),
            reason: e.to_string(),
        })?;
        for (key, value) in flatten(table) {
            self.set(&key, value, origin.clone())?;
        }
        Ok(self)
    }

    /// Lays variables of the form `PENTIMENTO_SECTION__KEY` over what is there; others are not looked at.
    ///
    /// # Errors
    /// For unknown keys, misspelt separators among them.
    pub fn with_variables(
        mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut ours: Vec<_> = variables.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)).collect();
        ours.sort();
        for (name, text) in ours {
            let key = name[VARIABLE_PREFIX.len()..].to_lowercase().replace("__", ".");
            self = self.with_text(&key, &text, Origin::Variable(name))?;
        }
        Ok(self)
    }

    /// Sets one key from a flag.
    ///
    /// # Errors
    /// For unknown keys and values of another type.
    pub fn with_flag(self, flag: &str, key: &str, text: &str) -> Result<Self, ConfigError> {
        self.with_text(key, text, Origin::Flag(flag.to_owned()))
    }

    /// A value given as text takes the type of the default.
    fn with_text(mut self, key: &str, text: &str, origin: Origin) -> Result<Self, ConfigError> {
        let value = match Self::defaults().values.get(key).map(|(default, _)| default) {
            Some(Value::Integer(_)) => {
                text.trim().parse().map(Value::Integer).map_err(|_| ConfigError::Value {
                    key: key.to_owned(),
                    value: format!("{text:?}"),
                    origin: origin.clone(),
                    reason: "a whole number is needed".to_owned(),
                })?
            }
            _ => Value::String(text.to_owned()),
        };
        self.set(key, value, origin)?;
        Ok(self)
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        match self.values.get_mut(key) {
            Some(slot) => {
                *slot = (value, origin);
                Ok(())
            }
            None => Err(ConfigError::Unknown { key: key.to_owned(), origin, suggestion: self.nearest(key) }),
        }
    }

    fn nearest(&self, key: &str) -> Option<String> {
        let close = |known: &&String| strsim::jaro_winkler(known, key);
        let best = self.values.keys().max_by(|a, b| close(a).total_cmp(&close(b)))?;
        (close(&best) > 0.8).then(|| best.clone())
    }

    /// Every key with its value as TOML and its origin, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, String, &Origin)> {
        self.values.iter().map(|(key, (value, origin))| (key.as_str(), value.to_string(), origin))
    }

    /// The typed settings.
    ///
    /// # Errors
    /// For values of the wrong type or out of range.
    pub fn config(&self) -> Result<Config, ConfigError> {
        // One key at a time into the defaults, so that an error names the key and who set it.
        let mut sections = toml::Table::new();
        for (key, (value, _)) in &Self::defaults().values {
            insert(&mut sections, key, value.clone());
        }
        for (key, (value, origin)) in &self.values {
            insert(&mut sections, key, value.clone());
            let refused = |reason: String| ConfigError::Value {
                key: key.clone(),
                value: value.to_string(),
                origin: origin.clone(),
                reason,
            };
            let config: Config =
                sections.clone().try_into().map_err(|e: toml::de::Error| refused(e.message().to_owned()))?;
            config.check(key).map_err(|reason| refused(reason.to_owned()))?;
        }
        Ok(sections.try_into().expect("checked key by key"))
    }
}

impl Config {
    /// What the types do not say about `key`.
    fn check(&self, key: &str) -> Result<(), &'static str> {
        const POSITIVE: &str = "it must be at least 1";
        let (fine, range) = match key {
            "limits.input_bytes_max" => (self.limits.input_bytes_max > 0, POSITIVE),
            "limits.pixels_max" => (self.limits.pixels_max > 0, POSITIVE),
            "limits.decoded_bytes_max" => (self.limits.decoded_bytes_max > 0, POSITIVE),
            "server.body_timeout_ms" => (self.server.body_timeout_ms > 0, POSITIVE),
            "compute.threads" => (self.compute.threads <= 1024, "it goes from 0 to 1024"),
            "data.dir" => (!self.data.dir.as_os_str().is_empty(), "a folder is needed"),
            "jobs.concurrency" => (self.jobs.concurrency <= 1024, "it goes from 0 to 1024"),
            "jobs.pair_threads" => ((1..=1024).contains(&self.jobs.pair_threads), "it goes from 1 to 1024"),
            "jobs.attempts_max" => (self.jobs.attempts_max > 0, POSITIVE),
            "jobs.pair_timeout_ms" => (self.jobs.pair_timeout_ms > 0, POSITIVE),
            "jobs.command_timeout_ms" => (self.jobs.command_timeout_ms > 0, POSITIVE),
            _ => (true, ""),
        };
        if fine { Ok(()) } else { Err(range) }
    }
}

fn insert(sections: &mut toml::Table, key: &str, value: Value) {
    let (section, name) = key.split_once('.').expect("every key has a section");
    let section = sections.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
    section.as_table_mut().expect("sections are tables").insert(name.to_owned(), value);
}

/// `section.key` → value; values outside a section keep their bare (and so unknown) name.
fn flatten(table: toml::Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(keys) => flat.extend(keys.into_iter().map(|(k, v)| (format!("{section}.{k}"), v))),
            other => flat.push((section, other)),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str) -> Result<Settings, ConfigError> {
        Settings::defaults().with_variables([(name.to_owned(), value.to_owned())].into_iter())
    }

    #[test]
    fn the_embedded_defaults_are_complete() {
        let config = Settings::defaults().config().unwrap();
        assert_eq!(config.server.address.to_string(), "127.0.0.1:8080");
        assert_eq!(config.limits.limits(), Limits::default());
    }

    #[test]
    fn later_layers_win_and_tell_where_they_came_from() {
        let settings =
            Settings::defaults().with_file("a.toml", "[compute]\nthreads = 2\nwaiting_max = 3").unwrap();
        let variables = [("PENTIMENTO_COMPUTE__THREADS".to_owned(), "5".to_owned())];
        let settings = settings.with_variables(variables.into_iter()).unwrap();
        let settings = settings.with_flag("--address", "server.address", "127.0.0.1:0").unwrap();
        let config = settings.config().unwrap();
        assert_eq!((config.compute.threads, config.compute.waiting_max), (5, 3));
        let origin = |key| settings.entries().find(|e| e.0 == key).unwrap().2.to_string();
        assert_eq!(origin("compute.threads"), "variable PENTIMENTO_COMPUTE__THREADS");
        assert_eq!(origin("compute.waiting_max"), "file a.toml");
        assert_eq!(origin("server.address"), "flag --address");
        assert_eq!(origin("log.filter"), "default");
    }

    #[test]
    fn unknown_keys_stop_with_a_suggestion() {
        let error = variable("PENTIMENTO_LIMITS__PIXEL_MAX", "5").unwrap_err().to_string();
        assert!(error.contains("limits.pixel_max") && error.contains("limits.pixels_max"), "{error}");
        let error = Settings::defaults().with_file("f", "threads = 3").unwrap_err().to_string();
        assert!(error.contains("unknown setting \"threads\""), "{error}");
        assert!(variable("PENTIMENTO_THREADS", "3").is_err());
        assert!(variable("OTHER_THREADS", "3").is_ok());
    }

    #[test]
    fn bad_values_name_key_and_origin() {
        let error = variable("PENTIMENTO_COMPUTE__THREADS", "many").unwrap_err().to_string();
        assert!(error.contains("compute.threads") && error.contains("whole number"), "{error}");
        let settings = variable("PENTIMENTO_SERVER__ADDRESS", "here").unwrap();
        let error = settings.config().unwrap_err().to_string();
        assert!(error.contains("server.address") && error.contains("PENTIMENTO_SERVER__ADDRESS"), "{error}");
        let settings = variable("PENTIMENTO_LIMITS__PIXELS_MAX", "-1").unwrap();
        assert!(settings.config().is_err());
        assert!(Settings::defaults().with_file("f", "[log]\nformat = \"xml\"").unwrap().config().is_err());
    }
}
