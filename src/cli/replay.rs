//! `pentimento replay`: makes the same output bytes again from a receipt and its input.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{
    arguments::{SettingsArguments, store},
    inputs::CommandInput,
    outcome::{Outcome, usage},
    output,
};
use crate::batch::streamed_file;
use pentimento_core::{
    digest::digest,
    imaging::codec::{Format, Limits, StreamLimits},
    restoration::{
        ReplayError, Watch, is_streamed,
        receipt::{Receipt, RecordedOutput},
        replay, replay_streamed,
    },
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Receipt file, or - for standard input; of several lines, the one for INPUT is used
    #[arg(value_name = "RECEIPT")]
    receipt: PathBuf,
    /// Picture that the receipt is for, or - for standard input
    #[arg(value_name = "INPUT")]
    input: PathBuf,
    /// File to write; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let config = settings.load(&[])?;
    let limits = config.limits.limits();
    let input = CommandInput::named(&arguments.input);
    let text = CommandInput::named(&arguments.receipt);
    if input == CommandInput::Stdin && text == CommandInput::Stdin {
        return Err(usage("RECEIPT and INPUT cannot both be standard input (-)"));
    }
    let named = || format!("the receipt {}", arguments.receipt.display());
    let text = String::from_utf8(text.read(&limits)?).with_context(named)?;
    let receipts = Receipt::read_all(&text).with_context(named)?;
    if let Some((path, sha256)) = streamed_input(&input, &receipts, &limits)? {
        return replay_in_parts(&path, &sha256, &receipts, &arguments, config.limits.stream_limits());
    }
    let bytes = input.read(&limits)?;
    let sha256 = digest(&bytes);
    let Some(receipt) = receipts.iter().rev().find(|r| r.input.sha256 == sha256).or(receipts.first()) else {
        bail!("{} holds no receipt", arguments.receipt.display());
    };
    check_extension(&arguments.output, receipt.output.format)?;
    let restored = replay(receipt, &bytes, &limits, &mut Watch::none()).map_err(explain)?;
    store(&arguments.output, &restored.bytes, arguments.force)?;
    tell_other_bytes(&receipt.output, &restored.receipt.output);
    Ok(Outcome::AllGood)
}

/// Returns path and digest of an input that is replayed in parts: a file that is too long to be held, or one that was restored
/// in parts.
fn streamed_input(
    input: &CommandInput,
    receipts: &[Receipt],
    limits: &Limits,
) -> Result<Option<(PathBuf, String)>> {
    let CommandInput::File { path, .. } = input else { return Ok(None) };
    let is_long = path.metadata().is_ok_and(|found| found.is_file() && found.len() > limits.input_bytes_max);
    if input.sniff() != Some(Format::Tiff) || !is_long && !receipts.iter().any(is_streamed) {
        return Ok(None);
    }
    let sha256 = streamed_file::digest(path)?;
    let is_own = |receipt: &&Receipt| receipt.input.sha256 == sha256;
    let is_in_parts = receipts.iter().rev().find(is_own).is_some_and(is_streamed);
    Ok((is_long || is_in_parts).then(|| (path.clone(), sha256)))
}

/// Replays the receipt of a TIFF from file to file.
fn replay_in_parts(
    input: &Path,
    sha256: &str,
    receipts: &[Receipt],
    arguments: &Arguments,
    limits: StreamLimits,
) -> Result<Outcome> {
    let Some(receipt) = receipts.iter().rev().find(|r| r.input.sha256 == sha256).or(receipts.first()) else {
        bail!("{} holds no receipt", arguments.receipt.display());
    };
    check_extension(&arguments.output, receipt.output.format)?;
    if arguments.output == Path::new("-") {
        bail!("a picture that is replayed in parts is written to a file; name it with -o FILE");
    }
    let replayed = streamed_file::restore(input, &arguments.output, arguments.force, |source, target| {
        replay_streamed(receipt, source, target, &limits, &mut Watch::none())
    })?;
    tell_other_bytes(&receipt.output, &replayed.output);
    Ok(Outcome::AllGood)
}

/// Says so if another encoder wrote other bytes for the recorded pixels.
fn tell_other_bytes(recorded: &RecordedOutput, replayed: &RecordedOutput) {
    let encoder = |output: &RecordedOutput| output.encoder.clone().unwrap_or_else(|| "no encoder".to_owned());
    if recorded.sha256 != replayed.sha256 {
        let (theirs, ours) = (encoder(recorded), encoder(replayed));
        output::tell(format_args!(
            "same pixels, other bytes: the receipt names the encoder {theirs}, this program has {ours}"
        ));
    }
}

/// Returns the error for people. Where a limit was exceeded, the message names the setting.
fn explain(error: ReplayError) -> anyhow::Error {
    match error {
        ReplayError::Restore(error) => super::restore::explain(error),
        other => other.into(),
    }
}

/// Refuses a file name whose extension is of another format than the recorded one.
fn check_extension(output: &Path, recorded: Format) -> Result<()> {
    match output.extension().and_then(|e| e.to_str()).and_then(Format::from_extension) {
        Some(named) if named != recorded => {
            Err(usage(format_args!("-o {} is {named}, but the receipt is of a {recorded}", output.display())))
        }
        _ => Ok(()),
    }
}
