//! `pentimento evaluate --folds`: a trial of the way of training, cross-validated over source pictures.

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
        gain_pictures::{Measuring, Recipes, TrainingPicture, training_pictures},
        index_dataset::{DatasetLocation, index},
        photograph_trial,
        photographs::photographs,
        trial::{FinishedTrial, TrialSettings, run_trial},
        trial_page::{page_photographs, page_pictures},
    },
    config::Config,
};
use pentimento_core::{
    evaluation::{
        photographs::photograph_csv,
        trial::{TrialHyperparameters, TrialReport, trial_csv, trial_html},
    },
    learning::Groups,
    models::{
        classic::Hyperparameters,
        gains::{GainHyperparameters, choices::Choices},
    },
};

/// Flags of a cross-validation.
#[derive(Debug, Args)]
pub(super) struct TrialArguments {
    /// Cross-validate the way of training instead of evaluating a model. Each picture is restored by models that were
    /// fitted on other source pictures. Compared with the untouched picture, the best fixed candidate, the first system's
    /// way, the three parameters only, and the best candidate of each picture. Folds are those of --groups, else five of
    /// whole source pictures
    #[arg(long, conflicts_with_all = ["model", "grid", "damaged"])]
    pub folds: bool,
    /// With --folds: only the pairs named in this file, one SET/NAME per line, # begins a comment
    #[arg(long, value_name = "FILE", requires = "folds")]
    only: Option<PathBuf>,
    /// With --folds: folders of clean photographs, which are trained on and tried: damaged by recipes, as they are, and as rolls
    /// of twelve
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "folds")]
    photographs: Vec<PathBuf>,
    /// With --photographs: write one line per photograph and way
    #[arg(long, value_name = "photographs.csv", requires = "photographs")]
    photographs_csv: Option<PathBuf>,
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

/// Settings and flags that a cross-validation shares with the evaluation of a model.
pub(super) struct Shared<'a> {
    pub config: &'a Config,
    pub source: DatasetLocation,
    pub groups: &'a Groups,
    pub groups_file: Option<&'a Path>,
    pub out: Option<&'a Path>,
    pub force: bool,
}

pub(super) fn run(arguments: &TrialArguments, shared: Shared) -> Result<Outcome> {
    let DatasetLocation::Root(root) = &shared.source else {
        return Err(usage("--folds needs --dataset ROOT"));
    };
    let files = arguments.result_files(&shared);
    check_results(&files, &arguments.input_files(&shared), shared.force)?;
    let damages = Damages::read(root)?;
    let mut dataset = index(&shared.source)?;
    if let Some(path) = &arguments.only {
        dataset.unpaired = dataset.keep_only(&names_in(path)?);
    }
    let mut pictures = training_pictures(&dataset, shared.groups);
    let (photographs, unused) = photographs(&arguments.photographs, shared.groups)?;
    pictures.extend(photographs);
    if pictures.is_empty() {
        bail!("no pair could be evaluated");
    }
    let (mut gains, mut classic) = (GainHyperparameters::default(), Hyperparameters::default());
    if let Some(seed) = arguments.seed {
        (gains.seed, classic.seed) = (seed, seed);
    }
    let (recipes, choices) = (Recipes::embedded(gains.seed), Choices::full());
    let (limits, threads) = (shared.config.limits.limits(), shared.config.compute.threads);
    let bar = progress::bar(n_steps(&pictures), "steps");
    let measuring =
        Measuring { recipes: &recipes, choices: &choices, limits: &limits, threads, done: &|| bar.inc(1) };
    let hyperparameters = TrialHyperparameters { gains: &gains, classic: &classic };
    let settings =
        TrialSettings { groups: shared.groups, damages: &damages, hyperparameters, measuring: &measuring };
    let finished = run_trial(pictures, &settings)?;
    bar.finish_and_clear();

    let mut failed = [unused, finished.failed.clone()].concat();
    failed.extend(dataset.ambiguous);
    failed.extend(dataset.unpaired.into_iter().map(|name| (name, "has no mate".to_owned())));
    output::tell_failures(&failed);
    arguments.write(&finished, &measuring, &shared)?;
    print(&finished.report, &files)?;
    Ok(Outcome::from_failures(failed.len()))
}

/// Number of times that a picture is opened. Each picture is measured. A held-out picture of a pair is opened twice more.
fn n_steps(pictures: &[TrainingPicture]) -> usize {
    let n_of_pairs = pictures.iter().filter(|picture| picture.kind.is_of_pair()).count();
    pictures.len() + 2 * n_of_pairs + photograph_trial::n_steps(pictures)
}

/// Prints the report as text: on standard error if a file of results goes to standard output.
fn print(report: &TrialReport, files: &[(&str, &Path)]) -> Result<()> {
    if files.iter().any(|(_, path)| *path == Path::new("-")) {
        output::tell(report.to_string().trim_end());
        return Ok(());
    }
    output::print(report)
}

impl TrialArguments {
    /// The files to be written, with their flags.
    fn result_files<'a>(&'a self, shared: &Shared<'a>) -> Vec<(&'static str, &'a Path)> {
        let files = [
            ("--out", shared.out),
            ("--csv", self.csv.as_deref()),
            ("--photographs-csv", self.photographs_csv.as_deref()),
            ("--html", self.html.as_deref()),
        ];
        files.into_iter().filter_map(|(flag, path)| Some((flag, path?))).collect()
    }

    /// The files that are read.
    fn input_files(&self, shared: &Shared) -> Vec<PathBuf> {
        shared.groups_file.map(Path::to_owned).into_iter().chain(self.only.clone()).collect()
    }

    /// Writes the report as JSON, CSV and page, each only if the user gave its flag.
    fn write(&self, finished: &FinishedTrial, measuring: &Measuring, shared: &Shared) -> Result<()> {
        let report = &finished.report;
        if let Some(path) = shared.out {
            store(path, &serde_json::to_vec_pretty(report)?, shared.force)?;
        }
        if let Some(path) = &self.csv {
            store(path, &trial_csv(report)?, shared.force)?;
        }
        if let (Some(path), Some(photographs)) = (&self.photographs_csv, &report.photographs) {
            store(path, &photograph_csv(photographs)?, shared.force)?;
        }
        if let Some(path) = &self.html {
            let pictures = page_pictures(finished, measuring)?;
            let page = trial_html(report, &pictures, &page_photographs(finished, measuring)?);
            store(path, page.as_bytes(), shared.force)?;
        }
        Ok(())
    }
}
