//! `pentimento synthesize`: damages undamaged (clean) pictures, for users who have no pairs.

use std::{io::Read as _, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::{
    arguments::{SettingsArguments, ThreadArguments, groups},
    outcome::{Outcome, usage},
    output, progress,
};
use crate::batch::synthesize_pairs::{CleanPictures, SynthesisOptions, check_out, synthesize_pairs};
use pentimento_core::synthesis::{RECIPE_BYTES_MAX, Recipe};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder of undamaged pictures; subfolders are skipped
    #[arg(long, value_name = "DIR", required_unless_present = "print_recipe")]
    clean: Option<PathBuf>,
    /// New or empty folder to write damaged/, undamaged/, damages.tsv and groups.tsv into
    #[arg(long, value_name = "DIR", required_unless_present = "print_recipe")]
    out: Option<PathBuf>,
    /// Recipe file (TOML), or an embedded recipe: default, photographs, photographs-test
    #[arg(long, value_name = "FILE|NAME", default_value = "default")]
    recipe: String,
    /// Seed of the draws; the same seed, recipe and file stem give the same damages
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// File that names source and fold of the undamaged pictures (tab-separated set, name, group, fold); groups.tsv
    /// copies them
    #[arg(long, value_name = "splits.tsv")]
    groups: Option<PathBuf>,
    /// Print an embedded recipe and exit; the default one explains every damage
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "default",
        value_parser = Recipe::EMBEDDED_NAMES)]
    print_recipe: Option<String>,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Write into a folder that is not empty; replace tables and pictures with the same stems, keep everything else
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&arguments.threads.flag())?;
    if let Some(text) = arguments.print_recipe.as_deref().and_then(Recipe::embedded_text) {
        output::print(text)?;
        return Ok(Outcome::AllGood);
    }
    let (Some(clean), Some(out)) = (arguments.clean, arguments.out) else {
        return Err(usage("--clean DIR and --out DIR are needed"));
    };
    let recipe = recipe(&arguments.recipe)?;
    let groups = arguments.groups.as_deref().map(|path| groups(Some(path))).transpose()?;
    check_out(&out, &clean, arguments.force).map_err(|error| usage(format_args!("--out: {error:#}")))?;
    let clean = CleanPictures::list(&clean).map_err(|error| usage(format_args!("--clean: {error:#}")))?;
    let limits = config.limits.limits();
    let options = SynthesisOptions {
        out: &out,
        recipe: &recipe,
        seed: arguments.seed,
        groups: groups.as_ref(),
        limits: &limits,
        force: arguments.force,
    };
    let bar = progress::bar(clean.len(), "pictures");
    let made = synthesize_pairs(&clean, &options, config.compute.threads, &|| bar.inc(1))?;
    bar.finish_and_clear();
    output::print(&made)?;
    output::tell_failures(&made.failed);
    Ok(Outcome::from_failures(made.failed.len()))
}

/// Returns the embedded recipe of this name, or the recipe of a file.
fn recipe(named: &str) -> Result<Recipe> {
    if let Some(embedded) = Recipe::embedded(named) {
        return Ok(embedded);
    }
    let read = || -> Result<Recipe> {
        let mut text = String::new();
        std::fs::File::open(named)?.take(RECIPE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > RECIPE_BYTES_MAX {
            bail!("the recipe has more than {RECIPE_BYTES_MAX} bytes");
        }
        Ok(Recipe::from_toml(&text)?)
    };
    read().map_err(|error| usage(format_args!("--recipe {named}: {error:#}")))
}
