//! `pentimento jobs`: jobs of a running service.

mod client;
mod results;
mod submit;
mod watch;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Outcome, arguments::SettingsArguments, output};
use client::Client;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The service; where `serve` would listen if not given (setting server.address)
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Submit a job and print its id
    Submit(submit::Arguments),
    /// List jobs, newest first
    List {
        /// Only jobs in this state
        #[arg(long, value_name = "queued|running|finished|failed|cancelled")]
        state: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Print a job as JSON
    Show {
        /// The job's id
        id: String,
    },
    /// Follow a job to its end; exit 0 if everything in it was done
    Watch {
        /// The job's id
        id: String,
    },
    /// Call a job off; what was done stays
    Cancel {
        /// The job's id
        id: String,
    },
    /// Write what a job has found
    Results(results::Arguments),
}

pub(super) fn run(settings: &SettingsArguments, Arguments { server, command }: Arguments) -> Result<Outcome> {
    let base = match server {
        Some(url) => url,
        None => format!("http://{}", settings.load(&[])?.server.address),
    };
    let client = Client::new(&base)?;
    match command {
        Command::Submit(arguments) => submit::run(&client, arguments),
        Command::List { state, limit } => list(&client, state.as_deref(), limit),
        Command::Show { id } => {
            let job = client.get(&client::job_path(&id, "")?)?;
            output::line(serde_json::to_string_pretty(&job)?)?;
            Ok(Outcome::AllGood)
        }
        Command::Watch { id } => watch::run(&client, &id),
        Command::Cancel { id } => {
            let job = client.post(&client::job_path(&id, "/cancel")?, None, None)?;
            output::line(line(&job))?;
            Ok(Outcome::AllGood)
        }
        Command::Results(arguments) => results::run(&client, arguments),
    }
}

fn list(client: &Client, state: Option<&str>, limit: u32) -> Result<Outcome> {
    let state = state.map_or(String::new(), |state| format!("state={}&", client::escaped(state)));
    let list = client.get(&format!("/jobs?{state}limit={limit}"))?;
    for job in list["jobs"].as_array().into_iter().flatten() {
        output::line(line(job))?;
    }
    Ok(Outcome::AllGood)
}

/// A job in one line: id, kind, state, how much of it is done.
fn line(job: &Value) -> String {
    let text = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
    let count = |name: &str| job["counts"][name].as_i64().unwrap_or_default();
    let mut line = format!(
        "{}  {}  {}  {} of {} done, {} reused, {} failed, {} unpaired",
        text("id"),
        text("kind"),
        text("state"),
        count("done"),
        count("total"),
        count("reused"),
        count("failed"),
        count("unpaired"),
    );
    if let Some(left) = job["time_left_s"].as_f64() {
        line.push_str(&format!(", about {left:.0} s left"));
    }
    if let Some(reason) = job["reason"].as_str() {
        line.push_str(&format!(": {reason}"));
    }
    line
}
