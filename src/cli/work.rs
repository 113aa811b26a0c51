//! `pentimento work`: what the service starts for its jobs, in processes of their own. It talks through pipes only.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser as _, Subcommand};

use super::{Cli, Outcome};
use crate::jobs::{child, pair_process};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Search one pair, told on standard input
    Pair {
        /// The pair's damaged file, for those who look at the processes
        damaged: PathBuf,
    },
    /// Run a command at the lowest priority, as long as standard input is open
    Command {
        /// The command with its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

pub(super) fn run(Arguments { work }: Arguments) -> Result<Outcome> {
    match work {
        Work::Pair { damaged: _ } => pair_process::answer().map(|()| Outcome::AllGood),
        Work::Command { arguments } => {
            child::step_back();
            child::watch();
            let program = env!("CARGO_PKG_NAME").to_owned();
            super::command(Cli::parse_from(std::iter::once(program).chain(arguments)))
        }
    }
}
