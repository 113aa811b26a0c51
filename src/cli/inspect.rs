//! `pentimento inspect`: finds what is wrong with a dataset before anything is learned from it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::{
    arguments::{DatasetArguments, SettingsArguments, ThreadArguments, check_results, groups, space, store},
    describe::read_table,
    outcome::Outcome,
    output, progress,
};
use crate::batch::{
    index_dataset::index,
    inspect_dataset::{inspect_dataset, thumbnails},
};
use pentimento_core::inspection::{optima, page, shown};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    dataset: DatasetArguments,
    /// Source and fold of each picture, to find sources on both sides of a split
    #[arg(long, value_name = "splits.tsv")]
    groups: Option<PathBuf>,
    /// A table made by `pentimento optimize`, to count optima on the edge of the space
    #[arg(long, value_name = "table.csv")]
    table: Option<PathBuf>,
    /// The space in which the table was searched: seed, full or a file
    #[arg(long, value_name = "seed|full|FILE", default_value = "seed")]
    grid: String,
    /// Write all findings as JSON
    #[arg(long, value_name = "report.json")]
    out: Option<PathBuf>,
    /// Write a page with thumbnails that needs no other file
    #[arg(long, value_name = "page.html")]
    html: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&arguments.threads.flag())?;
    let space = space(&arguments.grid)?;
    let results: Vec<(&str, &Path)> = [("--out", &arguments.out), ("--html", &arguments.html)]
        .into_iter()
        .filter_map(|(flag, path)| Some((flag, path.as_deref()?)))
        .collect();
    let inputs: Vec<PathBuf> = arguments.groups.iter().chain(&arguments.table).cloned().collect();
    check_results(&results, &inputs, arguments.force)?;
    let groups = groups(arguments.groups.as_deref())?;
    let table = arguments.table.as_deref().map(read_table).transpose()?;
    let source = arguments.dataset.source()?;
    let dataset = index(&source)?;
    let (limits, threads) = (config.limits.limits(), config.compute.threads);
    let bar = progress::bar(dataset.pairs.len(), "pairs");
    let mut inspection = inspect_dataset(&dataset, &groups, &limits, threads, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let is_pair = |name: &str| dataset.pairs.binary_search_by(|pair| pair.name.as_str().cmp(name)).is_ok();
    inspection.optima = table.map(|table| optima(&table, &space, is_pair));

    if let Some(path) = &arguments.out {
        let mut json = serde_json::to_vec_pretty(&inspection)?;
        json.push(b'\n');
        store(path, &json, arguments.force)?;
    }
    if let Some(path) = &arguments.html {
        let pictures = thumbnails(&dataset, &shown(&inspection), &limits, threads)?;
        store(path, page(&source.to_string(), &inspection, &pictures).as_bytes(), arguments.force)?;
    }
    if results.iter().any(|(_, path)| *path == Path::new("-")) {
        output::tell(inspection.to_string().trim_end());
    } else {
        output::print(&inspection)?;
    }
    if dataset.n_expected() == 0 {
        output::tell("there is nothing to inspect");
        return Ok(Outcome::SomeFailed);
    }
    Ok(Outcome::from_failures(inspection.n_failed()))
}
