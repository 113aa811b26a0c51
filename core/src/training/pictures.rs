//! The work that a training leaves to its caller, which has the pictures.

use crate::{
    imaging::{Image, pipeline},
    metrics::Quality,
    models::gains::{code::TransformCode, decide::Decision, model::Gain},
    search::{SearchError, SearchSpace, search},
};

/// Measures what predicted transforms gain. Takes the codes of each picture, any number for each. Returns gains by picture,
/// then by code, then by learned correction.
pub type GainsOfCodes<'a> = dyn FnMut(&[Vec<TransformCode>]) -> Result<Vec<Vec<Vec<Gain>>>, String> + 'a;

/// The pictures of a training. The caller opens them, spreads the work over threads and shows progress.
pub trait TrainingPictures {
    /// Measures what predicted transforms gain; see [`GainsOfCodes`].
    ///
    /// # Errors
    /// The reason why a picture cannot be measured.
    fn gains_of_codes(&self, codes: &[Vec<TransformCode>]) -> Result<Vec<Vec<Vec<Gain>>>, String>;

    /// Restores pictures, given by index, as decided. Returns the quality of each restored picture, in their order. Where
    /// the decision is to do nothing, this is the quality of the damaged picture as measured before.
    ///
    /// # Errors
    /// The reason why a picture cannot be restored.
    fn restored(&self, decided: &[(usize, Decision)]) -> Result<Vec<Quality>, String>;
}

/// Restores a damaged picture as decided and compares it with the reference.
///
/// # Errors
/// When the reference is smaller than 7 px.
pub fn restored_quality(
    reference: &Image,
    damaged: Image,
    decision: &Decision,
) -> Result<Quality, SearchError> {
    let coefficients = pipeline::measure(&damaged, &decision.parameters, decision.transform.as_ref());
    let restored = pipeline::apply(damaged, &decision.parameters, &coefficients);
    Ok(search(reference, &restored, &SearchSpace::identity())?[0])
}
