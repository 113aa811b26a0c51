//! `pentimento score`: measures how close a picture is to its reference.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use super::{
    arguments::SettingsArguments,
    inputs::CommandInput,
    outcome::{Outcome, usage},
    output,
};
use crate::batch::picture_file;
use pentimento_core::{
    imaging::codec,
    metrics::{self, QualityReport},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Undamaged picture, or - for standard input
    #[arg(value_name = "REFERENCE")]
    reference: PathBuf,
    /// Picture to compare, or - for standard input; if its size differs, it is resized to the reference's
    #[arg(value_name = "CANDIDATE")]
    candidate: PathBuf,
}

/// The JSON line that is printed.
#[derive(Serialize)]
struct ScoreLine {
    #[serde(flatten)]
    quality: QualityReport,
    resized: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let limits = settings.limits()?;
    let (reference, candidate) =
        (CommandInput::named(&arguments.reference), CommandInput::named(&arguments.candidate));
    if reference == CommandInput::Stdin && candidate == CommandInput::Stdin {
        return Err(usage("REFERENCE and CANDIDATE cannot both be standard input (-)"));
    }
    let decode = |input: &CommandInput| {
        let decoded = |bytes: Vec<u8>| codec::decode(&bytes, &limits).map_err(picture_file::explain);
        input.read(&limits).and_then(decoded).map(|p| p.image).with_context(|| input.name())
    };
    let (reference, candidate) = (decode(&reference)?, decode(&candidate)?);
    let quality = metrics::compare(&reference, &candidate)?.into();
    let resized = (reference.width(), reference.height()) != (candidate.width(), candidate.height());
    output::line(serde_json::to_string(&ScoreLine { quality, resized })?)?;
    Ok(Outcome::AllGood)
}
