//! `pentimento score`: how close a picture is to its reference.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use super::{Outcome, arguments::SettingsArguments, inputs::Input, output, usage};
use crate::batch::picture_file;
use pentimento_core::{
    imaging::codec,
    metrics::{self, QualityReport},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The undamaged picture, or - for standard input
    #[arg(value_name = "REFERENCE")]
    reference: PathBuf,
    /// The picture to compare; of another size it is resized to the reference first
    #[arg(value_name = "CANDIDATE")]
    candidate: PathBuf,
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    quality: QualityReport,
    resized: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let limits = settings.limits()?;
    let (reference, candidate) = (Input::named(&arguments.reference), Input::named(&arguments.candidate));
    if reference == Input::Stdin && candidate == Input::Stdin {
        return Err(usage("REFERENCE and CANDIDATE cannot both be standard input (-)"));
    }
    let decode = |input: &Input| {
        let decoded = |bytes: Vec<u8>| codec::decode(&bytes, &limits).map_err(picture_file::explain);
        input.read(&limits).and_then(decoded).map(|p| p.image).with_context(|| input.name())
    };
    let (reference, candidate) = (decode(&reference)?, decode(&candidate)?);
    let quality = metrics::compare(&reference, &candidate)?.into();
    let resized = (reference.width(), reference.height()) != (candidate.width(), candidate.height());
    output::line(serde_json::to_string(&Line { quality, resized })?)?;
    Ok(Outcome::AllGood)
}
