//! `pentimento synthesize`: damaged pictures of clean ones, for those who have no pairs.

use std::{io::Read as _, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::{
    Outcome,
    arguments::{SettingsArguments, ThreadArguments, groups},
    output, progress, usage,
};
use crate::batch::synthesize_pairs::{CleanPictures, SynthesisOptions, check_out, synthesize_pairs};
use pentimento_core::synthesis::{RECIPE_BYTES_MAX, Recipe};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder of clean pictures; subfolders are not entered
    #[arg(long, value_name = "DIR", required_unless_present = "print_recipe")]
    clean: Option<PathBuf>,
    /// Folder for damaged/, undamaged/, damages.tsv and groups.tsv; new or empty
    #[arg(long, value_name = "DIR", required_unless_present = "print_recipe")]
    out: Option<PathBuf>,
    /// A recipe (TOML), or default
    #[arg(long, value_name = "FILE", default_value = "default")]
    recipe: String,
    /// Decides, with a picture's stem and the variant's number, what happens to it
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Groups and folds of the clean pictures (tab-separated set, name, group, fold), handed on to groups.tsv
    #[arg(long, value_name = "splits.tsv")]
    groups: Option<PathBuf>,
    /// Print the default recipe, which explains every damage, and do nothing
    #[arg(long)]
    print_recipe: bool,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Write into a folder that is not empty and replace pictures of the same stems and the tables; all else stays
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&arguments.threads.flag())?;
    if arguments.print_recipe {
        output::print(Recipe::default_text())?;
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

/// `default`, or a file.
fn recipe(named: &str) -> Result<Recipe> {
    if named == "default" {
        return Ok(Recipe::default());
    }
    let read = || -> Result<Recipe> {
        let mut text = String::new();
        std::fs::File::open(named)?.take(RECIPE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > RECIPE_BYTES_MAX {
            bail!("it has more than {RECIPE_BYTES_MAX} bytes");
        }
        Ok(Recipe::from_toml(&text)?)
    };
    read().map_err(|error| usage(format_args!("--recipe {named}: {error:#}")))
}
