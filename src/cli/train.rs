//! `pentimento train`: trains a model with its card, a gains model on pictures or a classic one on tables.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use indicatif::ProgressBar;
use std::sync::Mutex;

use super::{
    arguments::{SettingsArguments, ThreadArguments, check_results, groups, space, store},
    describe::read_table,
    outcome::{Outcome, usage},
    output, progress,
};
use crate::{
    batch::{
        gain_pictures::{Measuring, Recipes, training_pictures},
        index_dataset::{DatasetLocation, index},
        photographs::photographs,
        train_gains::{GainTrained, GainTraining, train_gains},
        train_model::{Pictures, train_model},
    },
    config::Config,
};
use pentimento_core::{
    learning::Table,
    models::{
        classic::{Hyperparameters, training::TrainingInput},
        gains::{GainHyperparameters, choices::Choices},
    },
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Tables made by `pentimento optimize`: train a classic model on them. Without tables, a gains model is trained
    /// on the pictures of --dataset
    #[arg(long, required_unless_present = "dataset", num_args = 1.., value_name = "FILE")]
    table: Vec<PathBuf>,
    /// Model file to write
    #[arg(long, value_name = "model")]
    out: PathBuf,
    /// Write the model's card here, in Markdown
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// File that names the source of each picture: tab-separated set, name, group, fold
    #[arg(long, value_name = "splits.tsv")]
    groups: Option<PathBuf>,
    /// Dataset: a gains model is trained on its pictures. With --table, both families of the classic model restore its
    /// held-out pictures, and the better family is kept
    #[arg(long, value_name = "ROOT")]
    dataset: Option<PathBuf>,
    /// Without --table: folders of clean photographs. The model also learns from them, damaged by recipes and as they are
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with = "table")]
    photographs: Vec<PathBuf>,
    /// File that names the licence of each set: tab-separated set, licence
    #[arg(long, value_name = "FILE")]
    licences: Option<PathBuf>,
    /// Search space of the tables: seed, full, or a TOML file
    #[arg(long, value_name = "seed|full|FILE", default_value = "seed")]
    grid: String,
    /// Seed of the split and of the trees
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&arguments.threads.flag())?;
    let mut results = vec![("--out", &*arguments.out)];
    results.extend(arguments.card.as_deref().map(|path| ("--card", path)));
    let mut inputs = arguments.table.clone();
    inputs.extend([&arguments.groups, &arguments.licences].into_iter().flatten().cloned());
    check_results(&results, &inputs, arguments.force)?;
    if arguments.table.is_empty() {
        return run_gains(&config, arguments);
    }
    let tables = arguments.table.iter().map(|path| read_table(path)).collect::<Result<Vec<_>>>()?;
    let table = Table::concat(tables).context("putting the tables together")?;
    let (groups, space) = (groups(arguments.groups.as_deref())?, space(&arguments.grid)?);
    let mut hyperparameters = Hyperparameters::default();
    if let Some(seed) = arguments.seed {
        hyperparameters.seed = seed;
    }
    let licences = licences(arguments.licences.as_deref())?;
    let input =
        TrainingInput { table: &table, groups: &groups, hyperparameters, licences: &licences, space: &space };

    let dataset = arguments.dataset.map(|root| index(&DatasetLocation::Root(root))).transpose()?;
    let limits = config.limits.limits();
    let bar = Mutex::new(ProgressBar::hidden());
    let begin = |n| *bar.lock().unwrap_or_else(|e| e.into_inner()) = progress::bar(n, "held-out pictures");
    let done = || bar.lock().unwrap_or_else(|e| e.into_inner()).inc(1);
    let threads = config.compute.threads;
    let pictures = dataset.as_ref().map(|dataset| Pictures {
        dataset,
        limits: &limits,
        threads,
        begin: &begin,
        done: &done,
    });
    let (artifact, failed) = train_model(&input, pictures.as_ref())?;
    bar.into_inner().unwrap_or_else(|e| e.into_inner()).finish_and_clear();

    store(&arguments.out, &artifact.to_bytes(), arguments.force)?;
    let card = format!("# Model {}\n\n{}", artifact.model_id(), artifact.card.to_markdown());
    if let Some(path) = &arguments.card {
        store(path, card.as_bytes(), arguments.force)?;
    }
    if results.iter().any(|(_, path)| *path == Path::new("-")) {
        output::tell(card.trim_end());
    } else {
        output::print(card)?;
    }
    output::tell_failures(&failed);
    Ok(Outcome::from_failures(failed.len()))
}

/// Trains a gains model on the pictures of a dataset.
fn run_gains(config: &Config, arguments: Arguments) -> Result<Outcome> {
    let Some(root) = arguments.dataset else { return Err(usage("--dataset ROOT is needed without --table")) };
    let dataset = index(&DatasetLocation::Root(root))?;
    let (groups, licences) = (groups(arguments.groups.as_deref())?, licences(arguments.licences.as_deref())?);
    let mut hyperparameters = GainHyperparameters::default();
    if let Some(seed) = arguments.seed {
        hyperparameters.seed = seed;
    }
    let (recipes, choices) = (Recipes::embedded(hyperparameters.seed), Choices::full());
    let limits = config.limits.limits();
    let mut pictures = training_pictures(&dataset, &groups);
    let (photographs, unused) = photographs(&arguments.photographs, &groups)?;
    pictures.extend(photographs);
    // Each picture is measured; those that models are tried on are restored at the end.
    let n_restored = pictures.iter().filter(|picture| picture.is_held_out()).count();
    let bar = progress::bar(pictures.len() + n_restored, "pictures");
    let measuring = Measuring {
        recipes: &recipes,
        choices: &choices,
        limits: &limits,
        threads: config.compute.threads,
        done: &|| bar.inc(1),
    };
    let training =
        GainTraining { pictures, groups: &groups, licences: &licences, hyperparameters, measuring };
    let GainTrained { artifact, failed } = train_gains(training)?;
    bar.finish_and_clear();
    let bytes = artifact.to_bytes();
    store(&arguments.out, &bytes, arguments.force)?;
    let card = artifact.card.to_markdown();
    if let Some(path) = &arguments.card {
        store(path, card.as_bytes(), arguments.force)?;
    }
    if arguments.out == Path::new("-") || arguments.card.as_deref() == Some(Path::new("-")) {
        output::tell(card.trim_end());
    } else {
        output::print(card)?;
    }
    let failed = [unused, failed].concat();
    output::tell_failures(&failed);
    Ok(Outcome::from_failures(failed.len()))
}

/// Returns the licences of a file by set.
fn licences(path: Option<&Path>) -> Result<BTreeMap<String, String>> {
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading the licences {}", path.display()))?;
    let pair =
        |line: &str| line.split_once('\t').map(|(set, licence)| (set.to_owned(), licence.trim().to_owned()));
    Ok(text.lines().filter(|line| !line.starts_with('#')).filter_map(pair).collect())
}
