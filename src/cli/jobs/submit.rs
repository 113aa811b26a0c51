//! `pentimento jobs submit`: submits a job and prints its id.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    super::{
        client::Client,
        outcome::{Outcome, usage},
        output,
    },
    watch,
};
use crate::jobs::request::{Grid, GridLists};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    kind: Submission,
    /// Key of the request: submitting again with the same key returns the same job
    #[arg(long, global = true, value_name = "KEY")]
    key: Option<String>,
    /// Follow the job to its end
    #[arg(long, global = true)]
    watch: bool,
}

/// The job to submit.
#[derive(Debug, Subcommand)]
enum Submission {
    /// Search the best parameters of every pair of a dataset
    Optimize {
        /// Name of a dataset of the service
        #[arg(long, value_name = "NAME")]
        dataset: String,
        /// Search space: seed, full, or a TOML file on this machine
        #[arg(long, value_name = "seed|full|FILE", default_value = "seed")]
        grid: String,
    },
    /// Train a model on the tables of finished optimize jobs
    Train {
        /// Ids of finished optimize jobs
        #[arg(long, required = true, num_args = 1.., value_name = "ID")]
        table: Vec<String>,
        /// Name of the dataset of the tables
        #[arg(long, value_name = "NAME")]
        dataset: Option<String>,
        /// File on this machine that names the source of each picture: tab-separated set, name, group, fold
        #[arg(long, value_name = "splits.tsv")]
        groups: Option<PathBuf>,
        /// Seed of the split and of the trees
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
    /// Measure a model on a dataset
    Evaluate {
        /// Name of a dataset of the service
        #[arg(long, value_name = "NAME")]
        dataset: String,
        /// Id of a finished train job; the service's own model if not given
        #[arg(long, value_name = "ID")]
        model: Option<String>,
        /// File on this machine that names the source of each picture: tab-separated set, name, group, fold
        #[arg(long, value_name = "splits.tsv")]
        groups: Option<PathBuf>,
        /// Search space: seed, full, or a TOML file on this machine
        #[arg(long, value_name = "seed|full|FILE", default_value = "seed")]
        grid: String,
    },
}

pub(super) fn run(client: &Client, Arguments { kind, key, watch }: Arguments) -> Result<Outcome> {
    let (name, mut body) = match kind {
        Submission::Optimize { dataset, grid } => {
            ("optimize", json!({ "dataset": dataset, "grid": self::grid(&grid)? }))
        }
        Submission::Train { table, dataset, groups, seed } => (
            "train",
            json!({ "tables": table, "dataset": dataset, "groups": text(groups.as_deref())?, "seed": seed }),
        ),
        Submission::Evaluate { dataset, model, groups, grid } => (
            "evaluate",
            json!({
                "dataset": dataset,
                "model": model,
                "groups": text(groups.as_deref())?,
                "grid": self::grid(&grid)?,
            }),
        ),
    };
    // A member that was not given is left out; null would be refused.
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    let job = client.post(&format!("/jobs/{name}"), Some(&body), key.as_deref())?;
    let id = job["id"].as_str().context("the answer has no id")?;
    output::line(id)?;
    if watch { watch::run(client, id) } else { Ok(Outcome::AllGood) }
}

/// Returns the search space for the request: a name, or the lists of a TOML file.
fn grid(grid: &str) -> Result<Value> {
    let wrong = |error: &dyn std::fmt::Display| usage(format_args!("--grid {grid}: {error}"));
    let asked = match grid {
        "seed" | "full" => Grid::Name(grid.to_owned()),
        path => {
            let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
            Grid::Lists(toml::from_str::<GridLists>(&text).map_err(|error| wrong(&error))?)
        }
    };
    asked.space().map_err(|error| wrong(&error))?;
    Ok(serde_json::to_value(asked)?)
}

/// Returns the text of a file, if there is a path.
fn text(path: Option<&Path>) -> Result<Option<String>> {
    let read =
        |path: &Path| std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    path.map(read).transpose()
}
