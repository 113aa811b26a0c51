//! Trains the built-in kind of model, in reading order: measured pictures → transforms → gains → gates → model → folds
//! → card.
//!
//! 1. The caller measures the pictures: features, fitting transforms, gains of all candidates that need no prediction.
//! 2. Every picture gets a fold. For each fold a model is fitted without its pictures; one more is fitted on all
//!    pictures.
//! 3. A model is fitted in two steps: what predicts transforms, then forests that expect gains. Between the steps, the
//!    gains of transforms that were predicted without the picture's fold are measured on small copies.
//! 4. The model without a fold decides for the fold's pictures, the caller restores them, and the card states the gains.
//!
//! The caller opens files, uses threads and shows progress: see [`TrainingPictures`].

mod card;
mod cross_validate;
mod error;
mod folds;
mod input;
mod models;
mod pictures;

use crate::models::gains::GainArtifact;

pub use self::{
    error::GainTrainingError,
    folds::folds_of,
    input::GainTrainingInput,
    models::{FittedModels, fit_models},
    pictures::{TrainingPictures, restored_quality},
};

/// Trains a model on all pictures. Its card states cross-validated results: each picture is restored by a model that
/// was fitted in the same way without the picture's fold.
///
/// The same input gives the same model, bit for bit.
///
/// # Errors
/// When there are no pictures or too few sources, or a picture cannot be measured again.
pub fn train(
    input: &GainTrainingInput,
    pictures: &dyn TrainingPictures,
) -> Result<GainArtifact, GainTrainingError> {
    let GainTrainingInput { measured, choices, groups, hyperparameters, .. } = *input;
    let folds = folds_of(measured, groups, hyperparameters.seed)?;
    let fitted = fit_models(measured, &folds, choices, hyperparameters, true)?;
    let Some(model) = fitted.of_all else { return Err(GainTrainingError::NoPictures) };
    let trials = cross_validate::cross_validate(measured, &folds, &fitted.without_fold, pictures)?;
    Ok(GainArtifact { card: card::describe(input, &trials), model })
}
