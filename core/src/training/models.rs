//! Fits several models together, so that the caller opens each picture once for all of them.

use super::{error::GainTrainingError, pictures::GainsOfCodes};
use crate::models::gains::{
    GainHyperparameters,
    choices::Choices,
    code::TransformCode,
    fit::{CodeFit, fit_codes, fit_gains},
    measure::MeasuredPicture,
    model::{Gain, GainModel},
    sample::Sample,
};

/// Fits one model per list of pictures, given as indices of `measured`.
///
/// # Errors
/// When there are too few sources, or the caller cannot measure the pictures again.
pub fn fit_models(
    measured: &[MeasuredPicture],
    trainings: &[Vec<usize>],
    choices: &Choices,
    hyper: &GainHyperparameters,
    gains_of_codes: &mut GainsOfCodes,
) -> Result<Vec<GainModel>, GainTrainingError> {
    let samples =
        |training: &[usize]| -> Vec<&Sample> { training.iter().map(|&i| &measured[i].sample).collect() };
    // First step of all models. `asked` collects the codes of each picture, one per model that was fitted on it, and
    // `places` remembers where the codes of a model are.
    let mut fits: Vec<CodeFit> = Vec::new();
    let mut asked: Vec<Vec<TransformCode>> = vec![Vec::new(); measured.len()];
    let mut places: Vec<Vec<usize>> = Vec::new();
    for training in trainings {
        let fit = fit_codes(&samples(training), hyper)?;
        let place = |(&i, code): (&usize, &TransformCode)| {
            asked[i].push(code.clone());
            asked[i].len() - 1
        };
        places.push(training.iter().zip(&fit.out_of_fold).map(place).collect());
        fits.push(fit);
    }
    let answers = gains_of_codes(&asked).map_err(GainTrainingError::Measure)?;
    // Second step of all models.
    let candidates = choices.candidates();
    let mut models = Vec::new();
    for ((training, places), fit) in trainings.iter().zip(places).zip(fits) {
        let learned: Vec<Vec<Gain>> =
            training.iter().zip(places).map(|(&i, place)| answers[i][place].clone()).collect();
        models.push(fit_gains(&samples(training), fit, &learned, &candidates, hyper)?);
    }
    Ok(models)
}
