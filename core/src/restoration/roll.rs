//! Restores the pictures of a roll in two passes, so that no more pictures are in memory than are worked on.
//!
//! ```text
//! survey             bytes → features, 1 kB per picture
//! predict_roll       features of all → one prediction per picture   (Predictor)
//! restore_surveyed   the same bytes again → restored bytes and receipt
//! ```

use std::num::NonZeroU32;

use super::{
    check_known_length, decode_and_restore,
    error::RestoreError,
    input::RestoreInput,
    output::{Predicted, Restored, keep_input},
    pages::Wanted,
    receipt::RecordedRoll,
    request::{RestoreRequest, Stage},
    watch::Watch,
};
use crate::{
    digest::digest_until,
    imaging::codec::{self, Limits},
    models::{Prediction, RollPrediction, Surveyed, predictor::Predictor},
};

/// First pass: measures the features of the picture in `bytes` for `predictor`. Keeps no pixels. `limits` are lenient if the request of
/// the second pass will be, and name its page.
///
/// Cost, `watch` and memory are those of the first stages of [`restore`](super::restore()), and a digest of the bytes.
///
/// # Errors
/// When the input is refused or is too small for its features. Also when `watch` cancels.
pub fn survey(
    bytes: &[u8],
    predictor: &Predictor,
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Surveyed, RestoreError> {
    let mut input = RestoreInput::new(bytes, limits, watch.reborrow());
    let look = input.look(predictor.schema())?;
    input.begin(Stage::Features)?;
    let features = look.features_until(input.cancel())?;
    let sha256 = digest_until(bytes, input.cancel())?;
    let (format, size, notes) = (look.header().format, look.size(), look.notes().clone());
    Ok(Surveyed { sha256, size_bytes: bytes.len() as u64, format, size, features, notes })
}

/// A surveyed picture with the prediction for it.
#[derive(Clone, Copy, Debug)]
pub struct PredictedPicture<'a> {
    /// The predictor of the survey and of the prediction.
    pub predictor: &'a Predictor,
    /// What the first pass kept of the picture.
    pub surveyed: &'a Surveyed,
    /// The prediction for the picture.
    pub prediction: &'a Prediction,
    /// The receipt's record of the roll; `None` where the picture is treated alone.
    pub roll: Option<RecordedRoll>,
}

impl<'a> PredictedPicture<'a> {
    /// The picture at `index` of a roll.
    ///
    /// # Panics
    /// When the roll was predicted for fewer pictures.
    pub fn of(
        predictor: &'a Predictor,
        surveyed: &'a Surveyed,
        predicted: &'a RollPrediction,
        index: usize,
    ) -> Self {
        let roll = predicted.roll(index).map(|(roll, role)| RecordedRoll::new(roll, role));
        Self { predictor, surveyed, prediction: predicted.prediction(index), roll }
    }
}

/// Second pass: restores the picture in `bytes` as it was predicted.
///
/// The output is encoded as `request` says; the parameters of `request` are those of the prediction already. Without a
/// roll, bytes and receipt are those of [`restore`](super::restore()). `watch` and memory are those of
/// [`restore`](super::restore()).
///
/// # Errors
/// [`RestoreError::Changed`] if `bytes` are not those of the survey. Otherwise the errors of
/// [`restore`](super::restore()).
pub fn restore_surveyed<'a>(
    bytes: &'a [u8],
    request: &RestoreRequest,
    picture: &PredictedPicture,
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Restored<'a>, RestoreError> {
    let &PredictedPicture { predictor, surveyed, prediction, roll } = picture;
    let limits = &limits.with_lenient(request.lenient).with_page(request.page);
    let mut input = RestoreInput::new(bytes, limits, watch.reborrow());
    if bytes.len() as u64 != surveyed.size_bytes || digest_until(bytes, input.cancel())? != surveyed.sha256 {
        return Err(RestoreError::Changed);
    }
    check_known_length(&input, request)?;
    let header = codec::probe(bytes, limits)?;
    let request = &RestoreRequest { page: surveyed_page(bytes, limits)?, ..request.clone() };
    let parameters = prediction.parameters();
    let facts = (&header, surveyed.size, &surveyed.notes);
    let restoration = match keep_input(&mut input, facts, &parameters, request)? {
        Some(kept) => kept,
        None => decode_and_restore(&mut input, None, &parameters, prediction.transform(), request)?,
    };
    let predicted = Predicted { features: &surveyed.features, predictor, prediction, roll };
    Ok(restoration.with_receipt(&parameters, request.parameters.assume(), Some(predicted)))
}

/// The page of a surveyed picture, if the file has several.
fn surveyed_page(bytes: &[u8], limits: &Limits) -> Result<Option<NonZeroU32>, RestoreError> {
    Ok(match Wanted::of(bytes, limits.pages.page, limits)? {
        Wanted::One(page) => Some(page),
        Wanted::File | Wanted::All(_) => None,
    })
}
