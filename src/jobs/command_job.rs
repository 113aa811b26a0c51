//! Jobs that are commands. `train` and `evaluate` run in a process of their own, with the arguments that a user would
//! type in a shell.

use std::{fs, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::{
    child::{self, ProcessEnd},
    command_arguments,
    job_files::{folder, main_result},
    request::JobRequest,
    service::Jobs,
    stop::must_stop,
};
use crate::storage::TaskRef;

/// How a command ended.
#[derive(Debug)]
pub enum CommandEnd {
    /// The process could not be started.
    NotStarted(anyhow::Error),
    /// The command wrote its result. Holds the end of its standard error.
    Done(String),
    /// The command ended without a result, or took too long. Holds the reason.
    Failed(String),
    /// The process crashed or was killed. Holds the cause.
    Crashed(String),
    /// The service killed the process, because the job was cancelled or the service is stopping.
    Stopped,
}

/// Runs the command of a request in a child process: `pentimento work command -- SETTINGS COMMAND ARGUMENTS`.
pub(super) async fn run(jobs: &Arc<Jobs>, task: &TaskRef, request: &JobRequest) -> Result<CommandEnd> {
    let folder = folder(&jobs.setup.folder, &task.job);
    fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} cannot be created", folder.display()))?;
    let arguments = match request {
        JobRequest::Train(request) => command_arguments::train(jobs, request, &folder).await?,
        JobRequest::Evaluate(request) => command_arguments::evaluate(jobs, request, &folder)?,
        JobRequest::Optimize(_) | JobRequest::Restore(_) => anyhow::bail!("the job is no command"),
    };
    let mut command = Command::new(&jobs.setup.program);
    command.args(["work", "command", "--"]).args(command_arguments::settings(jobs)).args(arguments);
    let limit_ms = jobs.setup.settings.command_timeout_ms;
    let stop = must_stop(jobs, task);
    let ended = child::run(command, b"", Duration::from_millis(limit_ms), stop).await;
    let ended = match ended.context("starting a process for a command") {
        Ok(ended) => ended,
        Err(error) => return Ok(CommandEnd::NotStarted(error)),
    };
    Ok(match ended {
        // Exit code 1 means that some inputs failed. The command succeeded if there is a result.
        ProcessEnd::Exited(0 | 1, _, said) if main_result(request, &folder).exists() => {
            CommandEnd::Done(said)
        }
        ProcessEnd::Exited(_, _, said) => CommandEnd::Failed(said),
        ProcessEnd::Killed(how) => CommandEnd::Crashed(how),
        ProcessEnd::TimedOut => CommandEnd::Failed(format!(
            "the command took longer than {limit_ms} ms (setting jobs.command_timeout_ms)"
        )),
        ProcessEnd::Stopped => CommandEnd::Stopped,
    })
}
