//! The log: events go to standard error, as text or JSON, filtered by the settings.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogConfig, LogFormat};

/// Installs the log of this process.
///
/// # Errors
/// When `log.filter` is not a valid filter, or a log is installed already.
pub fn install(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)
        .with_context(|| format!("setting log.filter = {:?} is not a valid filter", config.filter))?;
    // Colour codes help at a terminal and disturb in files.
    let colours = std::io::stderr().is_terminal();
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|e| anyhow::anyhow!("the log cannot be installed: {e}"))
}
