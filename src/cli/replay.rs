//! `pentimento replay`: the same bytes again, from a receipt and its input.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{
    Outcome,
    arguments::{SettingsArguments, store},
};
use crate::{
    jobs::picture_file,
    receipt::{self, Receipt},
    restoration::{ReplayError, RestoreError, replay},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The receipt; of a file with several lines, the one for this input
    #[arg(value_name = "RECEIPT")]
    receipt: PathBuf,
    /// The picture that the receipt is for
    #[arg(value_name = "INPUT")]
    input: PathBuf,
    /// Where to write; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let limits = settings.limits()?;
    let bytes = picture_file::read(&arguments.input, &limits)?;
    let text = std::fs::read_to_string(&arguments.receipt)
        .with_context(|| format!("reading the receipt {}", arguments.receipt.display()))?;
    let receipts = parse(&text).with_context(|| format!("the receipt {}", arguments.receipt.display()))?;
    let digest = receipt::digest(&bytes);
    let Some(receipt) = receipts.iter().rev().find(|r| r.input.sha256 == digest).or(receipts.first()) else {
        bail!("{} holds no receipt", arguments.receipt.display());
    };
    let restored = replay(receipt, &bytes, &limits, &mut |_| ()).map_err(explain)?;
    store(&arguments.output, &restored.bytes, arguments.force)?;
    Ok(Outcome::AllGood)
}

/// A limit that was hit comes with the setting that changes it.
fn explain(error: ReplayError) -> anyhow::Error {
    match error {
        ReplayError::Restore(RestoreError::Decode(error)) => picture_file::explain(error),
        other => other.into(),
    }
}

/// One receipt, however it is laid out, or one per line.
fn parse(text: &str) -> Result<Vec<Receipt>> {
    Ok(serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>()?)
}
