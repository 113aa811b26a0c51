//! `pentimento evaluate`: measures a model next to doing nothing, fixed parameters and the best candidate.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::{
    arguments::{
        DatasetArguments, SettingsArguments, ThreadArguments, check_results, groups, predictor, space, store,
    },
    outcome::Outcome,
    output, progress,
    trial::{self, Shared, TrialArguments},
};
use crate::batch::{
    evaluate_models::{Evaluating, evaluate_models},
    index_dataset::index,
};
use pentimento_core::evaluation::{Report, report};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Model file; the built-in model if not given
    #[arg(long, value_name = "M")]
    model: Option<PathBuf>,
    #[command(flatten)]
    dataset: DatasetArguments,
    /// File that names the source of each picture (tab-separated set, name, group, fold); pictures of sources that the
    /// model was trained on are then reported apart
    #[arg(long, value_name = "splits.tsv")]
    groups: Option<PathBuf>,
    /// Search space for the best candidate: seed (40 candidates), full, or a TOML file
    #[arg(long, value_name = "seed|full|FILE", default_value = "seed")]
    grid: String,
    /// Write the report as JSON to this file; - is standard output
    #[arg(long, value_name = "report.json")]
    out: Option<PathBuf>,
    #[command(flatten)]
    trial: TrialArguments,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let model = arguments.model.as_ref().map(|path| path.display().to_string());
    let mut flags = vec![("--model", "model.path", model)];
    flags.extend(arguments.threads.flag());
    let config = settings.load(&flags)?;
    if arguments.trial.folds {
        let groups_file = arguments.groups.as_deref();
        let shared = Shared {
            config: &config,
            source: arguments.dataset.source()?,
            groups: &groups(groups_file)?,
            groups_file,
            out: arguments.out.as_deref(),
            force: arguments.force,
        };
        return trial::run(&arguments.trial, shared);
    }
    let mut inputs: Vec<PathBuf> = arguments.model.iter().chain(&arguments.groups).cloned().collect();
    inputs.push(config.model.path.clone());
    let result = arguments.out.as_deref().map(|path| ("--out", path));
    check_results(result.as_slice(), &inputs, arguments.force)?;
    let (space, groups) = (space(&arguments.grid)?, groups(arguments.groups.as_deref())?);
    let predictor = predictor(arguments.model.as_deref().or(Some(&config.model.path)))?;
    let dataset = index(&arguments.dataset.source()?)?;
    let bar = progress::bar(dataset.pairs.len(), "pairs");
    let limits = config.limits.limits();
    let evaluating = Evaluating {
        models: &[&predictor],
        space: &space,
        limits: &limits,
        threads: config.compute.threads,
        done: &|| bar.inc(1),
    };
    let evaluated = evaluate_models(&dataset.pairs, &evaluating)?;
    bar.finish_and_clear();

    let mut failed = evaluated.failed;
    failed.extend(dataset.ambiguous);
    failed.extend(dataset.unpaired.into_iter().map(|name| (name, "has no mate".to_owned())));
    output::tell_failures(&failed);
    if evaluated.pairs.is_empty() {
        bail!("no pair could be evaluated");
    }
    let seen = |name: &str| predictor.card().was_fitted_on(&groups.source(name));
    if arguments.groups.is_none() && !evaluated.pairs.iter().any(|pair| seen(&pair.name)) {
        output::tell(
            "the model was trained on none of these file stems; if it was trained with a groups file, only --groups shows \
             which pictures it was trained on",
        );
    }
    let report = report(&evaluated.pairs, 0, predictor.id(), &space, &seen);
    write_report(&report, arguments.out.as_deref(), arguments.force)?;
    Ok(Outcome::from_failures(failed.len()))
}

/// Writes the report as JSON to `out`, if given, and prints it as text.
fn write_report(report: &Report, out: Option<&Path>, force: bool) -> Result<()> {
    if let Some(path) = out {
        store(path, &serde_json::to_vec_pretty(report)?, force)?;
    }
    if out == Some(Path::new("-")) {
        output::tell(report.to_string().trim_end());
        return Ok(());
    }
    output::print(report)
}
