//! Replays receipts: makes the recorded output again from the input, without a prediction.

use super::{
    error::{ReplayError, RestoreError},
    input::RestoreInput,
    output::{OutputPlan, Restored},
    receipt::{self, RECEIPT_VERSION, Receipt, RecordedOutput},
    request::Stage,
};
use crate::{
    digest::digest,
    imaging::{
        RestorationParameters,
        codec::{self, Limits},
    },
};

/// Applies what `receipt` records to its input, and checks that the output is the recorded one.
///
/// The release that wrote the receipt makes the same bytes. A later release makes the same pixels and may encode them
/// differently. The function calls `hook` at the beginning of each stage. Memory is that of
/// [`restore`](super::restore) without features.
///
/// # Errors
/// When the receipt is of another version, for another input, impossible, or does not reproduce.
pub fn replay<'a>(
    receipt: &Receipt,
    bytes: &'a [u8],
    limits: &Limits,
    hook: &mut dyn FnMut(Stage),
) -> Result<Restored<'a>, ReplayError> {
    let parameters = check_receipt(receipt, bytes)?;
    let mut input = RestoreInput { bytes, limits, hook };
    let picture = input.decode().map_err(RestoreError::from)?;
    receipt.coefficients.check(&picture.image, &parameters)?;
    let plan = OutputPlan::recorded(&receipt.output, &parameters);
    if !plan.fits(&picture.header) {
        return Err(ReplayError::Route);
    }
    input.begin(Stage::Restore);
    let output = plan.render(&mut input, picture, &parameters, &receipt.coefficients)?;
    check_reproduced(&output.record, receipt)?;
    Ok(Restored { bytes: output.bytes, receipt: Receipt { output: output.record, ..receipt.clone() } })
}

/// Checks that this release can replay `receipt` and that `bytes` are its input. Returns the recorded parameters.
fn check_receipt(receipt: &Receipt, bytes: &[u8]) -> Result<RestorationParameters, ReplayError> {
    let program = || receipt.program.clone();
    if receipt.receipt_version != RECEIPT_VERSION {
        return Err(ReplayError::Version { got: receipt.receipt_version, program: program() });
    }
    let unknown_method = || ReplayError::Method { got: receipt.method.clone(), program: program() };
    if ![receipt::METHOD, receipt::METHOD_WITH_DENOISE].contains(&receipt.method.as_str()) {
        return Err(unknown_method());
    }
    let got = digest(bytes);
    if got != receipt.input.sha256 {
        return Err(ReplayError::Input { got, expected: receipt.input.sha256.clone() });
    }
    let parameters = receipt.parameters.checked()?;
    if receipt.method != receipt::method(&parameters) {
        return Err(unknown_method());
    }
    Ok(parameters)
}

/// Compares a replayed output with the recorded one. The pixels must always agree. The bytes and the other facts must
/// agree if this release wrote the receipt with today's encoders. Other encoders may write other bytes for the same
/// pixels.
fn check_reproduced(replayed: &RecordedOutput, receipt: &Receipt) -> Result<(), ReplayError> {
    let (here, recorded) = (receipt::program(), &receipt.output);
    let is_replaced = recorded.encoder.as_deref().is_some_and(codec::is_replaced_encoder);
    let what = if replayed.pixels_sha256 != recorded.pixels_sha256 {
        "pixels"
    } else if receipt.program != here || is_replaced || replayed == recorded {
        return Ok(());
    } else if replayed.sha256 != recorded.sha256 {
        "bytes"
    } else {
        "facts of the output"
    };
    Err(ReplayError::Differs { what, here, program: receipt.program.clone() })
}
