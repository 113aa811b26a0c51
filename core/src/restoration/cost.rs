//! What a request takes at most in memory, computed from the header of its picture before anything is decoded.
//!
//! A restoration holds the most memory at the end of one of its stages. Each stage's bound is computed, and the largest is
//! the cost:
//!
//! ```text
//! decode     samples + what the decoder holds besides them
//! features   samples + spectrum (seed), or + the reduced picture and a copy of it (rich)
//! restore    samples + a second set for denoising, or + rows around the bands
//! encode     samples + what the encoder holds besides them, the answer included
//! ```
//!
//! Of a picture with 16 bits, samples take two bytes each. The samples rounded to 8 bits come on top until operators run.
//! Metadata come on top in every stage. The bounds follow from what the code allocates, and from measurements where that
//! is a library. The test `cost` compares them with the memory of the process.

use std::num::NonZeroU32;

use super::{output::OutputPlan, receipt::Receipt, request::RestoreRequest};
use crate::{
    features::{Schema, rich},
    imaging::{
        Depth, ParameterError, RestorationParameters, bands,
        codec::{self, Encoding, Header, Limits, MetadataPolicy, PictureShape},
        operators::unsharp_mask::UnsharpMask,
        pipeline,
    },
};

/// Bytes for what does not grow with the picture: tables, buffers of threads, lists of a file's parts.
const FIXED_BYTES: u64 = 4 << 20;
/// Bytes per pixel of the features of schema seed: half a spectrum, the luma and the columns at work.
const SEED_BYTES_PER_PIXEL: u64 = 10;
/// The shorter side up to which features of schema seed take twice as much, for numbers prepared per row or column.
const NARROW_PX: usize = 64;

/// Upper bounds of the memory that a request takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Most bytes at one time beyond the input's bytes, the answer included.
    pub working_bytes: u64,
    /// Length of the answer. 0 if the answer is the input's own bytes, or no picture.
    pub answer_bytes: u64,
}

impl Cost {
    /// The cost of [`restore`](super::restore). `schema` is the one of the model's features.
    ///
    /// The bounds hold for any number of threads and need no pixel. They do not regard `limits.output_bytes_max`.
    pub fn of_restoration(
        header: &Header,
        input_bytes: u64,
        request: &RestoreRequest,
        schema: Schema,
    ) -> Self {
        if let Some(parameters) = request.parameters.complete() {
            let plan = OutputPlan::new(header, &parameters, request);
            return of_plan(header, input_bytes, &plan, &parameters);
        }
        // Which parameters the model predicts is not known. Denoising costs most, and what changes nothing can be encoded
        // in another way.
        let denoised = RestorationParameters::IDENTITY.with_denoise(1.0).expect("1 is in range");
        let [changed, untouched] = [denoised, RestorationParameters::IDENTITY]
            .map(|parameters| OutputPlan::new(header, &parameters, request))
            .map(|plan| of_plan(header, input_bytes, &plan, &denoised));
        let analysis = Self::of_analysis(header, schema);
        Cost {
            working_bytes: changed.working_bytes.max(untouched.working_bytes).max(analysis.working_bytes),
            answer_bytes: changed.answer_bytes.max(untouched.answer_bytes),
        }
    }

    /// The cost of [`restore`](super::restore()) of a file with these pages, as [`probe`](super::probe()) returns them. Pages are worked on
    /// one after another, and their results are kept until they are joined. The answer is bounded by `limits`.
    pub fn of_pages(
        pages: &[Header],
        input_bytes: u64,
        request: &RestoreRequest,
        schema: Schema,
        limits: &Limits,
    ) -> Self {
        let of = |header: &Header| Self::of_restoration(header, input_bytes, request, schema);
        match pages {
            [page] => of(page),
            _ => Self::of_joined(
                pages.iter().map(|header| {
                    let request = RestoreRequest { page: Some(NonZeroU32::MIN), ..request.clone() };
                    Self::of_restoration(header, input_bytes, &request, schema)
                }),
                limits,
            ),
        }
    }

    /// The cost of pages whose own costs are these.
    fn of_joined(pages: impl Iterator<Item = Cost>, limits: &Limits) -> Self {
        /// Bytes of a page's receipt, its features included.
        const RECEIPT_BYTES: u64 = 64 << 10;
        let (mut largest, mut answers, mut receipts) = (Cost::default(), 0u64, 0u64);
        for Cost { working_bytes, answer_bytes } in pages {
            largest.working_bytes = largest.working_bytes.max(working_bytes);
            largest.answer_bytes = largest.answer_bytes.max(answer_bytes);
            answers = answers.saturating_add(answer_bytes);
            receipts += RECEIPT_BYTES;
        }
        let answers = answers.min(limits.output_bytes_max);
        // A page is copied once more while it is joined.
        let joining = answers.saturating_add(largest.answer_bytes.saturating_mul(2));
        let working = joining.max(largest.working_bytes.saturating_add(answers)).saturating_add(receipts);
        Cost { working_bytes: working, answer_bytes: answers }
    }

    /// The cost of [`replay`](super::replay()) of `receipt` for a file with these pages.
    ///
    /// # Errors
    /// When the parameters of the receipt are out of range.
    pub fn of_replayed_pages(
        pages: &[Header],
        input_bytes: u64,
        receipt: &Receipt,
        limits: &Limits,
    ) -> Result<Self, ParameterError> {
        if let ([page], true) = (pages, receipt.pages.is_empty()) {
            return Self::of_replay(page, input_bytes, receipt);
        }
        // A receipt with more or fewer pages than the file is refused before anything is decoded.
        let costs = pages
            .iter()
            .zip(&receipt.pages)
            .map(|(page, receipt)| Self::of_replay(page, input_bytes, receipt));
        Ok(Self::of_joined(costs.collect::<Result<Vec<_>, _>>()?.into_iter(), limits))
    }

    /// The cost of [`replay`](super::replay()) of `receipt`.
    ///
    /// # Errors
    /// When the parameters of the receipt are out of range.
    pub fn of_replay(header: &Header, input_bytes: u64, receipt: &Receipt) -> Result<Self, ParameterError> {
        let parameters = receipt.parameters.checked()?;
        Ok(of_plan(header, input_bytes, &OutputPlan::recorded(&receipt.output, &parameters), &parameters))
    }

    /// The cost of [`analyze`](super::analyze).
    pub fn of_analysis(header: &Header, schema: Schema) -> Self {
        let metadata = header.metadata_bytes.saturating_mul(2);
        let working = decode_bytes(header).max(feature_bytes(header, schema));
        Cost { working_bytes: working.saturating_add(metadata), answer_bytes: 0 }
    }
}

/// The cost of decoding, restoring and encoding by a plan.
fn of_plan(header: &Header, input_bytes: u64, plan: &OutputPlan, parameters: &RestorationParameters) -> Cost {
    let output = plan.cost(header, input_bytes);
    let encode = shape(header).with_depth(plan.depth()).sample_bytes().saturating_add(output.working_bytes);
    let working = decode_bytes(header).max(restore_bytes(header, parameters)).max(encode);
    // The metadata of the picture, and a copy in the head of the file that is written.
    let metadata = header.metadata_bytes.saturating_mul(2);
    Cost { working_bytes: working.saturating_add(metadata), ..output }
}

/// The shape of the picture.
fn shape(header: &Header) -> PictureShape {
    let &Header { width, height, channels, has_alpha, depth, .. } = header;
    PictureShape { width, height, channels, has_alpha, depth }
}

/// The shape of the picture in 8 bits, on which features are measured.
fn narrowed_shape(header: &Header) -> PictureShape {
    shape(header).with_depth(Depth::Eight)
}

/// Bytes of the samples in sRGB of 8 bits; 0 if the stored samples are those.
fn narrowed_bytes(header: &Header) -> u64 {
    match header.depth {
        Depth::Eight if header.names_colours => shape(header).sample_bytes(),
        Depth::Eight => 0,
        Depth::Sixteen => narrowed_shape(header).sample_bytes(),
    }
}

/// Bytes at the end of decoding.
fn decode_bytes(header: &Header) -> u64 {
    header.decoded_bytes.saturating_add(FIXED_BYTES)
}

/// Bytes while features are measured.
fn feature_bytes(header: &Header, schema: Schema) -> u64 {
    let shape = narrowed_shape(header);
    // The stored samples wait, if they have 16 bits or are not those of sRGB.
    let has_own = header.depth == Depth::Sixteen || header.names_colours;
    let deep = if has_own { self::shape(header).sample_bytes() } else { 0 };
    let measured = match schema {
        Schema::Seed => {
            let is_narrow = header.width.min(header.height) <= NARROW_PX;
            // The colours that are seen are dropped before the spectrum is computed, which takes more.
            shape.pixels().saturating_mul(if is_narrow { 2 } else { 1 } * SEED_BYTES_PER_PIXEL)
        }
        Schema::Rich => {
            let reduced = reduced_bytes(header);
            // The part within a frame is copied. It is no larger than the picture that the features are measured on. So is the part
            // that alpha does not hide, with the colours that are seen in it.
            let part = if reduced == 0 { shape.sample_bytes() } else { reduced };
            let part = part.saturating_add(if header.has_alpha { 2 * part } else { 0 });
            let rows = long_row_bytes(header).saturating_mul(8);
            reduced.saturating_add(part).saturating_add(rows)
        }
    };
    shape.sample_bytes().saturating_add(deep).saturating_add(measured).saturating_add(FIXED_BYTES)
}

/// Bytes of the reduced picture that features of schema rich are measured on; 0 if the picture is not reduced.
fn reduced_bytes(header: &Header) -> u64 {
    let eighths = rich::eighths(header.width, header.height) as u64;
    if eighths == 8 {
        return 0;
    }
    let side = |side: usize| (side as u64).saturating_mul(eighths).div_ceil(8);
    side(header.width).saturating_mul(side(header.height)).saturating_mul(samples_per_pixel(header))
}

/// Samples of a pixel with its alpha.
fn samples_per_pixel(header: &Header) -> u64 {
    header.channels.count() as u64 + u64::from(header.has_alpha)
}

/// Bytes of a row along the longer side.
fn long_row_bytes(header: &Header) -> u64 {
    (header.width.max(header.height) as u64).saturating_mul(header.channels.count() as u64)
}

/// Bytes while pixels are measured and restored.
fn restore_bytes(header: &Header, parameters: &RestorationParameters) -> u64 {
    let colours = shape(header).colour_bytes();
    // Rows of a ring are f32 where samples have 16 bits: twice as large as the samples, as with 8 bits they are not.
    let is_deep = header.depth == Depth::Sixteen;
    let rows = parameters.sharpening().map_or(0, |sharpening| {
        let radius = UnsharpMask::new(sharpening.sigma, sharpening.strength).radius();
        // The rows around bands and the rings of threads are at most 5/8 of the picture. A picture of few rows is one
        // band, whose ring holds at most all rows.
        let short_side = header.width.min(header.height);
        let is_one_band = short_side < 8 * radius.max(8);
        // A narrow picture is turned, and turned back.
        if short_side < bands::NARROW_PX {
            return colours.saturating_mul(if is_deep { 3 } else { 2 });
        }
        match (is_one_band, is_deep) {
            (true, false) => colours,
            (true, true) => colours.saturating_mul(2),
            (false, false) => colours.saturating_mul(5) / 8,
            (false, true) => colours,
        }
    });
    // Denoising makes a second set of samples, and so does measuring the noise of corrected colours.
    let denoised = if parameters.denoise() > 0.0 { colours } else { 0 };
    let measured = denoised.saturating_add(narrowed_bytes(header));
    // Colours that alpha hides are kept aside while operators run, and the colours around them in cells. When noise is
    // measured, the second set of samples has the colours that are seen, and the cells are larger for a moment.
    let (kept, cells) = if header.has_alpha && !parameters.is_identity() {
        (colours, shape(header).sample_bytes() / 10)
    } else {
        (0, 0)
    };
    let with_kept = |copies: u64| copies.saturating_add(kept).saturating_add(cells);
    let in_strips = strip_bytes(header, parameters);
    let copies = with_kept(denoised)
        .max(with_kept(rows))
        .max(with_kept(in_strips))
        .max(measured.saturating_add(cells));
    shape(header).sample_bytes().saturating_add(copies).saturating_add(FIXED_BYTES)
}

/// Bytes of the strips in sRGB of 16 bits through which a picture in another colour space is restored.
fn strip_bytes(header: &Header, parameters: &RestorationParameters) -> u64 {
    if !header.names_colours {
        return 0;
    }
    // The picture may be turned.
    let pixels = |width: usize, height: usize| {
        (width as u64).saturating_mul(pipeline::strip_rows_max(height, parameters) as u64)
    };
    let n = pixels(header.width, header.height).max(pixels(header.height, header.width));
    let sample_bytes = 2 * header.channels.count() as u64;
    let alpha_bytes = if header.has_alpha { 4 } else { 0 };
    // The strip itself, what its own operators hold, and a second set for denoising.
    let sets =
        1 + if parameters.sharpening().is_some() { 3 } else { 0 } + u64::from(parameters.denoise() > 0.0);
    n.saturating_mul(sets * sample_bytes + alpha_bytes)
}

/// What encoding takes beyond the samples, and the length of the file.
pub(super) fn of_encoding(
    header: &Header,
    encoding: &Encoding,
    depth: Depth,
    policy: MetadataPolicy,
) -> Cost {
    let shape = shape(header).with_depth(depth);
    let answer = codec::file_bytes_max(shape, encoding).saturating_add(written_metadata(header, policy));
    let besides = codec::encoder_bytes_max(shape, encoding).saturating_add(FIXED_BYTES);
    Cost { working_bytes: answer.saturating_add(besides), answer_bytes: answer }
}

/// The input's container with other metadata.
pub(super) fn of_rewriting(header: &Header, input_bytes: u64, policy: MetadataPolicy) -> Cost {
    let answer = input_bytes.saturating_add(written_metadata(header, policy));
    Cost { working_bytes: answer.saturating_add(FIXED_BYTES), answer_bytes: answer }
}

/// Most bytes of the metadata in a file. Some containers write blocks as text, twice as long.
fn written_metadata(header: &Header, policy: MetadataPolicy) -> u64 {
    const HEADS: u64 = 64 << 10;
    match policy {
        MetadataPolicy::Keep => header.metadata_bytes.saturating_mul(2).saturating_add(HEADS),
        MetadataPolicy::Strip => HEADS,
    }
}
