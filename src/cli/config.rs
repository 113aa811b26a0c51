//! `pentimento config`: prints the effective settings and the origin of each.

use anyhow::Result;
use clap::Args;

use super::{
    arguments::SettingsArguments,
    outcome::{Outcome, usage},
    output,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn run(settings: &SettingsArguments, _: Arguments) -> Result<Outcome> {
    let settings = settings.settings(&[])?;
    settings.config().map_err(usage)?;
    for (key, value, origin) in settings.entries() {
        output::line(format_args!("{:<50} # {origin}", format!("{key} = {value}")))?;
    }
    Ok(Outcome::AllGood)
}
