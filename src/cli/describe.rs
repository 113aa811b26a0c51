//! `pentimento describe`: summarises a training table, column by column.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::{arguments::SettingsArguments, outcome::Outcome, output};
use pentimento_core::learning::{Table, describe};

/// How a description is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum DescriptionFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Training table made by `pentimento optimize`
    #[arg(value_name = "table.csv")]
    table: PathBuf,
    /// Output format: text for people, json for machines
    #[arg(long, value_name = "text|json", default_value = "text")]
    format: DescriptionFormat,
}

/// Reads a table. Errors name the file.
pub(super) fn read_table(path: &Path) -> Result<Table> {
    let bytes = std::fs::read(path).with_context(|| format!("reading the table {}", path.display()))?;
    Table::read_csv(&bytes).with_context(|| format!("the table {}", path.display()))
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    settings.load(&[])?;
    let description = describe(&read_table(&arguments.table)?);
    match arguments.format {
        DescriptionFormat::Text => output::print(description)?,
        DescriptionFormat::Json => output::line(serde_json::to_string_pretty(&description)?)?,
    }
    Ok(Outcome::AllGood)
}
