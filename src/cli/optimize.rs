//! `pentimento optimize`: the best parameters of every pair, with the truth in hand.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::{
    Outcome,
    arguments::{
        DatasetArguments, SettingsArguments, ThreadArguments, check_results, names_in, space, store,
    },
    output, progress, usage,
};
use crate::batch::{
    damages::Damages,
    find_optima::{OptimaSearch, find_optima},
    index_dataset::{DatasetLocation, index},
};
use pentimento_core::evaluation::Align;

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
    /// Only the pairs named in this file, one NAME or SET/NAME a line; # begins a comment
    #[arg(long, value_name = "FILE")]
    only: Option<PathBuf>,
    /// The training table to write; - is standard output
    #[arg(long, value_name = "table.csv")]
    out: PathBuf,
    /// Also write every combination of every pair
    #[arg(long, value_name = "all.csv")]
    combinations: Option<PathBuf>,
    /// seed (the first system's 40), full, or a TOML file with color_methods, sigmas, strengths and, if wanted,
    /// identity, color_blends, denoise
    #[arg(long, value_name = "seed|full|FILE", default_value = "seed")]
    grid: String,
    /// auto registers each pair first: what does not show the same fails, what lies elsewhere is scored on what both show
    #[arg(long, value_name = "auto|off", default_value = "off")]
    align: AlignChoice,
    /// Exit 1 when a smaller share of the pairs succeeds; missing mates count as failures
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
    let summary = optima.summary(&space);
    if arguments.out == Path::new("-") {
        output::tell(summary.to_string().trim_end())
    } else {
        output::print(summary)?
    }
    if optima.done.is_empty() {
        output::tell("no pair succeeded");
        return Ok(Outcome::SomeFailed);
    }
    if optima.success_rate() < arguments.min_success {
        output::tell(format_args!("the success rate is below --min-success {}", arguments.min_success));
        return Ok(Outcome::SomeFailed);
    }
    Ok(Outcome::AllGood)
}
