//! Cross-validation: every picture restored by a model that was fitted without the picture's fold.

use rayon::prelude::*;

use super::{error::GainTrainingError, pictures::TrainingPictures};
use crate::{
    imaging::ColorMethod,
    metrics::Quality,
    models::{
        RequestedParameters,
        gains::{
            decide::{Decision, decide},
            measure::{MeasuredPicture, gain},
            model::{Gain, GainModel},
        },
    },
};

/// The result of cross-validation for one picture.
pub(super) struct FoldTrial {
    /// Index of the picture.
    pub picture: usize,
    /// The decision of the model that was fitted without the picture's fold.
    pub decision: Decision,
    /// Gain of the restoration.
    pub gain: Gain,
}

/// Lets the model without a fold decide for each damaged and undamaged picture of the fold, and measures the gain of
/// each decision.
pub(super) fn cross_validate(
    measured: &[MeasuredPicture],
    folds: &[usize],
    models: &[GainModel],
    pictures: &dyn TrainingPictures,
) -> Result<Vec<FoldTrial>, GainTrainingError> {
    let decided = (0..measured.len())
        .into_par_iter()
        .filter(|&i| measured[i].sample.origin.kind.is_held_out())
        .map(|i| {
            let features = &measured[i].sample.features;
            let decision = decide(&models[folds[i]], features, &RequestedParameters::default(), true)?;
            Ok((i, decision))
        })
        .collect::<Result<Vec<_>, GainTrainingError>>()?;
    let lacks_transform =
        |d: &Decision| d.parameters.color_method() == ColorMethod::Learned && d.transform.is_none();
    if decided.iter().any(|(_, decision)| lacks_transform(decision)) {
        return Err(GainTrainingError::NoTransform);
    }
    let qualities = pictures.restored(&decided).map_err(GainTrainingError::Restore)?;
    let trial = |((picture, decision), quality): ((usize, Decision), Quality)| {
        let gain = gain(quality, measured[picture].untouched);
        FoldTrial { picture, decision, gain }
    };
    Ok(decided.into_iter().zip(qualities).map(trial).collect())
}
