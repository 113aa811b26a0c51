//! `pentimento features`: prints the features of pictures, the numbers that a predictor sees.

use std::{num::NonZeroU32, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::{
    arguments::{SettingsArguments, ThreadArguments},
    inputs::{CommandInput, expand},
    outcome::Outcome,
    output, progress,
};
use crate::batch::{parallel, picture_file};
use pentimento_core::{
    features::{self, Look, Schema},
    imaging::codec::{self, Limits, Notes},
    restoration::receipt::RecordedFeatures,
};

/// How features are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FeaturesFormat {
    Json,
    Csv,
}

/// The name of a feature schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SchemaName {
    Seed,
    Rich,
}

impl From<SchemaName> for Schema {
    fn from(name: SchemaName) -> Self {
        match name {
            SchemaName::Seed => Schema::Seed,
            SchemaName::Rich => Schema::Rich,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Pictures, folders of pictures, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Output format: json (one line per picture) or csv
    #[arg(long, value_name = "json|csv", default_value = "json")]
    format: FeaturesFormat,
    /// Feature schema: seed (14 features) or rich (124 cheap features that do not depend on the picture's size)
    #[arg(long, value_name = "seed|rich", default_value = "seed")]
    schema: SchemaName,
    /// The page of a TIFF with several, from 1; the first one if not given
    #[arg(long, value_name = "N")]
    page: Option<NonZeroU32>,
    #[command(flatten)]
    threads: ThreadArguments,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&arguments.threads.flag())?;
    let (limits, schema) = (config.limits.limits().with_page(arguments.page), Schema::from(arguments.schema));
    let (inputs, mut failed) = expand(&arguments.inputs, None);
    let bar = progress::bar(inputs.len(), "pictures");
    let (outcomes, _) = parallel::run(&inputs, config.compute.threads, &|| bar.inc(1), |input| {
        measure(input, &limits, schema)
    })?;
    bar.finish_and_clear();

    let mut table = csv::Writer::from_writer(Vec::new());
    if matches!(arguments.format, FeaturesFormat::Csv) {
        table.write_record(["filename"].into_iter().chain(schema.names().iter().copied()))?;
    }
    let measured = inputs
        .iter()
        .zip(&outcomes)
        .filter_map(|(input, outcome)| outcome.as_ref().ok().map(|(_, notes)| (input.name(), notes)));
    let shared = output::SharedNotes::of(measured);
    for (input, outcome) in inputs.iter().zip(outcomes) {
        match (outcome, arguments.format) {
            (Ok((measured, notes)), FeaturesFormat::Csv) => {
                shared.tell_others(&input.name(), &notes);
                let values = measured.values.iter().map(f64::to_string);
                table.write_record([input.name()].into_iter().chain(values))?;
            }
            (Ok((measured, notes)), FeaturesFormat::Json) => {
                shared.tell_others(&input.name(), &notes);
                let RecordedFeatures { schema, values } = (&measured).into();
                let line =
                    serde_json::json!({ "filename": input.name(), "schema": schema, "features": values });
                output::line(line)?;
            }
            (Err(error), _) => failed.push((input.name(), format!("{error:#}"))),
        }
    }
    shared.tell();
    output::write(&table.into_inner().context("writing CSV to memory")?)?;
    output::tell_failures(&failed);
    Ok(Outcome::from_failures(failed.len()))
}

/// Measures the features of a picture. Notes say if it is one page of several.
fn measure(input: &CommandInput, limits: &Limits, schema: Schema) -> Result<(features::Features, Notes)> {
    let bytes = input.read(limits)?;
    let (limits, notes) = codec::one_page(&bytes, limits).map_err(picture_file::explain)?;
    let look = Look::decode(&bytes, &limits, schema, |_| ()).map_err(picture_file::explain)?;
    Ok((look.features()?, notes))
}
