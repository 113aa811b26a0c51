//! Where events go: standard error, as text or JSON, filtered as the settings say.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogConfig, LogFormat};

/// Installs the subscriber of the process.
///
/// # Errors
/// When the filter is not understood or a subscriber is installed already.
pub fn install(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)
        .with_context(|| format!("setting log.filter = {:?} is not understood", config.filter))?;
    // Colours are for people at a terminal, not for files.
    let colours = std::io::stderr().is_terminal();
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|e| anyhow::anyhow!("installing the log: {e}"))
}
