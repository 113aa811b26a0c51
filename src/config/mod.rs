//! Settings. Each section is a struct of its own, so that a part of the program takes only the sections that it needs.
//!
//! Four layers, a later one wins: the embedded `config/default.toml`, the file of `--config`, environment variables
//! `PENTIMENTO_SECTION__KEY`, flags. The embedded file names every key. An unknown key is therefore an error, with the
//! nearest known key as a suggestion. [`Settings::config`] checks all values once, at start.

mod error;
mod origin;
mod sections;
mod settings;

pub use error::ConfigError;
pub use origin::Origin;
pub use sections::{
    ComputeConfig, Config, DataConfig, DatasetsConfig, JobsConfig, LimitsConfig, LogConfig, LogFormat,
    MemoryConfig, ModelConfig, RestoreConfig, ServerConfig,
};
pub use settings::Settings;
