//! `pentimento migrate`: creates the database of jobs or brings it up to date. `serve` does the same when it starts.

use anyhow::{Context as _, Result};
use clap::Args;

use super::{arguments::SettingsArguments, outcome::Outcome, output};
use crate::storage::{self, SCHEMA_VERSION};

#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn run(settings: &SettingsArguments, Arguments {}: Arguments) -> Result<Outcome> {
    let config = settings.load(&[])?;
    let folder = &config.data.dir;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    runtime
        .block_on(storage::migrate(folder))
        .with_context(|| format!("the database in {} (data.dir)", folder.display()))?;
    output::line(format_args!("{} has schema version {SCHEMA_VERSION}", folder.display()))?;
    Ok(Outcome::AllGood)
}
