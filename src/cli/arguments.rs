//! Flags that several commands share.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::{inputs::place, outcome::usage, output};
use crate::{
    batch::{index_dataset::DatasetLocation, model_file, picture_file},
    config::{Config, RestoreConfig, Settings},
};
use pentimento_core::{
    imaging::{ColorMethod, Tone, codec::Limits},
    learning::Groups,
    models::{
        Assume,
        predictor::{Predictor, RequestedParameters},
    },
    search::SearchSpace,
};

/// The settings flags of every command.
#[derive(Debug, Args)]
pub(super) struct SettingsArguments {
    /// Settings file (TOML); its values replace the defaults
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    /// One setting as SECTION.KEY=VALUE, e.g. limits.pixels_max=50000000; replaces file and environment
    #[arg(long, global = true, value_name = "KEY=VALUE", help_heading = "Settings")]
    set: Vec<String>,
}

impl SettingsArguments {
    /// Returns the settings. Defaults are replaced by the file, then by the environment, then by `--set`, then by the
    /// command's own `flags` (flag, key, value).
    pub fn settings(&self, flags: &[(&str, &str, Option<String>)]) -> Result<Settings> {
        let mut settings = Settings::defaults();
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path)
                .map_err(|e| usage(format_args!("reading the settings file {}: {e}", path.display())))?;
            settings = settings.with_file(&path.display().to_string(), &text).map_err(usage)?;
        }
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        settings = settings.with_variables(variables).map_err(usage)?;
        for pair in &self.set {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| usage(format_args!("--set {pair}: write it as SECTION.KEY=VALUE")))?;
            settings = settings.with_flag("--set", key, value).map_err(usage)?;
        }
        for (flag, key, value) in flags {
            if let Some(value) = value {
                settings = settings.with_flag(flag, key, value).map_err(usage)?;
            }
        }
        Ok(settings)
    }

    /// Returns the checked and typed settings. `flags` are the command's own (flag, key, value).
    pub fn load(&self, flags: &[(&str, &str, Option<String>)]) -> Result<Config> {
        self.settings(flags)?.config().map_err(usage)
    }

    /// Returns the limits of a picture.
    pub fn limits(&self) -> Result<Limits> {
        Ok(self.load(&[])?.limits.limits())
    }
}

/// A switch, `on` or `off`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

/// Flags for parameters that the user gives instead of the model.
#[derive(Debug, Args)]
pub(super) struct ParameterArguments {
    /// Colour correction: on (white balance) or off; predicted if not given
    #[arg(long, value_name = "on|off")]
    color: Option<Switch>,
    #[arg(long, value_name = "METHOD", help = format!("Colour correction by its method: {}", ColorMethod::names()))]
    color_method: Option<ColorMethod>,
    /// Standard deviation of the sharpening's Gaussian in pixels, 0.1 to 20; predicted if not given
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    sigma: Option<f64>,
    /// Strength of the unsharp mask: -1 (smooths) to 5, 0 changes nothing; predicted if not given
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    strength: Option<f64>,
    /// Lightness under a colour correction: auto (corrected too) or keep (every pixel keeps its luma)
    #[arg(long, value_name = "auto|keep")]
    tone: Option<Tone>,
    /// What you know: auto (nothing), damaged, faded (in its colours) or fine (change it only when very sure)
    #[arg(long, value_name = "auto|damaged|faded|fine")]
    assume: Option<Assume>,
    /// Restore a file that is cut off or damaged as far as it goes, instead of refusing it
    #[arg(long)]
    lenient: bool,
}

impl ParameterArguments {
    /// Returns the flags that have a setting: flag, key and value.
    pub fn flags(&self) -> [(&'static str, &'static str, Option<String>); 3] {
        [
            ("--tone", "restore.tone", self.tone.map(|tone| tone.to_string())),
            ("--assume", "restore.assume", self.assume.map(|assume| assume.to_string())),
            ("--lenient", "restore.lenient", self.lenient.then(|| true.to_string())),
        ]
    }

    /// Returns the parameters that the user gave. `settings` have the values of [`ParameterArguments::flags`].
    pub fn requested(&self, settings: &RestoreConfig) -> Result<RequestedParameters> {
        let color = self.color.map(|switch| matches!(switch, Switch::On));
        let fixed = RequestedParameters::new(color, self.color_method, self.sigma, self.strength);
        Ok(fixed.map_err(usage)?.with_tone(settings.tone).with_assume(settings.assume))
    }
}

/// Returns the predictor of a model file or of an embedded model's name; without a path, the built-in one.
pub(super) fn predictor(path: Option<&Path>) -> Result<Predictor> {
    model_file::predictor(path.unwrap_or(Path::new(""))).map_err(usage)
}

/// Returns the names in a file, one per line. `#` begins a comment.
pub(super) fn names_in(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let names = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
    Ok(names.filter(|name| !name.is_empty()).collect())
}

/// Flags for the folders of a dataset.
#[derive(Debug, Args)]
pub(super) struct DatasetArguments {
    /// Folder of damaged pictures, together with --undamaged
    #[arg(long, value_name = "DIR", requires = "undamaged", conflicts_with = "dataset")]
    damaged: Option<PathBuf>,
    /// Folder of their references; two files with the same stem are a pair
    #[arg(long, value_name = "DIR", requires = "damaged", conflicts_with = "dataset")]
    undamaged: Option<PathBuf>,
    /// Dataset: a folder with damaged/ and undamaged/, or with sets SET/damaged/ and SET/undamaged/
    #[arg(long, value_name = "ROOT")]
    dataset: Option<PathBuf>,
}

impl DatasetArguments {
    /// Returns the folders of the dataset.
    pub fn source(self) -> Result<DatasetLocation> {
        match (self.dataset, self.damaged, self.undamaged) {
            (Some(root), ..) => Ok(DatasetLocation::Root(root)),
            (None, Some(damaged), Some(undamaged)) => Ok(DatasetLocation::Folders { damaged, undamaged }),
            _ => Err(usage("--dataset ROOT, or --damaged DIR with --undamaged DIR, is needed")),
        }
    }
}

/// The flag for the number of threads.
#[derive(Debug, Args)]
pub(super) struct ThreadArguments {
    /// Number of threads for pixel work; 0 takes all cores (setting compute.threads)
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl ThreadArguments {
    /// Returns the flag with its setting and value.
    pub fn flag(&self) -> [(&'static str, &'static str, Option<String>); 1] {
        [("--threads", "compute.threads", self.threads.map(|n| n.to_string()))]
    }
}

/// Returns the search space `seed` or `full`, or the one of a TOML file.
pub(super) fn space(grid: &str) -> Result<SearchSpace> {
    match grid {
        "seed" => Ok(SearchSpace::seed()),
        "full" => Ok(SearchSpace::full()),
        path => {
            let text = std::fs::read_to_string(path).map_err(|e| {
                usage(format_args!("--grid {path}: neither seed nor full, and no readable file: {e}"))
            })?;
            SearchSpace::from_toml(path, &text).map_err(|e| usage(format_args!("--grid {path}: {e}")))
        }
    }
}

/// Returns the groups of a file. Without one, each file stem is a source of its own, and a message says so.
pub(super) fn groups(path: Option<&Path>) -> Result<Groups> {
    let Some(path) = path else {
        output::tell("no --groups file: each file stem counts as a source picture of its own");
        return Ok(Groups::by_stem());
    };
    let bytes =
        std::fs::read(path).map_err(|e| usage(format_args!("reading the groups {}: {e}", path.display())))?;
    Groups::read_tsv(&bytes).map_err(|e| usage(format_args!("the groups {}: {e}", path.display())))
}

/// Checks result files before any work, each with its flag.
///
/// # Errors
/// When a result exists and `force` is false, is a folder, is an input, has the place of another result, or cannot be
/// written.
pub(super) fn check_results(results: &[(&str, &Path)], inputs: &[PathBuf], force: bool) -> Result<()> {
    let mut taken: BTreeMap<PathBuf, &str> = BTreeMap::new();
    let inputs: BTreeSet<PathBuf> = inputs.iter().map(|path| place(path)).collect();
    for (flag, path) in results {
        let (is_stdout, shown, place) = (*path == Path::new("-"), path.display(), place(path));
        if let Some(other) = taken.insert(place.clone(), flag) {
            let what = if is_stdout { "standard output".to_owned() } else { shown.to_string() };
            return Err(usage(format_args!("{other} {shown} and {flag} {shown} cannot share {what}")));
        }
        if is_stdout {
            continue;
        }
        if path.is_dir() {
            return Err(usage(format_args!("{flag} {shown} is a folder")));
        }
        if inputs.contains(&place) {
            return Err(usage(format_args!("{flag} {shown} is also an input of this command")));
        }
        if !force && picture_file::is_occupied(path) {
            return Err(usage(format_args!("{flag} {shown} exists; --force overwrites it")));
        }
        picture_file::check_writable(path).with_context(|| format!("{flag} {shown}"))?;
    }
    Ok(())
}

/// Writes a result to a file; `-` is standard output.
pub(super) fn store(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    if path == Path::new("-") {
        return output::write(bytes);
    }
    picture_file::write(path, bytes, force)
}
