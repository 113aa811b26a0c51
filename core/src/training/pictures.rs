//! The work that a training leaves to its caller, which has the pictures.

use crate::{
    imaging::{Image, pipeline},
    metrics::Quality,
    models::gains::decide::Decision,
    search::{SearchError, SearchSpace, search},
};

/// The pictures of a training. The caller opens them, spreads the work over threads and shows progress.
pub trait TrainingPictures {
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
