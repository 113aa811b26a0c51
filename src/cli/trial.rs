//! `pentimento evaluate --folds`: the way of training tried by cross-validation on source pictures.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::{
    arguments::{check_results, names_in, store},
    outcome::{Outcome, usage},
    output, progress,
};
use crate::{
    batch::{
        damages::Damages,
        gain_pictures::{Measuring, Recipes, training_pictures},
        index_dataset::{DatasetLocation, index},
        trial::{TrialInput, run_trial},
        trial_shown::shown,
    },
    config::Config,
};
use pentimento_core::{
    evaluation::trial::{trial_csv, trial_html},
    learning::Groups,
    models::{
        classic::Hyperparameters,
        gains::{candidates::Choices, fit::GainHyperparameters},
    },
};

/// What only a cross-validation takes.
#[derive(Debug, Args)]
pub(super) struct TrialArguments {
    /// Cross-validate the way of training instead of evaluating a model: each picture is treated by what was learned from
    /// other source pictures, beside doing nothing, the best fixed candidate, the first system's way, the three
    /// parameters alone and the best candidate in hand. Folds are those of --groups, else five of whole source pictures
    #[arg(long, conflicts_with_all = ["model", "grid", "damaged"])]
    pub folds: bool,
    /// With --folds: only the pairs named in this file, one SET/NAME a line, # begins a comment
    #[arg(long, value_name = "FILE", requires = "folds")]
    only: Option<PathBuf>,
    /// With --folds: the seed of folds, damage and trees
    #[arg(long, value_name = "N", requires = "folds")]
    seed: Option<u64>,
    /// With --folds: write one line per picture and way
    #[arg(long, value_name = "rows.csv", requires = "folds")]
    csv: Option<PathBuf>,
    /// With --folds: write everything as one page; it shows pictures of the dataset
    #[arg(long, value_name = "page.html", requires = "folds")]
    html: Option<PathBuf>,
}

/// What it shares with the evaluation of a model.
pub(super) struct Shared<'a> {
    pub config: &'a Config,
    pub source: DatasetLocation,
    pub groups: &'a Groups,
    pub groups_file: Option<&'a Path>,
    pub out: Option<&'a Path>,
    pub force: bool,
}

pub(super) fn run(arguments: &TrialArguments, shared: Shared) -> Result<Outcome> {
    let Shared { config, source, groups, groups_file, out, force } = shared;
    let DatasetLocation::Root(root) = &source else { return Err(usage("--folds needs --dataset ROOT")) };
    let results: Vec<(&str, &Path)> =
        [("--out", out), ("--csv", arguments.csv.as_deref()), ("--html", arguments.html.as_deref())]
            .into_iter()
            .filter_map(|(flag, path)| Some((flag, path?)))
            .collect();
    let inputs: Vec<PathBuf> =
        groups_file.map(Path::to_owned).into_iter().chain(arguments.only.clone()).collect();
    check_results(&results, &inputs, force)?;
    let damages = Damages::read(root)?;
    let mut dataset = index(&source)?;
    if let Some(path) = &arguments.only {
        dataset.unpaired = dataset.keep_only(&names_in(path)?);
    }
    let pictures = training_pictures(&dataset, groups);
    if pictures.is_empty() {
        bail!("no pair could be evaluated");
    }
    let (mut hyper, mut classic) = (GainHyperparameters::default(), Hyperparameters::default());
    if let Some(seed) = arguments.seed {
        (hyper.seed, classic.seed) = (seed, seed);
    }
    let (recipes, choices, limits) = (Recipes::embedded(hyper.seed), Choices::full(), config.limits.limits());
    // Every picture is measured and looked at again for the corrections learned; tried ones twice more.
    let n_tried = 2 * pictures.iter().filter(|p| !p.is_synthetic()).count();
    let bar = progress::bar(2 * pictures.len() + n_tried, "steps");
    let threads = config.compute.threads;
    let measuring =
        Measuring { recipes: &recipes, choices: &choices, limits: &limits, threads, done: &|| bar.inc(1) };
    let input =
        TrialInput { groups, damages: &damages, hyper: &hyper, classic: &classic, measuring: &measuring };
    let tried = run_trial(pictures, &input)?;
    bar.finish_and_clear();

    let mut failed = tried.failed.clone();
    failed.extend(dataset.ambiguous);
    failed.extend(dataset.unpaired.into_iter().map(|name| (name, "has no mate".to_owned())));
    output::tell_failures(&failed);
    if let Some(path) = out {
        store(path, &serde_json::to_vec_pretty(&tried.report)?, force)?;
    }
    if let Some(path) = &arguments.csv {
        store(path, &trial_csv(&tried.report)?, force)?;
    }
    if let Some(path) = &arguments.html {
        store(path, trial_html(&tried.report, &shown(&tried, &measuring)?).as_bytes(), force)?;
    }
    if results.iter().any(|(_, path)| *path == Path::new("-")) {
        output::tell(tried.report.to_string().trim_end());
    } else {
        output::print(&tried.report)?;
    }
    Ok(Outcome::from_failures(failed.len()))
}
