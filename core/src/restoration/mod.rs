//! The story of one request, read top-down: bytes → decoded image → features → predicted parameters → restored
//! image → bytes and receipt. And its replay, which predicts nothing.

pub mod receipt;

use std::borrow::Cow;

use thiserror::Error;

use self::receipt::{Output, RECEIPT_VERSION, Receipt, Route};

use crate::{
    features::{FeatureError, Features, Look},
    imaging::{
        ParameterError, RestorationParameters,
        codec::{self, DecodeError, EncodeError, Encoding, Format, Header, Limits, MetadataPolicy, Picture},
        operators::color_transform::ColorTransform,
        pipeline::{self, Coefficients, CoefficientsError},
    },
    models::{
        classic::PredictError,
        predictor::{Prediction, Predictor, RequestedParameters},
    },
};

/// What the caller wants; everything may be left open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Parameters that are not to be predicted.
    pub parameters: RequestedParameters,
    /// What to write; the input's format if open.
    pub format: Option<Format>,
    /// Quality of lossy formats, 1–100; lossless formats ignore it.
    pub quality: Option<u8>,
    /// Keep or strip metadata.
    pub metadata: MetadataPolicy,
    /// Whether the receipt is to be kept.
    pub record: Record,
}

/// What a receipt is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// To be replayed: with every digest.
    #[default]
    Kept,
    /// To be sent beside the picture: with the digests of bytes, and of pixels unless the input's own bytes are the
    /// answer, whose pixels need not be decoded.
    Sent,
    /// To tell what was done and be dropped: without digests, which cost half as much as encoding. Such a receipt
    /// replays nothing, since no input has its digest.
    Told,
}

impl Record {
    /// The digest of bytes that `of` computes, if it is wanted, else nothing.
    fn digest(self, of: impl FnOnce() -> String) -> String {
        match self {
            Record::Kept | Record::Sent => of(),
            Record::Told => String::new(),
        }
    }

    /// Alike of the pixels of an answer by `route`.
    fn pixels_digest(self, route: Route, of: impl FnOnce() -> String) -> String {
        match (self, route) {
            (Record::Sent, Route::InputBytes) => String::new(),
            _ => self.digest(of),
        }
    }
}

/// The steps of a restoration, told to the caller's hook as each begins; the shell takes the times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes to the fewer pixels that features need; only of large JPEGs.
    Look,
    /// Bytes to pixels.
    Decode,
    /// Pixels to features.
    Features,
    /// Features to parameters.
    Predict,
    /// Pixels to restored pixels.
    Restore,
    /// Pixels to bytes.
    Encode,
}

impl Stage {
    /// The name in `Server-Timing` and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Look => "look",
            Stage::Decode => "decode",
            Stage::Features => "features",
            Stage::Predict => "predict",
            Stage::Restore => "restore",
            Stage::Encode => "encode",
        }
    }
}

/// A restored picture with its receipt.
#[derive(Clone, Debug)]
pub struct Restored<'a> {
    /// The encoded picture; the input itself when its bytes are the answer.
    pub bytes: Cow<'a, [u8]>,
    /// How to make it again.
    pub receipt: Receipt,
}

/// What was seen and would be done, without doing it.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Width in pixels as displayed.
    pub width: usize,
    /// Height in pixels as displayed.
    pub height: usize,
    /// The input's format.
    pub format: Format,
    /// The features that the model predicts from.
    pub features: Features,
    /// What the model makes of them.
    pub prediction: Prediction,
}

/// A picture cannot be restored.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The input is not accepted.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The input has no features to predict from.
    #[error("{0}; give color, sigma and strength to restore it without a prediction")]
    Features(#[from] FeatureError),
    /// The model cannot predict.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The output cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// A receipt cannot be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// Not a receipt of a layout that this release knows.
    #[error(
        "the receipt is of version {got}, made by {program}; this release replays version {RECEIPT_VERSION}"
    )]
    Version {
        /// Version of the receipt.
        got: u32,
        /// Who wrote it.
        program: String,
    },
    /// Operators that this release does not have.
    #[error(
        "the receipt's method {got:?}, made by {program}, is unknown to this release or not for its parameters"
    )]
    Method {
        /// Method of the receipt.
        got: String,
        /// Who wrote it.
        program: String,
    },
    /// The picture is not the receipt's input.
    #[error("the input's SHA-256 is {got}, the receipt is for {expected}")]
    Input {
        /// Digest of the given bytes.
        got: String,
        /// Digest in the receipt.
        expected: String,
    },
    /// Parameters out of range.
    #[error("the receipt's parameters: {0}")]
    Parameters(#[from] ParameterError),
    /// Coefficients that cannot belong to the picture.
    #[error("the receipt's coefficients: {0}")]
    Coefficients(#[from] CoefficientsError),
    /// The output could not be made as recorded.
    #[error("the receipt's output route does not fit the picture and format")]
    Route,
    /// What came out is not what is recorded.
    #[error("the replay by {here} gives other {what} than the receipt of {program} records")]
    Differs {
        /// `pixels`, `bytes` or `facts of the output`.
        what: &'static str,
        /// This program.
        here: String,
        /// Who wrote the receipt.
        program: String,
    },
    /// Decoding or encoding failed.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

/// Restores the picture in `bytes`.
///
/// Parameters that `request` leaves open are predicted, from as many pixels as their features need. Where nothing is to be
/// done and no receipt is kept, the rest is never decoded. `hook` is told of each stage as it begins. Memory: the decoded
/// samples (checked against `limits` before decoding), 9 bytes per pixel while extracting the features of the seed schema,
/// a few rows per thread while restoring, and the encoded bytes. The same input gives the same bytes.
///
/// # Errors
/// When the input is refused, too small to predict for, or cannot be written as asked.
pub fn restore<'a>(
    bytes: &'a [u8],
    request: &Request,
    predictor: &Predictor,
    limits: &Limits,
    hook: &mut dyn FnMut(Stage),
) -> Result<Restored<'a>, RestoreError> {
    predictor.check(&request.parameters)?;
    let (look, prediction, parameters) = match request.parameters.complete() {
        Some(parameters) => (None, None, parameters),
        None => {
            let (look, features, prediction) = foresee(bytes, &request.parameters, predictor, limits, hook)?;
            (Some(look), Some((features, prediction)), prediction.parameters)
        }
    };
    let transform = prediction.as_ref().and_then(|(_, prediction)| prediction.transform.as_ref());
    let kept = look.as_ref().and_then(|look| keep_input(bytes, look, &parameters, request, hook));
    let Made { input, coefficients, bytes, output } = match kept {
        Some(kept) => kept,
        None => {
            let whole = look.and_then(Look::whole);
            let picture = whole.map_or_else(|| decode(bytes, limits, hook), Ok)?;
            make(bytes, picture, &parameters, transform, request, hook)?
        }
    };
    let receipt = Receipt {
        receipt_version: RECEIPT_VERSION,
        program: receipt::program(),
        input,
        output,
        method: receipt::method(&parameters).to_owned(),
        parameters: (&parameters).into(),
        coefficients,
        features: prediction.as_ref().map(|(features, _)| features.into()),
        model: prediction.as_ref().map(|(_, prediction)| model_of(predictor, prediction)),
        predicted_gain: prediction.as_ref().and_then(|(_, p)| p.expected).map(|expected| expected.score),
    };
    Ok(Restored { bytes, receipt })
}

/// What a restoration made, for its receipt.
struct Made<'a> {
    input: receipt::Input,
    coefficients: Coefficients,
    bytes: Cow<'a, [u8]>,
    output: Output,
}

/// The input as its own answer, if it is and nobody wants to know more of its pixels.
fn keep_input<'a>(
    bytes: &'a [u8],
    look: &Look,
    parameters: &RestorationParameters,
    request: &Request,
    hook: &mut dyn FnMut(Stage),
) -> Option<Made<'a>> {
    let plan = plan_output(look.header(), parameters, request);
    if plan.route != Route::InputBytes || request.record == Record::Kept {
        return None;
    }
    hook(Stage::Encode);
    let sha256 = request.record.digest(|| receipt::digest(bytes));
    let input = receipt::Input {
        sha256: sha256.clone(),
        size_bytes: bytes.len() as u64,
        format: look.header().format,
    };
    let output = plan.output(bytes, look.size(), parameters, sha256, String::new());
    Some(Made { input, coefficients: Coefficients::default(), bytes: Cow::Borrowed(bytes), output })
}

fn decode(bytes: &[u8], limits: &Limits, hook: &mut dyn FnMut(Stage)) -> Result<Picture, DecodeError> {
    hook(Stage::Decode);
    codec::decode(bytes, limits)
}

/// Measures, applies and encodes.
fn make<'a>(
    bytes: &'a [u8],
    picture: Picture,
    parameters: &RestorationParameters,
    transform: Option<&ColorTransform>,
    request: &Request,
    hook: &mut dyn FnMut(Stage),
) -> Result<Made<'a>, RestoreError> {
    hook(Stage::Restore);
    let measure = || pipeline::measure(&picture.image, parameters, transform);
    let (coefficients, sha256) = rayon::join(measure, || request.record.digest(|| receipt::digest(bytes)));
    let input = receipt::Input { sha256, size_bytes: bytes.len() as u64, format: picture.header.format };
    let plan = plan_output(&picture.header, parameters, request);
    let (bytes, output) = render(bytes, picture, parameters, &coefficients, &plan, hook)?;
    Ok(Made { input, coefficients, bytes, output })
}

/// Applies what `receipt` records to its input, and checks that the same came out.
///
/// # Errors
/// When the receipt is of another version, for another input, impossible, or does not reproduce.
pub fn replay<'a>(
    receipt: &Receipt,
    bytes: &'a [u8],
    limits: &Limits,
    hook: &mut dyn FnMut(Stage),
) -> Result<Restored<'a>, ReplayError> {
    let program = || receipt.program.clone();
    if receipt.receipt_version != RECEIPT_VERSION {
        return Err(ReplayError::Version { got: receipt.receipt_version, program: program() });
    }
    let method = || ReplayError::Method { got: receipt.method.clone(), program: program() };
    if ![receipt::METHOD, receipt::METHOD_WITH_DENOISE].contains(&receipt.method.as_str()) {
        return Err(method());
    }
    let got = receipt::digest(bytes);
    if got != receipt.input.sha256 {
        return Err(ReplayError::Input { got, expected: receipt.input.sha256.clone() });
    }
    let parameters = receipt.parameters.checked()?;
    if receipt.method != receipt::method(&parameters) {
        return Err(method());
    }
    let picture = decode(bytes, limits, hook).map_err(RestoreError::from)?;
    receipt.coefficients.check(&picture.image, &parameters)?;
    let recorded = &receipt.output;
    let plan = OutputPlan {
        route: recorded.route,
        record: Record::Kept,
        metadata: recorded.metadata,
        encoding: Encoding {
            format: recorded.format,
            quality: recorded.quality,
            subsampling: recorded.subsampling,
            lossless: recorded.lossless,
        },
    };
    let keeps_input = plan.route != Route::Encoded;
    let fits = parameters.is_identity() && recorded.format == picture.header.format;
    let rewritten = plan.route == Route::InputPixels;
    if (keeps_input && !fits) || (rewritten && !rewrites_containers(recorded.format)) {
        return Err(ReplayError::Route);
    }
    hook(Stage::Restore);
    let (bytes, output) = render(bytes, picture, &parameters, &receipt.coefficients, &plan, hook)?;
    if output.pixels_sha256 != recorded.pixels_sha256 {
        return Err(ReplayError::Differs { what: "pixels", here: receipt::program(), program: program() });
    }
    // A later release or another encoder may give other bytes for the same pixels; the same ones do everything again.
    let is_replaced = recorded.encoder.as_deref().is_some_and(codec::is_replaced_encoder);
    if receipt.program == receipt::program() && !is_replaced {
        let what = if output.sha256 != recorded.sha256 { "bytes" } else { "facts of the output" };
        if output != *recorded {
            return Err(ReplayError::Differs { what, here: receipt::program(), program: program() });
        }
    }
    Ok(Restored { bytes, receipt: Receipt { output, ..receipt.clone() } })
}

/// Features and prediction of the picture in `bytes`, without restoring it.
///
/// # Errors
/// When the input is refused or too small.
pub fn analyze(
    bytes: &[u8],
    requested: &RequestedParameters,
    predictor: &Predictor,
    limits: &Limits,
    hook: &mut dyn FnMut(Stage),
) -> Result<Analysis, RestoreError> {
    predictor.check(requested)?;
    let (look, features, prediction) = foresee(bytes, requested, predictor, limits, hook)?;
    let (width, height) = look.size();
    Ok(Analysis { width, height, format: look.header().format, features, prediction })
}

/// Looks at a picture: what there is to see and what the model makes of it.
fn foresee(
    bytes: &[u8],
    requested: &RequestedParameters,
    predictor: &Predictor,
    limits: &Limits,
    hook: &mut dyn FnMut(Stage),
) -> Result<(Look, Features, Prediction), RestoreError> {
    let begin = |is_reduced| hook(if is_reduced { Stage::Look } else { Stage::Decode });
    let look = Look::decode(bytes, limits, predictor.schema(), begin)?;
    hook(Stage::Features);
    let features = look.features()?;
    hook(Stage::Predict);
    let prediction = predictor.predict(&features, look.size(), requested)?;
    Ok((look, features, prediction))
}

fn model_of(predictor: &Predictor, prediction: &Prediction) -> receipt::Model {
    receipt::Model {
        id: predictor.id().to_owned(),
        sha256: predictor.sha256().to_owned(),
        color: prediction.raw.color,
        sigma: prediction.raw.sigma,
        strength: prediction.raw.strength,
        reason: prediction.reason,
        expected: prediction.expected,
    }
}

/// How the output's bytes will be made.
struct OutputPlan {
    route: Route,
    record: Record,
    metadata: MetadataPolicy,
    encoding: Encoding,
}

impl OutputPlan {
    /// The record of `encoded`, a picture of `width × height` px that was made by this plan.
    fn output(
        &self,
        encoded: &[u8],
        (width, height): (usize, usize),
        parameters: &RestorationParameters,
        sha256: String,
        pixels_sha256: String,
    ) -> Output {
        let Encoding { format, quality, subsampling, lossless } = self.encoding;
        let newly = self.route == Route::Encoded;
        Output {
            sha256,
            pixels_sha256,
            size_bytes: encoded.len() as u64,
            width,
            height,
            format,
            route: self.route,
            quality,
            subsampling,
            lossless,
            encoder: newly.then(|| codec::encoder_version(format).to_owned()),
            metadata: self.metadata,
            reencoded: newly && parameters.is_identity() && !lossless,
        }
    }
}

/// Untouched pixels in their own format keep their coded form; everything else is encoded, as the input was where
/// the format is the same.
fn plan_output(header: &Header, parameters: &RestorationParameters, request: &Request) -> OutputPlan {
    let format = request.format.unwrap_or(header.format);
    let untouched = parameters.is_identity();
    let route = match (untouched && format == header.format && request.quality.is_none(), request.metadata) {
        (true, MetadataPolicy::Keep) => Route::InputBytes,
        (true, MetadataPolicy::Strip) if rewrites_containers(format) => Route::InputPixels,
        _ => Route::Encoded,
    };
    // WebP can be either: it stays what the input was, and untouched pixels are only lost by request.
    let lossless = match format {
        Format::Jpeg => false,
        Format::WebP => request.quality.is_none() && (untouched || header.lossless),
        Format::Png | Format::Tiff | Format::Bmp => true,
    };
    let quality =
        (!lossless && route == Route::Encoded).then(|| request.quality.unwrap_or(codec::QUALITY_DEFAULT));
    let subsampling = match format {
        Format::Jpeg => Some(header.jpeg_subsampling.unwrap_or(codec::Subsampling::S444)),
        _ => None,
    };
    OutputPlan {
        route,
        record: request.record,
        metadata: request.metadata,
        encoding: Encoding { format, quality, subsampling, lossless },
    }
}

/// Formats whose metadata can be rewritten around the coded pixels; the others are lossless and encoded anew.
fn rewrites_containers(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Png | Format::WebP)
}

/// Applies the operators and makes the output's bytes as planned.
fn render<'a>(
    bytes: &'a [u8],
    picture: Picture,
    parameters: &RestorationParameters,
    coefficients: &Coefficients,
    plan: &OutputPlan,
    hook: &mut dyn FnMut(Stage),
) -> Result<(Cow<'a, [u8]>, Output), RestoreError> {
    let image = pipeline::apply(picture.image, parameters, coefficients);
    hook(Stage::Encode);
    let metadata = picture.metadata.under(plan.metadata);
    let encoding = &plan.encoding;
    let encode = || match plan.route {
        Route::InputBytes => Ok(Cow::Borrowed(bytes)),
        Route::InputPixels => match codec::replace_metadata(bytes, &metadata) {
            Some(rewritten) => rewritten.map(Cow::Owned),
            None => Ok(Cow::Borrowed(bytes)),
        },
        Route::Encoded => codec::encode(&image, &metadata, encoding).map(Cow::Owned),
    };
    // The digest takes as long as half of encoding: another thread does it meanwhile, if one is free.
    let pixels_digest = || plan.record.pixels_digest(plan.route, || receipt::pixels_digest(&image));
    let (encoded, pixels_sha256) = rayon::join(encode, pixels_digest);
    let encoded = encoded?;
    let sha256 = plan.record.digest(|| receipt::digest(&encoded));
    let output = plan.output(&encoded, (image.width(), image.height()), parameters, sha256, pixels_sha256);
    Ok((encoded, output))
}
