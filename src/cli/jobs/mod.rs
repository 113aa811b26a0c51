//! `pentimento jobs`: submits, follows, lists and cancels jobs of a running service, and fetches their results.

mod line;
mod path;
mod results;
mod submit;
mod watch;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{arguments::SettingsArguments, client::Client, outcome::Outcome, output};
use line::line;
use path::{escaped, job_path};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// URL of the service, http://HOST:PORT; the setting server.address if not given
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    #[command(subcommand)]
    command: JobsCommand,
}

#[derive(Debug, Subcommand)]
enum JobsCommand {
    /// Submit a job and print its id
    Submit(submit::Arguments),
    /// List jobs, newest first
    List {
        /// Only jobs in this state
        #[arg(long, value_name = "queued|running|finished|failed|cancelled")]
        state: Option<String>,
        /// Largest number of jobs to list
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Print a job as JSON
    Show {
        /// Id of the job
        id: String,
    },
    /// Follow a job to its end; exit code 0 if all its tasks were done
    Watch {
        /// Id of the job
        id: String,
    },
    /// Cancel a job; finished tasks keep their results
    Cancel {
        /// Id of the job
        id: String,
    },
    /// Fetch the results of a job
    Results(results::Arguments),
}

pub(super) fn run(settings: &SettingsArguments, Arguments { server, command }: Arguments) -> Result<Outcome> {
    let base = match server {
        Some(url) => url,
        None => format!("http://{}", settings.load(&[])?.server.address),
    };
    let client = Client::new(&base)?;
    match command {
        JobsCommand::Submit(arguments) => submit::run(&client, arguments),
        JobsCommand::List { state, limit } => list(&client, state.as_deref(), limit),
        JobsCommand::Show { id } => {
            let job = client.get(&job_path(&id, "")?)?;
            output::line(serde_json::to_string_pretty(&job)?)?;
            Ok(Outcome::AllGood)
        }
        JobsCommand::Watch { id } => watch::run(&client, &id),
        JobsCommand::Cancel { id } => {
            let job = client.post(&job_path(&id, "/cancel")?, None, None)?;
            output::line(line(&job))?;
            Ok(Outcome::AllGood)
        }
        JobsCommand::Results(arguments) => results::run(&client, arguments),
    }
}

fn list(client: &Client, state: Option<&str>, limit: u32) -> Result<Outcome> {
    let state = state.map_or(String::new(), |state| format!("state={}&", escaped(state)));
    let list = client.get(&format!("/jobs?{state}limit={limit}"))?;
    for job in list["jobs"].as_array().into_iter().flatten() {
        output::line(line(job))?;
    }
    Ok(Outcome::AllGood)
}
