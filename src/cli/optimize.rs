//! `pentimento optimize`: searches the best parameters of every pair, with the reference known.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::{
    arguments::{
        DatasetArguments, SettingsArguments, ThreadArguments, check_results, names_in, space, store,
    },
    outcome::{Outcome, usage},
    output, progress,
};
use crate::batch::{
    damages::Damages,
    find_optima::{DatasetOptima, OptimaSearch, find_optima},
    index_dataset::{DatasetLocation, index},
};
use pentimento_core::{evaluation::Align, search::SearchSpace};

/// Whether pairs are registered first.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AlignChoice {
    Auto,
    Off,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    dataset: DatasetArguments,
    /// File that names the pairs to search, one NAME or SET/NAME per line; # begins a comment
    #[arg(long, value_name = "FILE")]
    only: Option<PathBuf>,
    /// Training table to write; - is standard output
    #[arg(long, value_name = "table.csv")]
    out: PathBuf,
    /// Write the scores of all combinations of all pairs here as well
    #[arg(long, value_name = "all.csv")]
    combinations: Option<PathBuf>,
    /// Search space: seed (the first system's 40 candidates), full, or a TOML file with the lists color_methods,
    /// sigmas, strengths and optionally identity, color_blends, denoise
    #[arg(long, value_name = "seed|full|FILE", default_value = "seed")]
    grid: String,
    /// auto registers each pair first: a pair fails if its pictures show different subjects; a displaced pair is scored
    /// on the area that both pictures show
    #[arg(long, value_name = "auto|off", default_value = "off")]
    align: AlignChoice,
    /// Smallest share of pairs that must succeed, 0 to 1; below it the exit code is 1. Missing mates count as failures
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, allow_negative_numbers = true)]
    min_success: f64,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&arguments.threads.flag())?;
    let space = space(&arguments.grid)?;
    if !(0.0..=1.0).contains(&arguments.min_success) {
        return Err(usage(format_args!(
            "--min-success {} is not a share from 0 to 1",
            arguments.min_success
        )));
    }
    let mut results = vec![("--out", &*arguments.out)];
    results.extend(arguments.combinations.as_deref().map(|path| ("--combinations", path)));
    check_results(&results, arguments.only.as_slice(), arguments.force)?;
    let source = arguments.dataset.source()?;
    let damages = match &source {
        DatasetLocation::Root(root) => Damages::read(root)?,
        DatasetLocation::Folders { .. } => Damages::default(),
    };
    let mut dataset = index(&source)?;
    if let Some(path) = &arguments.only {
        dataset.unpaired = dataset.keep_only(&names_in(path)?);
    }
    let bar = progress::bar(dataset.pairs.len(), "pairs");
    let limits = config.limits.limits();
    let align = match arguments.align {
        AlignChoice::Auto => Align::Auto,
        AlignChoice::Off => Align::Off,
    };
    let search = OptimaSearch {
        space: &space,
        align,
        limits: &limits,
        threads: config.compute.threads,
        done: &|| bar.inc(1),
    };
    let optima = find_optima(&dataset, &search)?;
    bar.finish_and_clear();

    store(&arguments.out, &optima.table_csv(&space, &damages)?, arguments.force)?;
    if let Some(path) = &arguments.combinations {
        store(path, &optima.combinations_csv(&space)?, arguments.force)?;
    }
    finish(&optima, &space, arguments.out == Path::new("-"), arguments.min_success)
}

/// Prints the summary (on standard error if `quiet`, because standard output has the table) and returns the outcome.
fn finish(optima: &DatasetOptima, space: &SearchSpace, quiet: bool, min_success: f64) -> Result<Outcome> {
    let summary = optima.summary(space);
    if quiet {
        output::tell(summary.to_string().trim_end())
    } else {
        output::print(summary)?
    }
    if optima.done.is_empty() {
        output::tell("no pair succeeded");
        return Ok(Outcome::SomeFailed);
    }
    if optima.success_rate() < min_success {
        output::tell(format_args!("the success rate is below --min-success {min_success}"));
        return Ok(Outcome::SomeFailed);
    }
    Ok(Outcome::AllGood)
}
