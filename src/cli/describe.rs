//! `pentimento describe`: a training table, column by column.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::{Outcome, arguments::SettingsArguments, output};
use pentimento_core::learning::{Table, describe};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layout {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A table made by `pentimento optimize`
    #[arg(value_name = "table.csv")]
    table: PathBuf,
    /// text for people, json for machines
    #[arg(long, value_name = "text|json", default_value = "text")]
    format: Layout,
}

/// Reads a table, naming the file in errors.
pub(super) fn read_table(path: &Path) -> Result<Table> {
    let bytes = std::fs::read(path).with_context(|| format!("reading the table {}", path.display()))?;
    Table::read_csv(&bytes).with_context(|| format!("the table {}", path.display()))
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    settings.load(&[])?;
    let description = describe(&read_table(&arguments.table)?);
    match arguments.format {
        Layout::Text => output::print(description)?,
        Layout::Json => output::line(serde_json::to_string_pretty(&description)?)?,
    }
    Ok(Outcome::AllGood)
}
