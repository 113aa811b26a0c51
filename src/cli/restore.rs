//! `pentimento restore`: restores pictures or whole folders, with predicted or given parameters.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use clap::Args;

use super::{
    arguments::{ParameterArguments, SettingsArguments, ThreadArguments, check_results, predictor, store},
    inputs::{CommandInput, RESTORED_MARK, expand, place},
    outcome::{Outcome, usage},
    output, progress,
    restore_remote::{RemoteRequest, RemoteResult, restore_remotely},
    restore_together::{self, RestoreOutcome, restore_together},
};
use crate::batch::{parallel, picture_file, streamed_file};
use pentimento_core::{
    imaging::codec::{DecodeError, FORMAT_NAMES, Format, Limits, MetadataPolicy, StreamLimits},
    models::predictor::Predictor,
    restoration::{
        Record, RestoreError, RestoreRequest, Restored, Watch,
        receipt::{Receipt, Route},
        restore, restore_streamed,
    },
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Pictures, folders of pictures, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// File to write, for one picture; its extension decides the format; - is standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "out_dir")]
    output: Option<PathBuf>,
    /// Folder to write to under the same names; without -o and --out-dir, NAME.restored.EXT next to the input
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    #[command(flatten)]
    parameters: ParameterArguments,
    /// Output format: jpeg, png, webp, tiff, bmp, jxl or avif; if not given, that of -o, else that of the input
    #[arg(long, value_name = "F")]
    format: Option<Format>,
    /// Quality of JPEG and lossy WebP, 1 to 100 [default: 95]; lossless formats ignore it
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Metadata to write: keep (all that the output can hold; what it cannot is said) or strip (only colours, author, copyright)
    #[arg(long, value_name = "keep|strip", default_value = "keep")]
    metadata: MetadataPolicy,
    /// Model file made by `pentimento train`, instead of the built-in model
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Write receipts to this file, one JSON line per picture; - is standard output
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Restore only this page of a TIFF with several, from 1; all pages if not given
    #[arg(long, value_name = "N")]
    page: Option<NonZeroU32>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    /// Restore TIFFs in parts, from file to file, also those that fit into memory; larger ones are restored so without it
    #[arg(long, conflicts_with_all = ["together", "server"])]
    stream: bool,
    /// Restore the pictures as one roll: they were stored together and faded together, so one colour correction fits all
    #[arg(long)]
    together: bool,
    /// Let the service at this URL restore the pictures, many in one request: http://HOST:PORT
    #[arg(long, value_name = "URL", conflicts_with_all = ["model", "threads"])]
    server: Option<String>,
    #[command(flatten)]
    threads: ThreadArguments,
}

/// The options that all pictures of one call share.
pub(super) struct SharedOptions<'a> {
    pub(super) request: RestoreRequest,
    pub(super) predictor: &'a Predictor,
    pub(super) limits: Limits,
    pub(super) stream: Streaming,
    pub(super) force: bool,
}

/// Which pictures are restored in parts.
#[derive(Clone, Copy)]
pub(super) struct Streaming {
    /// Whether all TIFFs are, and not only those beyond the limits of pictures in memory.
    always: bool,
    limits: StreamLimits,
}

impl Streaming {
    /// Whether a picture can be restored in parts: a TIFF in a file.
    fn takes(&self, input: &CommandInput) -> bool {
        self.limits.pixels_max > 0 && input.sniff() == Some(Format::Tiff)
    }

    /// Whether a picture is restored in parts before anything else is tried.
    fn begins_with(&self, input: &CommandInput, limits: &Limits) -> bool {
        let CommandInput::File { path, .. } = input else { return false };
        let is_long = || path.metadata().is_ok_and(|found| found.len() > limits.input_bytes_max);
        (self.always || is_long()) && self.takes(input)
    }
}

/// A picture that is restored in parts, alone and after the others: each takes as much memory as one may.
#[derive(Debug, thiserror::Error)]
#[error("the picture is restored in parts")]
struct InParts;

/// A picture with the path of its result, or with the reason why it cannot be written.
pub(super) struct InputWithOutput {
    pub(super) input: CommandInput,
    pub(super) path: Result<PathBuf, String>,
}

pub(super) fn run(settings: &SettingsArguments, arguments: Arguments) -> Result<Outcome> {
    let model = arguments.model.as_ref().map(|path| path.display().to_string());
    let mut flags = vec![("--model", "model.path", model)];
    flags.extend(arguments.threads.flag());
    flags.extend(arguments.parameters.flags());
    let config = settings.load(&flags)?;
    let (inputs, mut failed) = expand(&arguments.inputs, arguments.out_dir.as_deref());
    let format = checked_output(&arguments, &inputs)?;
    if arguments.together {
        restore_together::check(&inputs)?;
    }
    let planned = plan(inputs, &arguments, format);
    check_receipt(&planned, &arguments)?;
    let parameters = arguments.parameters.requested(&config.restore)?;
    let predictor = match &arguments.server {
        // The service has a model of its own.
        Some(_) => Predictor::built_in(),
        None => predictor(arguments.model.as_deref().or(Some(&config.model.path)))?,
    };
    if arguments.server.is_none() {
        predictor.check(&parameters).map_err(usage)?;
    }
    let options = SharedOptions {
        request: RestoreRequest {
            parameters,
            format,
            quality: arguments.quality,
            metadata: arguments.metadata,
            lenient: config.restore.lenient,
            page: arguments.page,
            record: if arguments.receipt.is_some() { Record::Kept } else { Record::WithoutDigests },
        },
        predictor: &predictor,
        limits: config.limits.limits().with_lenient(config.restore.lenient).with_page(arguments.page),
        stream: Streaming { always: arguments.stream, limits: config.limits.stream_limits() },
        force: arguments.force,
    };
    // With all parameters given, nothing is left to decide for a roll.
    let together = arguments.together && parameters.complete().is_none();
    let n_passes = if together && arguments.server.is_none() { 2 } else { 1 };
    let bar = progress::bar(n_passes * planned.len(), "pictures");
    let outcomes = match &arguments.server {
        Some(server) => restore_by_service((server, together), &planned, &options, &|| bar.inc(1)),
        None if together => restore_together(&planned, &options, config.compute.threads, &bar)?,
        None => {
            let work = |planned: &InputWithOutput| restore_one(planned, &options);
            let mut outcomes = parallel::run(&planned, config.compute.threads, &|| bar.inc(1), work)?.0;
            for (planned, outcome) in planned.iter().zip(&mut outcomes) {
                if outcome.as_ref().is_err_and(|error| error.is::<InParts>()) {
                    let work = |planned: &&InputWithOutput| restore_in_parts(planned, &options);
                    let (mut restored, _) = parallel::run(&[planned], config.compute.threads, &|| (), work)?;
                    if let Some(restored) = restored.pop() {
                        *outcome = restored;
                    }
                }
            }
            outcomes
        }
    };
    bar.finish_and_clear();
    if arguments.together && !together {
        output::tell("no roll: all parameters were given; every picture is treated alone");
    }
    if together && arguments.server.is_some() {
        let answered = planned.iter().zip(&outcomes);
        let receipts = answered.filter_map(|(planned, outcome)| {
            outcome.as_ref().ok().map(|(_, receipt)| (planned.input.name(), receipt))
        });
        let receipts: Vec<_> = receipts.collect();
        if !receipts.is_empty() {
            output::tell(restore_together::said_after(&receipts));
        }
    }

    let quiet = writes_to_stdout(&planned) || is_stdout(arguments.receipt.as_deref());
    let mut receipts = String::new();
    let restored = planned.iter().zip(&outcomes).filter_map(|(planned, outcome)| {
        outcome.as_ref().ok().map(|(_, receipt)| (planned.input.name(), &receipt.notes))
    });
    let shared = output::SharedNotes::of(restored);
    for (InputWithOutput { input, .. }, outcome) in planned.iter().zip(outcomes) {
        match outcome {
            Ok((path, receipt)) => {
                shared.tell_others(&input.name(), &receipt.notes);
                say(&said(input, &path, &receipt), quiet)?;
                if options.request.record == Record::Kept {
                    receipts += &serde_json::to_string(&receipt)?;
                    receipts.push('\n');
                }
            }
            Err(error) => failed.push((input.name(), format!("{error:#}"))),
        }
    }
    shared.tell();
    output::tell_failures(&failed);
    if let Some(path) = &arguments.receipt {
        store(path, receipts.as_bytes(), arguments.force)?;
    }
    Ok(Outcome::from_failures(failed.len()))
}

/// Prints a line: on standard error if `quiet`, because standard output has the picture or the receipts.
fn say(line: &str, quiet: bool) -> Result<()> {
    if quiet {
        output::tell(line);
        return Ok(());
    }
    output::line(line)
}

fn is_stdout(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}

/// Checks the flags for outputs and returns the format that they ask for, if any.
fn checked_output(arguments: &Arguments, inputs: &[CommandInput]) -> Result<Option<Format>> {
    let folders = arguments.inputs.iter().any(|path| path.is_dir());
    if arguments.output.is_some() && (inputs.len() > 1 || folders) {
        return Err(usage("-o takes one picture; --out-dir takes several"));
    }
    if inputs.contains(&CommandInput::Stdin) && inputs.len() > 1 {
        return Err(usage("standard input (-) cannot be mixed with files"));
    }
    if inputs.contains(&CommandInput::Stdin) && arguments.out_dir.is_some() {
        return Err(usage("standard input (-) has no file name for --out-dir; name the result with -o FILE"));
    }
    if let Some(folder) = arguments.output.as_deref().filter(|path| path.is_dir()) {
        return Err(usage(format_args!("-o {} is a folder; --out-dir writes into it", folder.display())));
    }
    let Some(output) = arguments.output.as_deref().filter(|path| *path != Path::new("-")) else {
        return Ok(arguments.format);
    };
    let extension = output.extension().and_then(|e| e.to_str());
    match (extension, extension.and_then(Format::from_extension), arguments.format) {
        (_, Some(named), Some(asked)) if named != asked => Err(usage(format_args!(
            "-o {} has the extension of {named}, but --format says {asked}",
            output.display()
        ))),
        (_, Some(named), _) if !named.is_written() => {
            Err(usage(format_args!("-o {}: {named} is not written, only {FORMAT_NAMES}", output.display())))
        }
        (_, Some(named), _) => Ok(Some(named)),
        (_, None, Some(asked)) => Ok(Some(asked)),
        (Some(unknown), None, None) => Err(usage(format_args!(
            "-o {}: the extension {unknown:?} is none of jpg, png, webp, tif, bmp, jxl, avif; --format says what to write",
            output.display()
        ))),
        (None, None, None) => Ok(None),
    }
}

/// Decides the path of each result, in the inputs' order and before any work. The paths therefore do not depend
/// on the number of threads.
fn plan(inputs: Vec<CommandInput>, arguments: &Arguments, format: Option<Format>) -> Vec<InputWithOutput> {
    let places: BTreeSet<PathBuf> = inputs.iter().filter_map(CommandInput::place).collect();
    let mut taken: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut settle = |input: &CommandInput| {
        let path = result_path(input, arguments, format);
        if is_stdout(Some(&path)) {
            return Ok(path);
        }
        let (place, shown) = (place(&path), path.display());
        if let Some(other) = taken.get(&place) {
            return Err(format!("{shown} is already the result of {other}"));
        }
        if !arguments.force && picture_file::is_occupied(&path) {
            return Err(format!("{shown} exists; --force overwrites it"));
        }
        if places.contains(&place) && input.place().as_ref() != Some(&place) {
            return Err(format!("{shown} is also an input of this command"));
        }
        taken.insert(place, input.name());
        Ok(path)
    };
    inputs.into_iter().map(|input| InputWithOutput { path: settle(&input), input }).collect()
}

/// Returns the path of a result: `-o`; or the input's name with the result's extension, in the folder of results or
/// next to the input.
fn result_path(input: &CommandInput, arguments: &Arguments, format: Option<Format>) -> PathBuf {
    match (&arguments.output, input) {
        (Some(output), _) => output.clone(),
        (None, CommandInput::Stdin) => PathBuf::from("-"),
        (None, CommandInput::File { path, relative }) => {
            let format = format.or_else(|| input.sniff().map(Format::answered_as));
            match &arguments.out_dir {
                Some(folder) => folder.join(renamed(relative, "", format)),
                None => renamed(path, &format!(".{RESTORED_MARK}"), format),
            }
        }
    }
}

/// Returns `path` with `mark` after its stem and the extension of `format`. An extension that fits the format stays
/// (`.jpeg` does not become `.jpg`). An extension that is not a picture's is part of the stem (`box.2024`).
fn renamed(path: &Path, mark: &str, format: Option<Format>) -> PathBuf {
    let known = path.extension().filter(|e| e.to_str().and_then(Format::from_extension).is_some());
    let mut name = match known {
        Some(_) => path.file_stem(),
        None => path.file_name(),
    }
    .unwrap_or_default()
    .to_owned();
    name.push(mark);
    let fits = |kept: &OsStr| {
        format.is_none_or(|format| kept.to_str().and_then(Format::from_extension) == Some(format))
    };
    match (known.filter(|kept| fits(kept)), format) {
        (Some(kept), _) => {
            name.push(".");
            name.push(kept);
        }
        (None, Some(format)) => name.push(format!(".{}", format.extension())),
        (None, None) => {}
    }
    path.with_file_name(name)
}

/// Checks the file for receipts before any work: it must be writable, and must not be an input or a result.
fn check_receipt(planned: &[InputWithOutput], arguments: &Arguments) -> Result<()> {
    let Some(receipt) = arguments.receipt.as_deref() else { return Ok(()) };
    if is_stdout(Some(receipt)) && writes_to_stdout(planned) {
        return Err(usage("the picture and --receipt - cannot share standard output"));
    }
    let results = planned.iter().filter_map(|planned| planned.path.as_ref().ok());
    if !is_stdout(Some(receipt)) && results.map(|path| place(path)).any(|result| result == place(receipt)) {
        return Err(usage(format_args!("--receipt {} is also an output of this command", receipt.display())));
    }
    let inputs: Vec<PathBuf> = planned.iter().filter_map(|planned| planned.input.place()).collect();
    check_results(&[("--receipt", receipt)], &inputs, arguments.force)
}

fn writes_to_stdout(planned: &[InputWithOutput]) -> bool {
    planned.iter().any(|planned| is_stdout(planned.path.as_deref().ok()))
}

/// Restores one picture on its own.
pub(super) fn restore_one(planned: &InputWithOutput, options: &SharedOptions) -> Result<(PathBuf, Receipt)> {
    // A picture that cannot be written is refused before it is read.
    let path = planned.path.clone().map_err(anyhow::Error::msg)?;
    if options.stream.begins_with(&planned.input, &options.limits) {
        return Err(InParts.into());
    }
    let bytes = planned.input.read(&options.limits)?;
    let restored = restore(&bytes, &options.request, options.predictor, &options.limits, &mut Watch::none());
    let is_too_large = matches!(
        restored,
        Err(RestoreError::Decode(DecodeError::TooManyPixels { .. } | DecodeError::TooMuchMemory { .. }))
    );
    if is_too_large && options.stream.takes(&planned.input) {
        return Err(InParts.into());
    }
    let Restored { bytes, receipt } = restored.map_err(explain)?;
    store_restored(&planned.input, &path, &bytes, &receipt, options.force)?;
    Ok((path, receipt))
}

/// Restores a TIFF in parts, from file to file.
fn restore_in_parts(planned: &InputWithOutput, options: &SharedOptions) -> Result<(PathBuf, Receipt)> {
    let path = planned.path.clone().map_err(anyhow::Error::msg)?;
    let CommandInput::File { path: input, .. } = &planned.input else {
        return Err(anyhow!("a picture from standard input is not restored in parts"));
    };
    if is_stdout(Some(&path)) {
        return Err(anyhow!(
            "a picture that is restored in parts is written to a file; name it with -o FILE"
        ));
    }
    // The result may take the place of the input, so the facts are read before.
    let facts = picture_file::FileFacts::of(input);
    let receipt = streamed_file::restore(input, &path, options.force, |source, target| {
        let (request, limits) = (&options.request, &options.stream.limits);
        restore_streamed(source, target, request, options.predictor, limits, &mut Watch::none())
    })?;
    give_facts(&planned.input, &path, facts.filter(|_| receipt.output.route == Route::InputBytes));
    Ok((path, receipt))
}

/// Writes a result. A copy of the input's own bytes gets its times and its mode too, so that nothing tells it from the input.
pub(super) fn store_restored(
    input: &CommandInput,
    path: &Path,
    bytes: &[u8],
    receipt: &Receipt,
    force: bool,
) -> Result<()> {
    let facts = copied_facts(input, path, receipt);
    store(path, bytes, force)?;
    give_facts(input, path, facts);
    Ok(())
}

/// The times and the mode of the input, if the result is a copy of it.
fn copied_facts(input: &CommandInput, path: &Path, receipt: &Receipt) -> Option<picture_file::FileFacts> {
    let is_copy = receipt.output.route == Route::InputBytes && !is_stdout(Some(path));
    match input {
        CommandInput::File { path, .. } if is_copy => picture_file::FileFacts::of(path),
        _ => None,
    }
}

/// Gives a result the times and the mode of its input.
fn give_facts(input: &CommandInput, path: &Path, facts: Option<picture_file::FileFacts>) {
    if let Some(Err(error)) = facts.map(|facts| facts.give_to(path)) {
        output::tell(format_args!("{}: not kept: the times and the mode of the file: {error}", input.name()));
    }
}

/// Lets a service restore the pictures, as one roll if `together`. Returns the outcomes in the order of `planned`.
fn restore_by_service(
    (server, together): (&str, bool),
    planned: &[InputWithOutput],
    options: &SharedOptions,
    bar: &dyn Fn(),
) -> Vec<RestoreOutcome> {
    let mut outcomes: Vec<Option<RestoreOutcome>> = planned.iter().map(|_| None).collect();
    let mut inputs = Vec::new();
    for (index, InputWithOutput { input, path }) in planned.iter().enumerate() {
        match path {
            Ok(_) => inputs.push((index, input.clone())),
            Err(reason) => outcomes[index] = Some(Err(anyhow!("{reason}"))),
        }
    }
    let remote = RemoteRequest { server, request: &options.request, limits: options.limits, together };
    let mut done = |index: usize, result: Result<RemoteResult>| {
        bar();
        outcomes[index] = Some(result.and_then(|RemoteResult { bytes, receipt }| {
            let path = planned[index].path.clone().map_err(anyhow::Error::msg)?;
            store_restored(&planned[index].input, &path, &bytes, &receipt, options.force)?;
            Ok((path, receipt))
        }));
        Ok(())
    };
    let ended = if inputs.is_empty() { Ok(()) } else { restore_remotely(&remote, &inputs, &mut done) };
    let missing = match &ended {
        Ok(()) => "the service gave no answer to this picture".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(anyhow!("{missing}")))).collect()
}

/// Returns the error for people. Where a limit was exceeded, the message names the setting.
pub(super) fn explain(error: RestoreError) -> anyhow::Error {
    match error {
        RestoreError::Decode(error) => picture_file::explain(error),
        RestoreError::Encode(error) => picture_file::explain_output(error),
        RestoreError::Page { page, error } => anyhow!("page {page}: {:#}", explain(*error)),
        other => other.into(),
    }
}

/// Returns the line that is printed for a restored picture: paths, parameters and the model; the number of pages if there are several.
fn said(input: &CommandInput, path: &Path, receipt: &Receipt) -> String {
    let parameters = &receipt.parameters;
    let what = match parameters.checked() {
        _ if !receipt.pages.is_empty() => {
            let (pages, untouched) = (receipt.pages.len(), receipt.n_untouched());
            format!("{pages} pages, {untouched} untouched")
        }
        Ok(parameters) if parameters.is_identity() => "untouched".to_owned(),
        _ => {
            let denoise = match parameters.denoise {
                0.0 => String::new(),
                denoise => format!(", denoise {denoise}"),
            };
            let (color, sigma, strength) = (parameters.color_method, parameters.sigma, parameters.strength);
            let tone = if parameters.tone.is_auto() { "" } else { ", tone kept" };
            format!("color {color}{tone}{denoise}, sigma {sigma}, strength {strength}")
        }
    };
    let again = if receipt.output.reencoded { ", reencoded" } else { "" };
    let rounded = if receipt.rounds_to_8_bits() { ", 16 bits rounded to 8" } else { "" };
    let by = match &receipt.model {
        Some(model) => format!("by {}", model.id),
        None if receipt.is_unpredictable() => "not predicted".to_owned(),
        None => "given".to_owned(),
    };
    format!("{} -> {}  {what}{again}{rounded} ({by})", input.name(), path.display())
}
