//! The output of a restoration: which bytes to write, and writing them.
//!
//! Untouched pixels in the format of the input keep their coded form: the input's bytes, or the input's container with
//! other metadata. All other pixels are encoded, with the input's settings if the format stays the same.

use std::{borrow::Cow, num::NonZeroU32};

use super::{
    cost::{self, Cost},
    error::RestoreError,
    input::RestoreInput,
    receipt::{
        self, RECEIPT_VERSION, Receipt, RecordedInput, RecordedModel, RecordedOutput, RecordedRoll, Route,
    },
    request::{Record, RestoreRequest, Stage},
};
use crate::{
    cancel::{Cancel, Cancelled},
    digest::digest_until,
    features::Features,
    imaging::{
        Depth, ImageRef, RestorationParameters,
        codec::{
            self, EncodeError, Encoding, Format, Header, Metadata, MetadataPolicy, NoteKind, Notes, Picture,
        },
        operators::color_transform::ColorTransform,
        pipeline::{self, Coefficients},
    },
    models::{
        Assume,
        predictor::{Prediction, Predictor},
    },
};

/// A restored picture with its receipt.
#[derive(Clone, Debug)]
pub struct Restored<'a> {
    /// The encoded picture. Borrowed from the input if its own bytes are the answer.
    pub bytes: Cow<'a, [u8]>,
    /// The receipt, from which [`replay`](super::replay()) makes the same bytes again.
    pub receipt: Receipt,
}

/// A restoration before its receipt is written.
pub(super) struct Restoration<'a> {
    pub(super) input: RecordedInput,
    pub(super) coefficients: Coefficients,
    pub(super) output: RenderedOutput<'a>,
    /// Whether the limits of decoding were lenient.
    pub(super) lenient: bool,
    /// The page that was restored, of a file with several.
    pub(super) page: Option<NonZeroU32>,
}

/// What the receipt records about a prediction.
pub(super) struct Predicted<'p> {
    pub(super) features: &'p Features,
    pub(super) predictor: &'p Predictor,
    pub(super) prediction: &'p Prediction,
    pub(super) roll: Option<RecordedRoll>,
}

impl<'a> Restoration<'a> {
    /// Adds the receipt. `assume` is that of the request. `predicted` is absent if the caller gave all parameters.
    pub(super) fn with_receipt(
        self,
        parameters: &RestorationParameters,
        assume: Assume,
        predicted: Option<Predicted>,
    ) -> Restored<'a> {
        let Restoration { input, coefficients, output, lenient, page } = self;
        let receipt = Receipt {
            receipt_version: RECEIPT_VERSION,
            program: receipt::program(),
            input,
            output: output.record,
            method: receipt::method(parameters).to_owned(),
            parameters: parameters.into(),
            coefficients,
            features: predicted.as_ref().map(|p| p.features.into()),
            model: predicted.as_ref().map(|p| RecordedModel::new(p.predictor, p.prediction)),
            predicted_gain: predicted.as_ref().and_then(|p| p.prediction.expected_gain()).map(|e| e.score),
            assume,
            lenient,
            page,
            pages: Vec::new(),
            roll: predicted.and_then(|p| p.roll),
            notes: output.notes,
        };
        Restored { bytes: output.bytes, receipt }
    }
}

/// The output's bytes with the receipt's record of them.
pub(super) struct RenderedOutput<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) record: RecordedOutput,
    /// What decoding and encoding noted.
    pub(super) notes: Notes,
}

/// Returns the input's own bytes if they are the answer and the caller does not keep the receipt. Then the picture is
/// not decoded. `size` is width and height as displayed, in pixels; `notes` are those of an earlier look.
pub(super) fn keep_input<'a>(
    input: &mut RestoreInput<'a, '_>,
    (header, size, notes): (&Header, (usize, usize), &Notes),
    parameters: &RestorationParameters,
    request: &RestoreRequest,
) -> Result<Option<Restoration<'a>>, Cancelled> {
    let plan = OutputPlan::new(header, parameters, request);
    if plan.route != Route::InputBytes || request.record == Record::Kept {
        return Ok(None);
    }
    input.begin(Stage::Encode)?;
    let bytes = input.bytes;
    let sha256 = request.record.digest(|| digest_until(bytes, input.cancel()))?;
    let digests = OutputDigests { bytes: sha256.clone(), pixels: String::new() };
    let record = plan.recorded_output(bytes, size, digests);
    Ok(Some(Restoration {
        input: input.recorded(header, sha256),
        coefficients: Coefficients::default(),
        output: RenderedOutput { bytes: Cow::Borrowed(bytes), record, notes: plan.notes(notes) },
        lenient: input.limits.lenient,
        page: request.page,
    }))
}

/// Measures the operators' coefficients, applies the operators and encodes.
///
/// `transform` is the predicted one of a learned colour correction.
pub(super) fn restore_pixels<'a>(
    input: &mut RestoreInput<'a, '_>,
    picture: Picture,
    parameters: &RestorationParameters,
    transform: Option<&ColorTransform>,
    request: &RestoreRequest,
) -> Result<Restoration<'a>, RestoreError> {
    input.begin(Stage::Restore)?;
    let bytes = input.bytes;
    // Measuring leaves threads idle, so one of them computes the digest of the input at the same time.
    let cancel = input.cancel();
    let Picture { image, deep, space, .. } = &picture;
    let measure = || pipeline::measure_in_until(space, image, deep.as_ref(), parameters, transform, cancel);
    let known = input.sha256.as_ref();
    let compute = || known.map_or_else(|| digest_until(bytes, cancel), |known| Ok(known.clone()));
    let sha256 = || request.record.digest(compute);
    let (coefficients, sha256) = rayon::join(measure, sha256);
    let (coefficients, sha256) = (coefficients?, sha256?);
    let recorded = RecordedInput {
        colour_space: (!picture.space.is_srgb()).then(|| picture.space.name().to_owned()),
        ..input.recorded(&picture.header, sha256)
    };
    let plan = OutputPlan::new(&picture.header, parameters, request);
    let output = plan.render(input, picture, parameters, &coefficients)?;
    let lenient = input.limits.lenient;
    Ok(Restoration { input: recorded, coefficients, output, lenient, page: request.page })
}

/// Plan for making the output's bytes.
pub(super) struct OutputPlan {
    route: Route,
    /// Whether the parameters leave every pixel unchanged.
    is_untouched: bool,
    record: Record,
    metadata: MetadataPolicy,
    encoding: Encoding,
    /// Bits per sample of the output.
    depth: Depth,
    /// Version of the rules by which alpha weighs.
    alpha_version: u32,
}

/// The input's bytes, the length that the output may have, and the flag that stops encoding.
struct EncodeSource<'a, 'c> {
    bytes: &'a [u8],
    bytes_max: u64,
    cancel: &'c Cancel,
}

/// The digests of an output; empty where the record needs none.
struct OutputDigests {
    bytes: String,
    pixels: String,
}

impl OutputPlan {
    /// Plans the output of a picture with this `header`.
    pub(super) fn new(header: &Header, parameters: &RestorationParameters, request: &RestoreRequest) -> Self {
        // A format that is only read is answered as PNG, untouched pixels too, so that the name of the file is known before.
        let format = request.format.unwrap_or(header.format).answered_as();
        let is_untouched = parameters.is_identity();
        // The input's bytes have the other pages too.
        let is_whole = request.page.is_none();
        let keeps_pixels = is_untouched && is_whole && format == header.format && request.quality.is_none();
        let route = match (keeps_pixels, request.metadata) {
            (true, MetadataPolicy::Keep) => Route::InputBytes,
            (true, MetadataPolicy::Strip) if rewrites_containers(format) => Route::InputPixels,
            _ => Route::Encoded,
        };
        // WebP can be lossless or lossy. If the request names a quality, the output is lossy. Otherwise untouched
        // pixels, and those of a lossless input, are written losslessly.
        let lossless = match format {
            Format::Jpeg => false,
            Format::WebP => request.quality.is_none() && (is_untouched || header.lossless),
            Format::Avif => false,
            Format::Png | Format::Tiff | Format::Bmp | Format::Jxl | Format::Gif | Format::Jp2 => true,
        };
        let quality =
            (!lossless && route == Route::Encoded).then(|| request.quality.unwrap_or(codec::QUALITY_DEFAULT));
        let subsampling = match format {
            Format::Jpeg => Some(header.jpeg_subsampling.unwrap_or(codec::Subsampling::S444)),
            _ => None,
        };
        let encoding = Encoding { format, quality, subsampling, lossless };
        let depth = header.depth.min(format.depth_max());
        let alpha_version = if header.has_alpha { receipt::ALPHA_VERSION } else { receipt::ALPHA_IGNORED };
        let (record, metadata) = (request.record, request.metadata);
        Self { route, is_untouched, record, metadata, encoding, depth, alpha_version }
    }

    /// The plan by which a recorded output was made.
    pub(super) fn recorded(output: &RecordedOutput, parameters: &RestorationParameters) -> Self {
        let &RecordedOutput {
            route,
            format,
            bits,
            quality,
            subsampling,
            lossless,
            metadata,
            alpha_version,
            ..
        } = output;
        let encoding = Encoding { format, quality, subsampling, lossless };
        let depth = if bits == Depth::Sixteen.bits() { Depth::Sixteen } else { Depth::Eight };
        let is_untouched = parameters.is_identity();
        Self { route, is_untouched, record: Record::Kept, metadata, encoding, depth, alpha_version }
    }

    /// Bits per sample of the output.
    pub(super) fn depth(&self) -> Depth {
        self.depth
    }

    /// Whether the route can be taken for an input with this `header`.
    pub(super) fn fits(&self, header: &Header) -> bool {
        let keeps_pixels = self.is_untouched && self.encoding.format == header.format;
        if self.depth != header.depth.min(self.encoding.format.depth_max()) {
            return false;
        }
        match self.route {
            Route::InputBytes => keeps_pixels,
            Route::InputPixels => keeps_pixels && rewrites_containers(self.encoding.format),
            Route::Encoded => true,
        }
    }

    /// What making the output's bytes takes beyond the samples, and their length.
    pub(super) fn cost(&self, header: &Header, input_bytes: u64) -> Cost {
        match self.route {
            Route::InputBytes => Cost::default(),
            Route::InputPixels => cost::of_rewriting(header, input_bytes, self.metadata),
            Route::Encoded => cost::of_encoding(header, &self.encoding, self.depth, self.metadata),
        }
    }

    /// Refuses an output that is too long, if its length is known from the header. Nothing is decoded.
    pub(super) fn check_length(&self, input: &RestoreInput) -> Result<(), RestoreError> {
        if self.encoding.format != Format::Bmp || self.route != Route::Encoded {
            return Ok(());
        }
        let header = codec::probe(input.bytes, input.limits)?;
        let turned = [(header.width, header.height), (header.height, header.width)];
        let length =
            |size| codec::encoded_bytes(self.encoding.format, size, header.channels, header.has_alpha);
        // The header does not say whether the picture will be turned, so the shorter one of both counts.
        let got = turned.into_iter().filter_map(length).min().unwrap_or(0);
        Ok(codec::check_length(got, input.limits.output_bytes_max)?)
    }

    /// Applies the operators and makes the output's bytes.
    pub(super) fn render<'a>(
        &self,
        input: &mut RestoreInput<'a, '_>,
        picture: Picture,
        parameters: &RestorationParameters,
        coefficients: &Coefficients,
    ) -> Result<RenderedOutput<'a>, RestoreError> {
        let metadata = picture.metadata.under(self.metadata);
        let mut notes = self.notes(&picture.notes);
        let own = picture.header.format;
        if !own.is_written() && self.encoding.format == Format::Png {
            notes
                .add(NoteKind::Converted, format_args!("the format: {own} is not written, so this is a PNG"));
        }
        if self.metadata == MetadataPolicy::Strip && picture.metadata.video.is_some() {
            notes.add(NoteKind::LeftOut, "the video of a motion photo: stripping leaves it out");
        }
        let space = picture.space;
        if let Some(own) = picture.own {
            // What it shows has served its purpose.
            drop(picture.image);
            let own = pipeline::apply_in_until(&space, own, parameters, coefficients, input.cancel())?;
            return self.write(input, (&own).into(), &metadata, notes);
        }
        let Some(deep) = picture.deep else {
            let apply = match self.alpha_version {
                receipt::ALPHA_IGNORED => pipeline::apply_ignoring_alpha_until,
                _ => pipeline::apply_until,
            };
            let image = apply(picture.image, parameters, coefficients, input.cancel())?;
            return self.write(input, (&image).into(), &metadata, notes);
        };
        // What was rounded to 8 bits has served its purpose. Its memory is given back before operators take theirs.
        drop(picture.image);
        let cancel = input.cancel();
        let deep = match self.alpha_version {
            // Receipts from before alpha weighed know no space but sRGB.
            _ if !space.is_srgb() => {
                pipeline::apply_in_until(&space, deep, parameters, coefficients, cancel)?
            }
            receipt::ALPHA_IGNORED => {
                pipeline::apply_deep_ignoring_alpha_until(deep, parameters, coefficients, cancel)?
            }
            _ => pipeline::apply_deep_until(deep, parameters, coefficients, cancel)?,
        };
        match self.depth {
            Depth::Sixteen => self.write(input, (&deep).into(), &metadata, notes),
            Depth::Eight => {
                let narrowed = deep.narrowed_until(input.cancel())?;
                drop(deep);
                self.write(input, (&narrowed).into(), &metadata, notes)
            }
        }
    }

    /// Makes the output's bytes of a restored picture, and their record.
    fn write<'a>(
        &self,
        input: &mut RestoreInput<'a, '_>,
        image: ImageRef,
        metadata: &Metadata,
        mut notes: Notes,
    ) -> Result<RenderedOutput<'a>, RestoreError> {
        input.begin(Stage::Encode)?;
        let source = EncodeSource {
            bytes: input.bytes,
            bytes_max: input.limits.output_bytes_max,
            cancel: input.cancel(),
        };
        let encode = || self.encode(&source, image, metadata, &mut notes);
        // The digest of the pixels takes half as long as encoding. A free thread computes it at the same time.
        let (bytes, pixels) = rayon::join(encode, || self.pixels_digest(image, source.cancel));
        let (bytes, pixels) = (bytes?, pixels?);
        let sha256 = self.record.digest(|| digest_until(&bytes, source.cancel))?;
        let digests = OutputDigests { bytes: sha256, pixels };
        let record = self.recorded_output(&bytes, image.size(), digests);
        Ok(RenderedOutput { bytes, record, notes })
    }

    /// The notes of decoding that hold for the output: bytes that stay have lost nothing, and stripping loses metadata on purpose.
    pub(super) fn notes(&self, decoded: &Notes) -> Notes {
        match (self.route, self.metadata) {
            (Route::InputBytes, _) => {
                decoded.without(&[NoteKind::NotKept, NoteKind::LeftOut, NoteKind::Converted])
            }
            (Route::InputPixels, _) => decoded.without(&[NoteKind::NotKept, NoteKind::Converted]),
            (_, MetadataPolicy::Strip) => decoded.without(&[NoteKind::NotKept]),
            (_, MetadataPolicy::Keep) => decoded.clone(),
        }
    }

    /// The output's bytes by the planned route.
    fn encode<'a>(
        &self,
        source: &EncodeSource<'a, '_>,
        image: ImageRef,
        metadata: &Metadata,
        notes: &mut Notes,
    ) -> Result<Cow<'a, [u8]>, EncodeError> {
        let &EncodeSource { bytes, bytes_max, cancel } = source;
        let output = match self.route {
            Route::InputBytes => Cow::Borrowed(bytes),
            Route::InputPixels => match codec::replace_metadata(bytes, metadata) {
                Some(rewritten) => Cow::Owned(rewritten?),
                None => Cow::Borrowed(bytes),
            },
            Route::Encoded => {
                Cow::Owned(codec::encode_within(image, metadata, &self.encoding, bytes_max, cancel, notes)?)
            }
        };
        codec::check_length(output.len() as u64, bytes_max)?;
        Ok(output)
    }

    /// The route by which the output is made.
    pub(super) fn route(&self) -> Route {
        self.route
    }

    /// Whether metadata are kept or stripped.
    pub(super) fn metadata(&self) -> MetadataPolicy {
        self.metadata
    }

    /// The record of a picture that was streamed to a TIFF of `size_bytes`. `sha256` and `pixels_sha256` are its digests.
    pub(super) fn streamed_output(
        &self,
        size_bytes: u64,
        size: (usize, usize),
        [sha256, pixels_sha256]: [String; 2],
    ) -> RecordedOutput {
        let digests = OutputDigests { bytes: sha256, pixels: pixels_sha256 };
        let record = self.recorded_output(&[], size, digests);
        let encoder = record.encoder.is_some().then(|| codec::STREAMED_TIFF_ENCODER.to_owned());
        RecordedOutput { size_bytes, encoder, ..record }
    }

    /// The digest of the restored pixels, if the record needs it.
    fn pixels_digest(&self, image: ImageRef, cancel: &Cancel) -> Result<String, Cancelled> {
        match (self.record, self.route) {
            (Record::Sent, _) => Ok(String::new()),
            _ => self.record.digest(|| receipt::pixels_digest_until(image, cancel)),
        }
    }

    /// The receipt's record of the output `bytes`, a picture of `width × height` px.
    fn recorded_output(
        &self,
        bytes: &[u8],
        (width, height): (usize, usize),
        digests: OutputDigests,
    ) -> RecordedOutput {
        let Encoding { format, quality, subsampling, lossless } = self.encoding;
        let is_encoded = self.route == Route::Encoded;
        RecordedOutput {
            sha256: digests.bytes,
            pixels_sha256: digests.pixels,
            size_bytes: bytes.len() as u64,
            width,
            height,
            format,
            bits: self.depth.bits(),
            route: self.route,
            quality,
            subsampling,
            lossless,
            encoder: is_encoded.then(|| codec::encoder_version(format).to_owned()),
            metadata: self.metadata,
            metadata_version: receipt::METADATA_VERSION,
            alpha_version: self.alpha_version,
            reencoded: is_encoded && self.is_untouched && !lossless,
        }
    }
}

/// Whether metadata of this format can be rewritten around the coded pixels. The other formats are lossless, so encoding
/// them again loses nothing.
fn rewrites_containers(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Png | Format::WebP)
}
