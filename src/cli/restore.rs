//! `pentimento restore`: pictures or whole folders, parameters predicted or given.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::{Result, bail};
use clap::Args;

use super::{
    Outcome,
    arguments::{ParameterArguments, SettingsArguments, ThreadArguments, predictor, store},
    inputs::{Input, RESTORED_MARK, expand},
    output, progress, usage,
};
use crate::{
    imaging::codec::{Format, Limits, MetadataPolicy},
    jobs::{parallel, picture_file},
    predictor::Predictor,
    receipt::Receipt,
    restoration::{Request, RestoreError, Restored, restore},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Pictures, folders of pictures, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Where to write the one picture; its extension decides the format; - is standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "out_dir")]
    output: Option<PathBuf>,
    /// Folder to write to, keeping names; without -o and --out-dir: NAME.restored.EXT beside the input
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    #[command(flatten)]
    parameters: ParameterArguments,
    /// jpeg, png, webp, tiff or bmp; by default what -o says, else what came in
    #[arg(long, value_name = "F")]
    format: Option<Format>,
    /// Quality of JPEG and lossy WebP, 1 to 100 [default: 95]; lossless formats ignore it
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// keep: carry ICC, EXIF, XMP, IPTC, resolution; strip: only ICC and copyright
    #[arg(long, value_name = "keep|strip", default_value = "keep")]
    metadata: MetadataPolicy,
    /// A model made by `pentimento train` instead of the built-in one
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Write the receipts here, one JSON line per picture; - is standard output
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    threads: ThreadArguments,
}

/// What every picture of one call has in common.
struct Common<'a> {
    request: Request,
    predictor: &'a Predictor,
    limits: Limits,
    output: Option<&'a Path>,
    out_dir: Option<&'a Path>,
    force: bool,
    /// Paths written or being written, with the input they are of.
    taken: Mutex<BTreeMap<PathBuf, String>>,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let model = arguments.model.as_ref().map(|path| path.display().to_string());
    let mut flags = vec![("--model", "model.path", model)];
    flags.extend(arguments.threads.flag());
    let config = settings.load(&flags)?;
    let (inputs, mut failed) = expand(&arguments.inputs);
    let format = checked_output(&arguments, &inputs)?;
    let predictor = predictor(Some(&config.model.path))?;
    let common = Common {
        request: Request {
            parameters: arguments.parameters.requested()?,
            format,
            quality: arguments.quality,
            metadata: arguments.metadata,
        },
        predictor: &predictor,
        limits: config.limits.limits(),
        output: arguments.output.as_deref(),
        out_dir: arguments.out_dir.as_deref(),
        force: arguments.force,
        taken: Mutex::default(),
    };
    let bar = progress::bar(inputs.len(), "pictures");
    let (outcomes, _) =
        parallel::run(&inputs, config.compute.threads, &|| bar.inc(1), |input| restore_one(input, &common))?;
    bar.finish_and_clear();

    let mut receipts = String::new();
    let quiet = is_stdout(arguments.output.as_deref()) || is_stdout(arguments.receipt.as_deref());
    for (input, outcome) in inputs.iter().zip(outcomes) {
        match outcome {
            Ok((path, receipt)) => {
                let line = said(input, &path, &receipt);
                if quiet {
                    output::tell(line)
                } else {
                    output::line(line)?
                }
                receipts += &serde_json::to_string(&receipt)?;
                receipts.push('\n');
            }
            Err(error) => failed.push((input.name(), format!("{error:#}"))),
        }
    }
    output::tell_failures(&failed);
    if let Some(path) = &arguments.receipt {
        store(path, receipts.as_bytes(), arguments.force)?;
    }
    Ok(Outcome::from_failures(failed.len()))
}

fn is_stdout(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}

/// The format that the flags ask for, after everything about them that can be wrong.
fn checked_output(arguments: &Arguments, inputs: &[Input]) -> Result<Option<Format>> {
    let folders = arguments.inputs.iter().any(|path| path.is_dir());
    if arguments.output.is_some() && (inputs.len() > 1 || folders) {
        return Err(usage("-o takes one picture; --out-dir takes several"));
    }
    if inputs.iter().filter(|input| **input == Input::Stdin).count() > 0
        && arguments.output.is_none()
        && inputs.len() > 1
    {
        return Err(usage("standard input (-) cannot be mixed with files"));
    }
    if is_stdout(arguments.output.as_deref()) && is_stdout(arguments.receipt.as_deref()) {
        return Err(usage("-o - and --receipt - cannot share standard output"));
    }
    let Some(output) = arguments.output.as_deref().filter(|path| *path != Path::new("-")) else {
        return Ok(arguments.format);
    };
    let extension = output.extension().and_then(|e| e.to_str());
    match (extension, extension.and_then(Format::from_extension), arguments.format) {
        (_, Some(named), Some(asked)) if named != asked => {
            Err(usage(format_args!("-o {} is {named}, but --format {asked} is asked", output.display())))
        }
        (_, Some(named), _) => Ok(Some(named)),
        (_, None, Some(asked)) => Ok(Some(asked)),
        (Some(unknown), None, None) => Err(usage(format_args!(
            "-o {}: the extension {unknown:?} is none of jpg, png, webp, tif, bmp; --format says what to write",
            output.display()
        ))),
        (None, None, None) => Ok(None),
    }
}

fn restore_one(input: &Input, common: &Common) -> Result<(PathBuf, Receipt)> {
    // What is known to fail is refused before it costs anything.
    if let Some(path) = common.path(input, common.request.format) {
        common.take(&path, input)?;
    }
    let bytes = input.read(&common.limits)?;
    let Restored { bytes, receipt } =
        restore(&bytes, &common.request, common.predictor, &common.limits, &mut |_| ()).map_err(explain)?;
    let path = match common.path(input, common.request.format) {
        Some(path) => path,
        None => {
            let path = common.path(input, Some(receipt.output.format)).unwrap_or_else(|| PathBuf::from("-"));
            common.take(&path, input)?;
            path
        }
    };
    store(&path, &bytes, common.force)?;
    Ok((path, receipt))
}

impl Common<'_> {
    /// Where the result goes; unknown as long as the name hangs on a format that is not known yet.
    fn path(&self, input: &Input, format: Option<Format>) -> Option<PathBuf> {
        match (self.output, input) {
            (Some(output), _) => Some(output.to_owned()),
            (None, Input::Stdin) => Some(PathBuf::from("-")),
            (None, Input::File { path, relative }) => {
                let kept = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
                // The input's own extension stays when it fits: `.jpeg` does not become `.jpg`.
                let extension = match format {
                    Some(format) if Format::from_extension(kept) != Some(format) => format.extension(),
                    None if Format::from_extension(kept).is_none() => return None,
                    _ => kept,
                };
                Some(match self.out_dir {
                    Some(folder) => folder.join(relative).with_extension(extension),
                    None => path.with_extension(format!("{RESTORED_MARK}.{extension}")),
                })
            }
        }
    }

    /// Refuses a path that exists or that another input of this call has.
    fn take(&self, path: &Path, input: &Input) -> Result<()> {
        if path == Path::new("-") {
            return Ok(());
        }
        if !self.force && path.symlink_metadata().is_ok() {
            bail!("{} exists; --force overwrites it", path.display());
        }
        let mut taken = self.taken.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(other) = taken.get(path) {
            bail!("{} is already the result of {other}", path.display());
        }
        taken.insert(path.to_owned(), input.name());
        Ok(())
    }
}

/// A limit that was hit comes with the setting that changes it.
fn explain(error: RestoreError) -> anyhow::Error {
    match error {
        RestoreError::Decode(error) => picture_file::explain(error),
        other => other.into(),
    }
}

/// One line on what was done.
fn said(input: &Input, path: &Path, receipt: &Receipt) -> String {
    let parameters = &receipt.parameters;
    let what = if receipt.parameters.strength == 0.0 && !parameters.color_method.is_on() {
        "untouched".to_owned()
    } else {
        format!(
            "color {}, sigma {}, strength {}",
            parameters.color_method, parameters.sigma, parameters.strength
        )
    };
    let again = if receipt.output.reencoded { ", reencoded" } else { "" };
    let by = receipt.model.as_ref().map_or("given".to_owned(), |model| format!("by {}", model.id));
    format!("{} -> {}  {what}{again} ({by})", input.name(), path.display())
}
