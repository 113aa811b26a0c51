//! The story of a model of gains, read top-down: measured pictures → which transform suits which → what every candidate
//! gains → gates → model. And of its honest trial: the same on folds, each restored by a model that saw none of its
//! sources.
//!
//! The pictures are the caller's: it is asked once, for all folds, what the predicted transforms gain.

use thiserror::Error;

use crate::models::gains::{
    candidates::{Choices, Measured},
    fit::{CodeFit, GainFitError, GainHyperparameters, Sample, fit_codes, fit_gains},
    model::{Code, Gain, GainModel},
};

/// A model of gains cannot be trained.
#[derive(Debug, Error)]
pub enum GainTrainingError {
    /// The forests cannot be fitted.
    #[error(transparent)]
    Fit(#[from] GainFitError),
    /// The pictures are not at hand any more.
    #[error("measuring predicted transforms: {0}")]
    Measure(String),
}

/// Asked with the codes of each measured picture, some for each of the models to fit; answers, alike, what each learned
/// correction of each code gains on it.
pub type GainsOfCodes<'a> = dyn FnMut(&[Vec<Code>]) -> Result<Vec<Vec<Vec<Gain>>>, String> + 'a;

/// Fits one model per list of training pictures (indices of `measured`).
///
/// # Errors
/// When there are too few source pictures, or the pictures cannot be measured.
pub fn fit_models(
    measured: &[Measured],
    trainings: &[Vec<usize>],
    choices: &Choices,
    hyper: &GainHyperparameters,
    gains_of_codes: &mut GainsOfCodes,
) -> Result<Vec<GainModel>, GainTrainingError> {
    let samples =
        |training: &[usize]| -> Vec<&Sample> { training.iter().map(|&i| &measured[i].sample).collect() };
    // First step for all models, then one look at the pictures, then the second step.
    let mut fits: Vec<CodeFit> = Vec::new();
    let mut asked: Vec<Vec<Code>> = vec![Vec::new(); measured.len()];
    let mut places: Vec<Vec<usize>> = Vec::new();
    for training in trainings {
        let fit = fit_codes(&samples(training), hyper)?;
        let place = |(&i, code): (&usize, &Code)| {
            asked[i].push(code.clone());
            asked[i].len() - 1
        };
        places.push(training.iter().zip(&fit.out_of_fold).map(place).collect());
        fits.push(fit);
    }
    let answers = gains_of_codes(&asked).map_err(GainTrainingError::Measure)?;
    let names = choices.names();
    let mut models = Vec::new();
    for ((training, places), fit) in trainings.iter().zip(places).zip(fits) {
        let learned: Vec<Vec<Gain>> =
            training.iter().zip(places).map(|(&i, place)| answers[i][place].clone()).collect();
        models.push(fit_gains(&samples(training), fit, &learned, &names, hyper)?);
    }
    Ok(models)
}
