//! Restores big TIFFs from file to file. Neither the file nor the picture is ever held whole.
//!
//! ```text
//! first pass    every strip or tile → reduced picture for the features, histograms, thumbnail
//! prediction    features → parameters; histograms and thumbnail → coefficients
//! second pass   every strip or tile → colour correction → unsharp mask → strips of the output
//! ```
//!
//! Features, decision, coefficients and samples are those of [`restore`](super::restore()), to the bit. What takes the whole
//! picture is refused by its name: denoising, features of schema seed, transparent places, turning.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    error::{ReplayError, RestoreError},
    note_too_small,
    output::{OutputPlan, Predicted, RenderedOutput, Restoration},
    receipt::{PixelsHash, Receipt, RecordedInput, RecordedOutput, Route, update_deep_until},
    replay::{check_receipt, check_reproduced},
    request::{Record, RestoreRequest, Stage},
    watch::Watch,
};
use crate::{
    cancel::{Cancel, Cancelled},
    digest::{hexadecimal, update_until},
    features::{Schema, measure_until, rich},
    imaging::{
        Channels, ColorMeasurement, ColorSpace, Depth, Image, RestorationParameters, THUMBNAIL_SIDE,
        Thumbnail,
        codec::{
            DecodeError, Format, Header, Notes, ReadAt, STREAMED_TIFF_ENCODER, StreamError, StreamLimits,
            StreamedSample, StreamedTiff, WriteAt,
        },
        color_space::SpaceSample,
        operators::{
            area_resize::{StreamedAverages, rounded},
            color_transform::ColorTransform,
            histogram::{self, Histogram},
        },
        pipeline::{
            Coefficients,
            streamed::{PartSample, Restorer, needs_whole},
        },
    },
    models::{PredictError, predictor::Predictor},
};

/// Bytes for what does not grow with the picture: tables, features of the reduced picture, the model.
const FIXED_BYTES: u64 = 32 << 20;
/// Bytes that are copied or digested at a time.
const COPY_BYTES: usize = 1 << 20;

/// A picture cannot be restored in parts.
#[derive(Debug, Error)]
pub enum StreamedError {
    /// The system could not read the input.
    #[error("reading the picture: {0}")]
    Read(#[source] std::io::Error),
    /// The system could not write the output.
    #[error("writing the picture: {0}")]
    Write(#[source] std::io::Error),
    /// Something takes the whole picture.
    #[error("{what} takes the whole picture, and a picture of this size is restored in parts: {help}")]
    NeedsWhole {
        /// What takes the whole picture, a noun.
        what: String,
        /// What helps.
        help: &'static str,
    },
    /// The reasons of pictures in memory.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The receipt cannot be replayed.
    #[error(transparent)]
    Replay(ReplayError),
}

impl StreamedError {
    /// The error of a replay.
    pub(super) fn into_replay(self) -> ReplayError {
        match self {
            StreamedError::Replay(error) => error,
            StreamedError::Restore(error) => error.into(),
            other => {
                let reason = other.to_string();
                RestoreError::Decode(DecodeError::Broken { format: Format::Tiff, reason }).into()
            }
        }
    }
}

impl From<StreamError> for StreamedError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Read(error) => StreamedError::Read(error),
            StreamError::Write(error) => StreamedError::Write(error),
            StreamError::Decode(error) => StreamedError::Restore(error.into()),
            StreamError::Encode(error) => StreamedError::Restore(error.into()),
            StreamError::Cancelled(cancelled) => StreamedError::Restore(cancelled.into()),
        }
    }
}

impl From<Cancelled> for StreamedError {
    fn from(cancelled: Cancelled) -> Self {
        StreamedError::Restore(cancelled.into())
    }
}

impl From<PredictError> for StreamedError {
    fn from(error: PredictError) -> Self {
        StreamedError::Restore(error.into())
    }
}

impl From<ReplayError> for StreamedError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Restore(error) => StreamedError::Restore(error),
            other => StreamedError::Replay(other),
        }
    }
}

/// Whether the receipt is of a picture that was restored in parts. Its bytes are made again in the same way.
pub fn is_streamed(receipt: &Receipt) -> bool {
    receipt.output.encoder.as_deref() == Some(STREAMED_TIFF_ENCODER)
}

/// Restores the TIFF in `source` and writes a TIFF to `target`, which is empty.
///
/// The result has the pixels, the metadata and the decision of [`restore`](super::restore()) for the same file; strips lie in
/// another order in the file. Samples of 8 and 16 bits, grey or colour, in strips or tiles of any size. A file of 4 GiB or more
/// becomes a BigTIFF. After an error `target` holds half a file.
///
/// Cost: two passes over the file, one if all parameters are given and no colours are measured. Memory: bands of rows and the
/// rows that a blur reaches, at most `limits.working_bytes_max`.
///
/// # Errors
/// When the input is refused, when something takes the whole picture, when a file cannot be read or written, and when `watch`
/// cancels.
pub fn restore_streamed(
    source: &dyn ReadAt,
    target: &mut dyn WriteAt,
    request: &RestoreRequest,
    predictor: &Predictor,
    limits: &StreamLimits,
    watch: &mut Watch,
) -> Result<Receipt, StreamedError> {
    predictor.check(&request.parameters)?;
    check_request(request, predictor)?;
    watch.begin(Stage::Decode)?;
    let tiff = StreamedTiff::open(source, limits)?;
    match tiff.header().depth {
        Depth::Eight => restore_as::<u8>(source, &tiff, target, request, predictor, limits, watch),
        Depth::Sixteen => restore_as::<u16>(source, &tiff, target, request, predictor, limits, watch),
    }
}

/// Refuses what no picture can be streamed for, before the file is read.
fn check_request(request: &RestoreRequest, predictor: &Predictor) -> Result<(), StreamedError> {
    if let Some(format) = request.format.filter(|format| *format != Format::Tiff) {
        let help = "ask for TIFF";
        return Err(StreamedError::NeedsWhole { what: format!("writing a {format}"), help });
    }
    match request.parameters.complete() {
        None if predictor.schema() == Schema::Seed => Err(StreamedError::NeedsWhole {
            what: "a model of the classic kind".to_owned(),
            help: "take the built-in model, or give color, sigma and strength",
        }),
        _ => Ok(()),
    }
}

/// Refuses parameters that take the whole picture or too much memory.
fn check_parameters<S: PartSample + SpaceSample>(
    tiff: &StreamedTiff<'_>,
    parameters: &RestorationParameters,
    limits: &StreamLimits,
) -> Result<(), StreamedError> {
    let Header { width, height, channels, .. } = *tiff.header();
    if let Some(what) = needs_whole((width, height), parameters) {
        let help = "assume=faded leaves denoising and sharpening out, and so do color, sigma and strength if they are given";
        return Err(StreamedError::NeedsWhole { what: what.to_owned(), help });
    }
    let restoring =
        Restorer::<S>::bytes_max((width, height), channels, tiff.space(), parameters, tiff.band_bytes());
    check_memory(tiff, restoring, limits)
}

/// Refuses work that takes too much memory besides reading.
fn check_memory(tiff: &StreamedTiff<'_>, bytes: u64, limits: &StreamLimits) -> Result<(), StreamedError> {
    // Strips that wait to be packed, their copies, and packed ones with the room of their encoder.
    let writing = tiff.band_bytes().saturating_mul(5);
    let needed =
        tiff.working_bytes().saturating_add(bytes).saturating_add(writing).saturating_add(FIXED_BYTES);
    let max = limits.working_bytes_max;
    if needed > max {
        return Err(RestoreError::Decode(DecodeError::TooMuchMemory { needed, max }).into());
    }
    Ok(())
}

fn restore_as<S: StreamedSample + PartSample + SpaceSample + Hashed>(
    source: &dyn ReadAt,
    tiff: &StreamedTiff<'_>,
    target: &mut dyn WriteAt,
    request: &RestoreRequest,
    predictor: &Predictor,
    limits: &StreamLimits,
    watch: &mut Watch,
) -> Result<Receipt, StreamedError> {
    let header = tiff.header();
    let (size, cancel) = ((header.width, header.height), watch.cancel().clone());
    let given = request.parameters.complete();
    if let Some(parameters) = &given {
        check_parameters::<S>(tiff, parameters, limits)?;
    }
    let measures = given.is_none_or(|parameters| parameters.color_method().is_on());
    let mut survey = measures.then(|| Survey::new(header, given.is_none()));
    if let Some(survey) = &survey {
        check_memory(tiff, survey.bytes_max(header), limits)?;
    }
    // Decoding leaves threads idle, so one of them computes the digest of the input at the same time.
    let measure = || match &mut survey {
        Some(survey) => S::each_band(tiff, &cancel, &mut |band: Image<S>| {
            let shown = tiff.space();
            if shown.is_srgb() {
                survey.add(&S::narrowed(band.samples()), &cancel)?;
            } else {
                survey.add(shown.shown_until(&band, &cancel)?.samples(), &cancel)?;
            }
            Ok(())
        }),
        None => Ok(()),
    };
    let digest = || match request.record {
        Record::Kept | Record::Sent => digest_of(source, &cancel),
        Record::WithoutDigests => Ok(String::new()),
    };
    let (measured, sha256) = rayon::join(measure, digest);
    measured?;
    let sha256 = sha256?;

    let mut features = None;
    let mut too_small = false;
    let parameters;
    let mut prediction = None;
    match given {
        Some(given) => parameters = given,
        None => {
            watch.begin(Stage::Features)?;
            let reduced = survey.as_mut().and_then(Survey::take_reduced).ok_or_else(cut)?;
            match measure_until(&reduced, Schema::Rich, &cancel) {
                Ok(measured) => {
                    watch.begin(Stage::Predict)?;
                    let predicted = predictor.predict(&measured, size, &request.parameters)?;
                    parameters = predicted.parameters();
                    (features, prediction) = (Some(measured), Some(predicted));
                }
                Err(_) if request.parameters.is_open() && !cancel.is_cancelled() => {
                    (parameters, too_small) = (RestorationParameters::IDENTITY, true);
                }
                Err(error) => return Err(RestoreError::from(error).into()),
            }
            check_parameters::<S>(tiff, &parameters, limits)?;
        }
    }
    watch.begin(Stage::Restore)?;
    let transform = prediction.as_ref().and_then(|p| p.transform());
    let coefficients = match survey {
        Some(survey) if parameters.color_method().is_on() => {
            survey.coefficients(header, &parameters, transform, &cancel)?
        }
        _ => Coefficients::default(),
    };
    let plan = OutputPlan::new(header, &parameters, request);
    let (record, mut notes) = render::<S>(
        source,
        tiff,
        tiff.space(),
        target,
        &plan,
        &parameters,
        &coefficients,
        request.record,
        &sha256,
        watch,
    )?;
    if too_small {
        note_too_small(&mut notes, size);
    }
    let (format, bits) = (header.format, header.depth.bits());
    let colour_space = (!tiff.space().is_srgb()).then(|| tiff.space().name().to_owned());
    let restoration = Restoration {
        input: RecordedInput { sha256, size_bytes: source.length(), format, bits, colour_space },
        coefficients,
        output: RenderedOutput { bytes: Cow::Borrowed(&[]), record, notes },
        lenient: false,
        page: None,
    };
    let predicted = match (&features, &prediction) {
        (Some(features), Some(prediction)) => Some(Predicted { features, predictor, prediction, roll: None }),
        _ => None,
    };
    Ok(restoration.with_receipt(&parameters, request.parameters.assume(), predicted).receipt)
}

/// The error of a reader that gave too few rows.
fn cut() -> StreamedError {
    let reason = "it has fewer rows than its header says".to_owned();
    RestoreError::Decode(DecodeError::Broken { format: Format::Tiff, reason }).into()
}

/// What the first pass measures.
struct Survey {
    /// The picture for the features.
    reduced: Option<((usize, usize), StreamedAverages<u8>)>,
    channels: Channels,
    thumbnail: StreamedAverages<f64>,
    histograms: Vec<Histogram>,
}

impl Survey {
    fn new(header: &Header, with_features: bool) -> Self {
        let &Header { width, height, channels, .. } = header;
        let (step, from) = (channels.count(), (width, height));
        let n = rich::eighths(width, height);
        let to = ((width * n).div_ceil(8), (height * n).div_ceil(8));
        let cells = (THUMBNAIL_SIDE, THUMBNAIL_SIDE);
        // The mean of a cell, 0–1, divided once as [`Thumbnail::of`] does.
        let mean = |sum: u64, n: u64| sum as f64 / (255.0 * n as f64);
        Self {
            reduced: with_features.then(|| (to, StreamedAverages::new(step, from, to, rounded))),
            channels,
            thumbnail: StreamedAverages::new(step, from, cells, mean),
            histograms: Vec::new(),
        }
    }

    /// Most bytes that measuring takes.
    fn bytes_max(&self, header: &Header) -> u64 {
        let step = header.channels.count() as u64;
        let row = (header.width as u64).saturating_mul(4 * step);
        let sums = row.saturating_mul(2 * (rayon::current_num_threads() as u64 + 2));
        let spans = (header.width as u64).saturating_add(header.height as u64).saturating_mul(40);
        let reduced = self.reduced.as_ref().map_or(0, |((width, height), _)| {
            (*width as u64).saturating_mul(*height as u64).saturating_mul(3 * step)
        });
        sums.saturating_add(spans).saturating_add(reduced)
    }

    /// Adds the next rows.
    fn add(&mut self, samples: &[u8], cancel: &Cancel) -> Result<(), Cancelled> {
        if let Some((_, averages)) = &mut self.reduced {
            averages.add(samples);
        }
        cancel.check()?;
        self.thumbnail.add(samples);
        cancel.check()?;
        let n = self.channels.count();
        let counts = histogram::of_samples(samples, n, cancel)?;
        if self.histograms.is_empty() {
            self.histograms = counts;
        } else {
            self.histograms.iter_mut().zip(&counts).for_each(|(sum, more)| sum.add(more));
        }
        Ok(())
    }

    /// Takes the picture for the features.
    fn take_reduced(&mut self) -> Option<Image> {
        let ((width, height), averages) = self.reduced.take()?;
        Image::new(width, height, self.channels, averages.done()?, None).ok()
    }

    /// The coefficients of the colour correction.
    fn coefficients(
        self,
        header: &Header,
        parameters: &RestorationParameters,
        transform: Option<&ColorTransform>,
        cancel: &Cancel,
    ) -> Result<Coefficients, StreamedError> {
        let cells = self.thumbnail.done().ok_or_else(cut)?;
        let cells = match header.channels.count() {
            1 => cells.into_iter().map(|v| [v; 3]).collect(),
            _ => cells.as_chunks::<3>().0.to_vec(),
        };
        let mut measurement =
            ColorMeasurement::measured(header.channels, self.histograms, &Thumbnail::of_cells(cells));
        Ok(measurement.coefficients_until(parameters.color(), transform, cancel)?)
    }
}

/// Second pass: restores the picture and writes it. Returns the record of the output, and the notes.
#[expect(clippy::too_many_arguments, reason = "the facts of one restoration, used once")]
fn render<S: StreamedSample + PartSample + SpaceSample + Hashed>(
    source: &dyn ReadAt,
    tiff: &StreamedTiff<'_>,
    space: &ColorSpace,
    target: &mut dyn WriteAt,
    plan: &OutputPlan,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    record: Record,
    input_sha256: &str,
    watch: &mut Watch,
) -> Result<(RecordedOutput, Notes), StreamedError> {
    let &Header { width, height, channels, has_alpha, depth, .. } = tiff.header();
    let (size, cancel) = ((width, height), watch.cancel().clone());
    let mut notes = plan.notes(tiff.notes());
    watch.begin(Stage::Encode)?;
    let mut hash = (record == Record::Kept).then(|| PixelsHash::new(size, channels, has_alpha, depth));
    let is_copy = plan.route() == Route::InputBytes;
    let length = if is_copy {
        if let Some(hash) = &mut hash {
            S::each_band(tiff, &cancel, &mut |band: Image<S>| {
                Ok(S::update(hash.hash(), band.samples(), &cancel)?)
            })?;
        }
        copy(source, target, &cancel)?;
        source.length()
    } else {
        let metadata = tiff.written_metadata(plan.metadata(), &mut notes);
        let mut restorer = Restorer::<S>::new(size, channels, space, parameters, coefficients);
        let shape = (width, height, channels, has_alpha);
        S::write(target, &metadata, shape, &cancel, &mut |put| {
            S::each_band(tiff, &cancel, &mut |band: Image<S>| {
                let rows = restorer.push(band.samples(), &cancel)?;
                drop(band);
                if let Some(hash) = &mut hash {
                    S::update(hash.hash(), &rows, &cancel)?;
                }
                put(&rows)
            })
        })?
    };
    let sha256 = match record {
        Record::WithoutDigests => String::new(),
        Record::Kept | Record::Sent if is_copy => input_sha256.to_owned(),
        Record::Kept | Record::Sent => digest_of(&*target, &cancel)?,
    };
    let pixels = hash.map_or(Ok(String::new()), |hash| hash.finish(&cancel))?;
    Ok((plan.streamed_output(length, size, [sha256, pixels]), notes))
}

/// Applies what `receipt` records to the TIFF in `source`, and writes the same bytes to `target` again, which is empty. Predicts
/// and measures nothing.
///
/// Memory and limits are those of [`restore_streamed`]. After an error `target` holds half a file.
///
/// # Errors
/// When the receipt is of another version, for another input, impossible, of a picture that was restored in memory, or does not
/// reproduce. Also the errors of [`restore_streamed`].
pub fn replay_streamed(
    receipt: &Receipt,
    source: &dyn ReadAt,
    target: &mut dyn WriteAt,
    limits: &StreamLimits,
    watch: &mut Watch,
) -> Result<Receipt, StreamedError> {
    if !is_streamed(receipt) && receipt.output.route != Route::InputBytes {
        return Err(StreamedError::NeedsWhole {
            what: "the replay of a picture that was restored in memory".to_owned(),
            help: "it needs the limits with which the receipt was made",
        });
    }
    let sha256 = digest_of(source, watch.cancel())?;
    let parameters = check_receipt(receipt, || Ok(sha256.clone()))?;
    watch.begin(Stage::Decode)?;
    let tiff = StreamedTiff::open(source, limits)?;
    let replay = match tiff.header().depth {
        Depth::Eight => replay_as::<u8>,
        Depth::Sixteen => replay_as::<u16>,
    };
    replay(receipt, (source, &sha256), &tiff, target, &parameters, limits, watch)
}

fn replay_as<S: StreamedSample + PartSample + SpaceSample + Hashed>(
    receipt: &Receipt,
    (source, sha256): (&dyn ReadAt, &str),
    tiff: &StreamedTiff<'_>,
    target: &mut dyn WriteAt,
    parameters: &RestorationParameters,
    limits: &StreamLimits,
    watch: &mut Watch,
) -> Result<Receipt, StreamedError> {
    check_parameters::<S>(tiff, parameters, limits)?;
    let plan = OutputPlan::recorded(&receipt.output, parameters);
    let header = tiff.header();
    if !plan.fits(header) || receipt.output.format != Format::Tiff {
        return Err(ReplayError::Route.into());
    }
    // Only the channels of a picture decide which coefficients fit.
    let pixel = Image::new(1, 1, header.channels, vec![0; header.channels.count()], None);
    let pixel = pixel.map_err(|_| ReplayError::Route)?;
    receipt.coefficients.check(&pixel, parameters).map_err(ReplayError::from)?;
    watch.begin(Stage::Restore)?;
    // Receipts that name no space are of stored samples that were taken for sRGB.
    let space = if receipt.input.colour_space.is_some() { tiff.space() } else { &ColorSpace::SRGB };
    let (record, _) = render::<S>(
        source,
        tiff,
        space,
        target,
        &plan,
        parameters,
        &receipt.coefficients,
        Record::Kept,
        sha256,
        watch,
    )?;
    check_reproduced(&record, header.has_alpha, receipt)?;
    Ok(Receipt { output: record, ..receipt.clone() })
}

/// A type of samples that is digested.
trait Hashed: Sized {
    /// Adds samples to a digest of pixels.
    fn update(hash: &mut Sha256, samples: &[Self], cancel: &Cancel) -> Result<(), Cancelled>;
}

impl Hashed for u8 {
    fn update(hash: &mut Sha256, samples: &[u8], cancel: &Cancel) -> Result<(), Cancelled> {
        update_until(hash, samples, cancel)
    }
}

impl Hashed for u16 {
    fn update(hash: &mut Sha256, samples: &[u16], cancel: &Cancel) -> Result<(), Cancelled> {
        update_deep_until(hash, samples, cancel)
    }
}

/// Calls `take` with the bytes of a file, from the beginning.
fn each_piece<R: ReadAt + ?Sized>(
    source: &R,
    cancel: &Cancel,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), StreamedError>,
) -> Result<(), StreamedError> {
    let (length, mut at) = (source.length(), 0);
    let mut bytes = vec![0; COPY_BYTES.min(usize::try_from(length).unwrap_or(COPY_BYTES))];
    while at < length {
        cancel.check()?;
        let n = (length - at).min(bytes.len() as u64) as usize;
        source.read_at(at, &mut bytes[..n]).map_err(StreamedError::Read)?;
        take(at, &bytes[..n])?;
        at += n as u64;
    }
    Ok(())
}

/// SHA-256 of a file.
fn digest_of<R: ReadAt + ?Sized>(source: &R, cancel: &Cancel) -> Result<String, StreamedError> {
    let mut hash = Sha256::new();
    each_piece(source, cancel, |_, bytes| {
        hash.update(bytes);
        Ok(())
    })?;
    Ok(hexadecimal(&hash.finalize()))
}

fn copy(source: &dyn ReadAt, target: &mut dyn WriteAt, cancel: &Cancel) -> Result<(), StreamedError> {
    each_piece(source, cancel, |at, bytes| target.write_at(at, bytes).map_err(StreamedError::Write))
}
