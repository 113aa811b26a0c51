//! `pentimento work`: the processes that the service starts for its jobs. They talk through pipes. The restored picture
//! of `work restore` is a file of its job.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{
    http,
    jobs::{child, pair_process, restore_process},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    work: WorkCommand,
}

#[derive(Debug, Subcommand)]
enum WorkCommand {
    /// Search one pair; standard input has the request
    Pair {
        /// The pair's damaged file, shown in lists of processes
        damaged: PathBuf,
    },
    /// Restore one uploaded picture of a job; standard input has the request
    Restore {
        /// The uploaded picture, shown in lists of processes
        picture: PathBuf,
    },
    /// Run a command at the lowest priority, until standard input closes
    Command {
        /// The command with its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Answers the request for a pair or a picture; or lowers the priority of the process and returns the command line to run in it.
pub(super) fn run(Arguments { work }: Arguments) -> Result<Option<Vec<String>>> {
    match work {
        WorkCommand::Pair { damaged: _ } => pair_process::answer().map(|()| None),
        WorkCommand::Restore { picture: _ } => restore_process::answer(http::restore_problem).map(|()| None),
        WorkCommand::Command { arguments } => {
            child::step_back();
            child::watch();
            let program = env!("CARGO_PKG_NAME").to_owned();
            Ok(Some(std::iter::once(program).chain(arguments).collect()))
        }
    }
}
