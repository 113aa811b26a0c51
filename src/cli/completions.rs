//! `pentimento completions`: the script that a shell sources.

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Outcome, output};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(arguments: Arguments) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "pentimento", &mut script);
    output::write(&script)?;
    Ok(Outcome::AllGood)
}
