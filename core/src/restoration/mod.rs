//! Restores pictures: one request from its bytes to its answer, in reading order.
//!
//! [`restore`]: bytes → decoded picture → features → predicted parameters → restored pixels → encoded bytes and a
//! [`receipt`]. [`replay()`] makes the same bytes again from the receipt and predicts nothing. [`analyze`] stops after
//! the prediction. [`survey`] and [`restore_surveyed`] are the two passes over the pictures of a roll. The functions read
//! no file, clock or setting: the caller passes bytes, limits and the predictor.

mod cost;
mod error;
mod input;
mod output;
mod pages;
pub mod receipt;
mod replay;
mod request;
mod roll;
mod streamed;
mod watch;

use crate::{
    features::{Features, Look, SIDE_MIN_PX},
    imaging::{
        RestorationParameters,
        codec::{self, Format, Limits, NoteKind, Notes},
        operators::color_transform::ColorTransform,
    },
    models::predictor::{Prediction, Predictor, RequestedParameters},
};
use input::RestoreInput;
use output::{OutputPlan, Predicted, Restoration, keep_input, restore_pixels};
use pages::{Wanted, restore_pages};

pub use cost::Cost;
pub use error::{ReplayError, RestoreError};
pub use output::Restored;
pub use pages::probe;
pub use replay::replay;
pub use request::{Record, RestoreRequest, Stage};
pub use roll::{PredictedPicture, restore_surveyed, survey};
pub use streamed::{StreamedError, is_streamed, replay_streamed, restore_streamed};
pub use watch::Watch;

/// Restores the picture in `bytes`.
///
/// The model predicts the parameters that `request` leaves open, from as many pixels as its features need. If the
/// parameters change nothing and the caller does not keep the receipt, the rest of the picture is never decoded. `watch`
/// sees each stage begin and can cancel the work. The same input gives the same bytes. A picture that is too small for a prediction
/// stays untouched, with a note.
///
/// Of a file with several pages each page is restored on its own, and the results are joined to a TIFF. With a page in `request`, or else
/// in `limits`, that page alone is restored.
///
/// Memory: the decoded samples, which `limits` bounds before decoding, and the encoded bytes. The features of the seed
/// schema take 9 bytes per pixel more, and restoring takes a few rows per thread.
///
/// # Errors
/// When the input is refused, is too small for a prediction of the parameters that are not given, or cannot be written as
/// requested. Also when `watch` cancels.
pub fn restore<'a>(
    bytes: &'a [u8],
    request: &RestoreRequest,
    predictor: &Predictor,
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Restored<'a>, RestoreError> {
    predictor.check(&request.parameters)?;
    let limits = &limits.with_lenient(request.lenient).with_page(request.page);
    let page = match Wanted::of(bytes, limits.pages.page, limits)? {
        Wanted::All(n) => return restore_pages(bytes, n, request, predictor, limits, watch),
        Wanted::One(page) => Some(page),
        Wanted::File => None,
    };
    let request = RestoreRequest { page, ..request.clone() };
    restore_one(&mut RestoreInput::new(bytes, limits, watch.reborrow()), &request, predictor)
}

/// Restores one picture: a file of one page, or the page that `request` and the limits name.
fn restore_one<'a>(
    input: &mut RestoreInput<'a, '_>,
    request: &RestoreRequest,
    predictor: &Predictor,
) -> Result<Restored<'a>, RestoreError> {
    check_known_length(input, request)?;
    match request.parameters.complete() {
        Some(parameters) => {
            let restoration = decode_and_restore(input, None, &parameters, None, request)?;
            Ok(restoration.with_receipt(&parameters, request.parameters.assume(), None))
        }
        None => restore_predicted(input, request, predictor),
    }
}

/// Refuses an output that will be too long whatever the parameters are, before anything is decoded.
fn check_known_length(input: &RestoreInput, request: &RestoreRequest) -> Result<(), RestoreError> {
    if request.format.or(Format::sniff(input.bytes)) != Some(Format::Bmp) {
        return Ok(());
    }
    let parameters = request.parameters.complete().unwrap_or(RestorationParameters::IDENTITY);
    let header = codec::probe(input.bytes, input.limits)?;
    OutputPlan::new(&header, &parameters, request).check_length(input)
}

/// Restores a picture with predicted parameters.
fn restore_predicted<'a>(
    input: &mut RestoreInput<'a, '_>,
    request: &RestoreRequest,
    predictor: &Predictor,
) -> Result<Restored<'a>, RestoreError> {
    let look = input.look(predictor.schema())?;
    let (features, prediction) = match foresee(input, &look, &request.parameters, predictor) {
        Err(RestoreError::Features(_)) if request.parameters.is_open() => {
            return leave_untouched(input, look, request);
        }
        foreseen => foreseen?,
    };
    let parameters = prediction.parameters();
    let transform = prediction.transform();
    let restoration = match keep_input(input, look.facts(), &parameters, request)? {
        Some(kept) => kept,
        None => decode_and_restore(input, Some(look), &parameters, transform, request)?,
    };
    let predicted = Predicted { features: &features, predictor, prediction: &prediction, roll: None };
    Ok(restoration.with_receipt(&parameters, request.parameters.assume(), Some(predicted)))
}

/// Leaves a picture untouched that is too small for a prediction, and notes why.
fn leave_untouched<'a>(
    input: &mut RestoreInput<'a, '_>,
    look: Look,
    request: &RestoreRequest,
) -> Result<Restored<'a>, RestoreError> {
    let (parameters, (width, height)) = (RestorationParameters::IDENTITY, look.size());
    let mut restoration = match keep_input(input, look.facts(), &parameters, request)? {
        Some(kept) => kept,
        None => decode_and_restore(input, Some(look), &parameters, None, request)?,
    };
    note_too_small(&mut restoration.output.notes, (width, height));
    Ok(restoration.with_receipt(&parameters, request.parameters.assume(), None))
}

/// Notes that a picture stays untouched because it is too small for a prediction.
fn note_too_small(notes: &mut Notes, (width, height): (usize, usize)) {
    notes.add(
        NoteKind::Untouched,
        format_args!(
            "{width}×{height} px are too few for a prediction, which needs {SIDE_MIN_PX} px on both sides; give color, sigma \
             and strength to restore the picture"
        ),
    );
}

/// Restores the picture that `look` has decoded whole. Decodes the picture first if there is no such look.
fn decode_and_restore<'a>(
    input: &mut RestoreInput<'a, '_>,
    look: Option<Look>,
    parameters: &RestorationParameters,
    transform: Option<&ColorTransform>,
    request: &RestoreRequest,
) -> Result<Restoration<'a>, RestoreError> {
    let picture = match look.and_then(Look::whole) {
        Some(picture) => picture,
        None => input.decode()?,
    };
    restore_pixels(input, picture, parameters, transform, request)
}

/// The features of a picture and the prediction for it.
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
    /// The model's prediction from these features.
    pub prediction: Prediction,
    /// What decoding tolerated, left out or converted.
    pub notes: Notes,
}

/// Measures the features of the picture in `bytes` and predicts its parameters, without restoring it. A file that is cut off is
/// analysed as far as it goes if `limits` are lenient. Of a file with several pages the one that `limits` name is analysed, else the
/// first one, with a note.
///
/// Cost, `watch` and memory are those of the first stages of [`restore`].
///
/// # Errors
/// When the input is refused, is too small for its features, or the model cannot predict what `requested` leaves open.
/// Also when `watch` cancels.
pub fn analyze(
    bytes: &[u8],
    requested: &RequestedParameters,
    predictor: &Predictor,
    limits: &Limits,
    watch: &mut Watch,
) -> Result<Analysis, RestoreError> {
    predictor.check(requested)?;
    let (limits, mut notes) = codec::one_page(bytes, limits)?;
    let mut input = RestoreInput::new(bytes, &limits, watch.reborrow());
    let look = input.look(predictor.schema())?;
    let (features, prediction) = foresee(&mut input, &look, requested, predictor)?;
    let (width, height) = look.size();
    let format = look.header().format;
    notes.extend(look.notes().clone());
    Ok(Analysis { width, height, format, features, prediction, notes })
}

/// Measures the features of a picture that was decoded for them, and predicts.
fn foresee(
    input: &mut RestoreInput,
    look: &Look,
    requested: &RequestedParameters,
    predictor: &Predictor,
) -> Result<(Features, Prediction), RestoreError> {
    input.begin(Stage::Features)?;
    let features = look.features_until(input.cancel())?;
    input.begin(Stage::Predict)?;
    let prediction = predictor.predict(&features, look.size(), requested)?;
    Ok((features, prediction))
}
