//! Replays receipts: makes the recorded output again from the input, without a prediction.

use super::{
    error::{ReplayError, RestoreError},
    input::RestoreInput,
    output::{OutputPlan, Restored},
    pages::replay_pages,
    receipt::{self, RECEIPT_VERSION, Receipt, RecordedOutput, Route},
    request::Stage,
    streamed::{self, StreamedError},
    watch::Watch,
};
use crate::{
    cancel::Cancelled,
    digest::digest_until,
    imaging::{
        RestorationParameters,
        codec::{self, Limits, StreamLimits},
    },
};

/// Applies what `receipt` records to its input, and checks that the output is the recorded one.
///
/// The release that wrote the receipt makes the same bytes. A later release makes the same pixels and may encode them
/// differently. `watch` sees each stage begin and can cancel the work. Memory is that of
/// [`restore`](super::restore) without features.
///
/// # Errors
/// When the receipt is of another version, for another input, impossible, or does not reproduce. Also when `watch` cancels.
pub fn replay<'a>(
    receipt: &Receipt,
    bytes: &'a [u8],
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Restored<'a>, ReplayError> {
    if streamed::is_streamed(receipt) {
        return replay_as_streamed(receipt, bytes, limits, watch);
    }
    if !receipt.pages.is_empty() {
        return replay_pages(receipt, bytes, limits, watch);
    }
    replay_one(receipt, bytes, limits, None, watch)
}

/// Replays the receipt of one picture. `sha256` is the digest of `bytes`, if it is known.
pub(super) fn replay_one<'a>(
    receipt: &Receipt,
    bytes: &'a [u8],
    limits: &Limits,
    sha256: Option<&str>,
    watch: &mut Watch,
) -> Result<Restored<'a>, ReplayError> {
    let digest = || sha256.map_or_else(|| digest_until(bytes, watch.cancel()), |known| Ok(known.to_owned()));
    let parameters = check_receipt(receipt, digest)?;
    if receipt.page.is_some() && receipt.output.route != Route::Encoded {
        return Err(ReplayError::Route);
    }
    let limits = &limits.with_lenient(receipt.lenient).with_page(receipt.page);
    let mut input = RestoreInput::new(bytes, limits, watch.reborrow());
    let plan = OutputPlan::recorded(&receipt.output, &parameters);
    plan.check_length(&input)?;
    let picture = input.decode().map_err(RestoreError::from)?;
    let picture = if receipt.input.colour_space.is_some() { picture } else { picture.taken_as_srgb() };
    receipt.coefficients.check(&picture.image, &parameters)?;
    if !plan.fits(&picture.header) {
        return Err(ReplayError::Route);
    }
    let has_alpha = picture.image.alpha().is_some();
    input.begin(Stage::Restore)?;
    let output = plan.render(&mut input, picture, &parameters, &receipt.coefficients)?;
    check_reproduced(&output.record, has_alpha, receipt)?;
    Ok(Restored { bytes: output.bytes, receipt: Receipt { output: output.record, ..receipt.clone() } })
}

/// Replays the receipt of a picture that was restored in parts, on bytes in memory.
fn replay_as_streamed<'a>(
    receipt: &Receipt,
    bytes: &'a [u8],
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Restored<'a>, ReplayError> {
    let (pixels_max, working_bytes_max) = (limits.pixels_max, limits.decoded_bytes_max);
    let stream_limits = StreamLimits { pixels_max, working_bytes_max, ..StreamLimits::default() };
    let mut out = Vec::new();
    let receipt = streamed::replay_streamed(receipt, &bytes, &mut out, &stream_limits, watch)
        .map_err(StreamedError::into_replay)?;
    codec::check_length(out.len() as u64, limits.output_bytes_max).map_err(RestoreError::from)?;
    Ok(Restored { bytes: out.into(), receipt })
}

/// Checks that this release can replay `receipt` and that its input has this digest. Returns the recorded parameters.
pub(super) fn check_receipt(
    receipt: &Receipt,
    digest: impl FnOnce() -> Result<String, Cancelled>,
) -> Result<RestorationParameters, ReplayError> {
    let program = || receipt.program.clone();
    if receipt.receipt_version != RECEIPT_VERSION {
        return Err(ReplayError::Version { got: receipt.receipt_version, program: program() });
    }
    let unknown_method = || ReplayError::Method { got: receipt.method.clone(), program: program() };
    if ![receipt::METHOD, receipt::METHOD_WITH_DENOISE].contains(&receipt.method.as_str()) {
        return Err(unknown_method());
    }
    let got = digest()?;
    if got != receipt.input.sha256 {
        return Err(ReplayError::Input { got, expected: receipt.input.sha256.clone() });
    }
    if !(receipt::ALPHA_IGNORED..=receipt::ALPHA_VERSION).contains(&receipt.output.alpha_version) {
        let got = format!("{}, alpha {}", receipt.method, receipt.output.alpha_version);
        return Err(ReplayError::Method { got, program: program() });
    }
    let parameters = receipt.parameters.checked()?;
    if receipt.method != receipt::method(&parameters) {
        return Err(unknown_method());
    }
    Ok(parameters)
}

/// Compares a replayed output with the recorded one. The pixels must always agree. The bytes and the other facts must
/// agree if this release wrote the receipt.
pub(super) fn check_reproduced(
    replayed: &RecordedOutput,
    has_alpha: bool,
    receipt: &Receipt,
) -> Result<(), ReplayError> {
    let here = receipt::program();
    let expected = expected_output(&receipt.output, replayed, has_alpha);
    let what = if replayed.pixels_sha256 != expected.pixels_sha256 {
        "pixels"
    } else if receipt.program != here || *replayed == expected {
        return Ok(());
    } else if replayed.sha256 != expected.sha256 {
        "bytes"
    } else {
        "facts of the output"
    };
    Err(ReplayError::Differs { what, here, program: receipt.program.clone() })
}

/// Returns the output that a replay by this release must give. That is the recorded one, unless an earlier build of this
/// release wrote it with an encoder that was replaced since. Then the encoder's name differs. The bytes may differ too,
/// but only of lossy pictures with alpha: both encoders write the same bytes for all others. A receipt may also be of a build that
/// kept fewer metadata. Then the bytes may differ, unless they are those of the input. A receipt of the time when alpha was ignored is
/// of lossy pictures whose hidden colours were written; they are not any more.
fn expected_output(recorded: &RecordedOutput, replayed: &RecordedOutput, has_alpha: bool) -> RecordedOutput {
    let mut expected = recorded.clone();
    if recorded.encoder.as_deref().is_some_and(codec::is_replaced_encoder) {
        expected.encoder.clone_from(&replayed.encoder);
        if has_alpha && !recorded.lossless {
            expected.sha256.clone_from(&replayed.sha256);
            expected.size_bytes = replayed.size_bytes;
        }
    }
    let is_lossy = recorded.route != Route::InputBytes && !recorded.lossless;
    if recorded.alpha_version == receipt::ALPHA_IGNORED && has_alpha && is_lossy {
        expected.sha256.clone_from(&replayed.sha256);
        expected.size_bytes = replayed.size_bytes;
    }
    if recorded.metadata_version < replayed.metadata_version {
        expected.metadata_version = replayed.metadata_version;
        if recorded.route != Route::InputBytes {
            expected.sha256.clone_from(&replayed.sha256);
            expected.size_bytes = replayed.size_bytes;
        }
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        imaging::{
            Channels, Image,
            codec::{Encoding, Format, Metadata, encode},
        },
        models::predictor::{Predictor, RequestedParameters},
        restoration::{RestoreRequest, restore},
    };

    const REPLACED: &str = "libwebp 1.3.1 / webp 0.3.1; lossless image-webp 0.2.4";

    fn png(alpha: Option<Vec<u8>>) -> Vec<u8> {
        let samples = (0..16 * 16 * 3).map(|i| (i * 7 % 251) as u8).collect();
        let image = Image::new(16, 16, Channels::Rgb, samples, alpha).unwrap();
        let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
        encode(&image, &Metadata::default(), &encoding).unwrap()
    }

    /// Restores a picture into lossy WebP and returns the receipt that an earlier build would have written.
    fn earlier_receipt(bytes: &[u8]) -> Receipt {
        let parameters = RequestedParameters::new(Some(true), None, Some(1.0), Some(0.5)).unwrap();
        let (format, quality) = (Some(Format::WebP), Some(90));
        let request = RestoreRequest { parameters, format, quality, ..RestoreRequest::default() };
        let predictor = Predictor::built_in();
        let restored = restore(bytes, &request, &predictor, &Limits::default(), &mut Watch::none()).unwrap();
        let mut receipt = restored.receipt;
        assert!(!codec::is_replaced_encoder(receipt.output.encoder.as_deref().unwrap()));
        assert!(!receipt.output.lossless);
        receipt.output.encoder = Some(REPLACED.to_owned());
        receipt
    }

    fn replayed(receipt: &Receipt, bytes: &[u8]) -> Result<(), ReplayError> {
        replay(receipt, bytes, &Limits::default(), &mut Watch::none()).map(|_| ())
    }

    #[test]
    fn a_receipt_of_a_replaced_encoder_is_replayed_and_its_other_facts_are_checked() {
        for alpha in [None, Some((0..=255).collect())] {
            let bytes = png(alpha);
            let receipt = earlier_receipt(&bytes);
            replayed(&receipt, &bytes).unwrap();
            let mut edited = receipt.clone();
            edited.output.width += 1;
            assert!(matches!(replayed(&edited, &bytes), Err(ReplayError::Differs { .. })));
            let mut edited = receipt.clone();
            edited.output.pixels_sha256 = "0".repeat(64);
            assert!(matches!(replayed(&edited, &bytes), Err(ReplayError::Differs { what: "pixels", .. })));
        }
    }

    /// What release 0.1.0 wrote without the texts of a PNG replays to the same pixels with them. The bytes of the input, and those
    /// of today's rules, must agree.
    #[test]
    fn a_receipt_of_fewer_metadata_is_replayed_to_the_same_pixels() {
        let image = Image::new(16, 16, Channels::Grey, (0..=255).collect(), None).unwrap();
        let metadata =
            Metadata { png_chunks: vec![(*b"tEXt", b"Title\0Boats".to_vec())], ..Metadata::default() };
        let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
        let bytes = encode(&image, &metadata, &encoding).unwrap();
        let of = |strength: f64, version: u32| {
            let parameters = RequestedParameters::new(Some(false), None, Some(1.0), Some(strength)).unwrap();
            let request = RestoreRequest { parameters, ..RestoreRequest::default() };
            let (predictor, limits) = (Predictor::built_in(), Limits::default());
            let mut receipt =
                restore(&bytes, &request, &predictor, &limits, &mut Watch::none()).unwrap().receipt;
            (receipt.output.sha256, receipt.output.size_bytes) = ("0".repeat(64), 7);
            receipt.output.metadata_version = version;
            let text = serde_json::to_string(&receipt).unwrap();
            let text = if version == 1 { text.replace(r#""metadata_version":1,"#, "") } else { text };
            replayed(&serde_json::from_str(&text).unwrap(), &bytes)
        };
        of(0.5, 1).unwrap();
        assert!(matches!(of(0.5, 2), Err(ReplayError::Differs { what: "bytes", .. })));
        assert!(matches!(of(0.0, 1), Err(ReplayError::Differs { what: "bytes", .. })));
    }

    #[test]
    fn only_pictures_with_alpha_may_get_other_bytes_from_the_new_encoder() {
        let edit = |bytes: &[u8]| {
            let mut receipt = earlier_receipt(bytes);
            receipt.output.sha256 = "0".repeat(64);
            replayed(&receipt, bytes)
        };
        assert!(matches!(edit(&png(None)), Err(ReplayError::Differs { what: "bytes", .. })));
        edit(&png(Some((0..=255).collect()))).unwrap();
        let mut receipt = earlier_receipt(&png(None));
        receipt.output.quality = Some(10);
        assert!(matches!(replayed(&receipt, &png(None)), Err(ReplayError::Differs { what: "bytes", .. })));
    }
}
