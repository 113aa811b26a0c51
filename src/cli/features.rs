//! `pentimento features`: what a predictor is told of pictures.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::{
    Outcome,
    arguments::{SettingsArguments, ThreadArguments},
    inputs::{Input, expand},
    output, progress,
};
use crate::{
    features::{self, FEATURE_NAMES, FeatureVector},
    imaging::codec::{self, Limits},
    jobs::{parallel, picture_file},
    receipt::Features,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layout {
    Json,
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Pictures, folders of pictures, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// json (one line per picture) or csv
    #[arg(long, value_name = "json|csv", default_value = "json")]
    format: Layout,
    #[command(flatten)]
    threads: ThreadArguments,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&arguments.threads.flag())?;
    let limits = config.limits.limits();
    let (inputs, mut failed) = expand(&arguments.inputs, None);
    let bar = progress::bar(inputs.len(), "pictures");
    let (outcomes, _) =
        parallel::run(&inputs, config.compute.threads, &|| bar.inc(1), |input| extract(input, &limits))?;
    bar.finish_and_clear();

    let mut table = csv::Writer::from_writer(Vec::new());
    if matches!(arguments.format, Layout::Csv) {
        table.write_record(["filename"].into_iter().chain(FEATURE_NAMES))?;
    }
    for (input, outcome) in inputs.iter().zip(outcomes) {
        match (outcome, arguments.format) {
            (Ok(values), Layout::Csv) => {
                table.write_record([input.name()].into_iter().chain(values.map(|v| v.to_string())))?;
            }
            (Ok(values), Layout::Json) => {
                let Features { schema, values } = (&values).into();
                let line =
                    serde_json::json!({ "filename": input.name(), "schema": schema, "features": values });
                output::line(line)?;
            }
            (Err(error), _) => failed.push((input.name(), format!("{error:#}"))),
        }
    }
    output::write(&table.into_inner().context("writing CSV to memory")?)?;
    output::tell_failures(&failed);
    Ok(Outcome::from_failures(failed.len()))
}

fn extract(input: &Input, limits: &Limits) -> Result<FeatureVector> {
    let picture = codec::decode(&input.read(limits)?, limits).map_err(picture_file::explain)?;
    Ok(features::extract(&picture.image)?)
}
