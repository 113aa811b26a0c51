//! `pentimento score`: how close a picture is to its reference.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use super::{Outcome, arguments::SettingsArguments, output};
use crate::{
    jobs::picture_file,
    metrics::{self, QualityReport},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The undamaged picture
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
    let decode = |path: &PathBuf| {
        picture_file::decode(path, &limits).map(|p| p.image).with_context(|| path.display().to_string())
    };
    let (reference, candidate) = (decode(&arguments.reference)?, decode(&arguments.candidate)?);
    let quality = metrics::compare(&reference, &candidate)?.into();
    let resized = (reference.width(), reference.height()) != (candidate.width(), candidate.height());
    output::line(serde_json::to_string(&Line { quality, resized })?)?;
    Ok(Outcome::AllGood)
}
