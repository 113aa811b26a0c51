//! `pentimento completions`: the completion script of a shell.

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::Shell;

use super::{outcome::Outcome, output};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Shell: bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script for `program`, the whole program with its commands.
pub(super) fn run(arguments: Arguments, program: &mut Command) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, program, "pentimento", &mut script);
    output::write(&script)?;
    Ok(Outcome::AllGood)
}
