//! Trains a gains model from a dataset: opens the pictures, measures them, and passes them to the training of the core.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::{
    gain_pictures::{Measuring, TrainingPicture},
    parallel,
};
use pentimento_core::{
    learning::Groups,
    metrics::Quality,
    models::gains::{GainArtifact, GainHyperparameters, decide::Decision, measure::MeasuredPicture},
    training::{GainTrainingInput, TrainingPictures, restored_quality, train},
};

/// The inputs of a training of a gains model.
pub struct GainTraining<'a> {
    /// The pictures.
    pub pictures: Vec<TrainingPicture>,
    /// Sources and folds of the pictures.
    pub groups: &'a Groups,
    /// Licence of each set, by name.
    pub licences: &'a BTreeMap<String, String>,
    /// Hyperparameters, seed included.
    pub hyperparameters: GainHyperparameters,
    /// How to work through the pictures.
    pub measuring: Measuring<'a>,
}

/// A trained model and the pictures that failed.
pub struct GainTrained {
    /// The model with its card.
    pub artifact: GainArtifact,
    /// Names of pictures that could not be measured, with the reasons.
    pub failed: Vec<(String, String)>,
}

/// Trains a model on all pictures that can be measured. Its card states the results of cross-validation.
///
/// # Errors
/// When there are too few pictures or sources, or a measured picture cannot be read again.
pub fn train_gains(training: GainTraining) -> Result<GainTrained> {
    let GainTraining { pictures, groups, licences, hyperparameters, measuring } = training;
    let (pictures, measured, failed) = measuring.measure_all(pictures)?;
    if pictures.is_empty() {
        bail!("no picture could be measured");
    }
    let input = GainTrainingInput {
        measured: &measured,
        choices: measuring.choices,
        groups,
        licences,
        hyperparameters: &hyperparameters,
    };
    let files = PictureFiles { pictures: &pictures, measured: &measured, measuring: &measuring };
    Ok(GainTrained { artifact: train(&input, &files)?, failed })
}

/// The measured pictures and their files.
struct PictureFiles<'a> {
    pictures: &'a [TrainingPicture],
    measured: &'a [MeasuredPicture],
    measuring: &'a Measuring<'a>,
}

impl PictureFiles<'_> {
    fn restore(&self, decided: &[(usize, Decision)]) -> Result<Vec<Quality>> {
        let Self { pictures, measured, measuring } = self;
        let work = |&(i, ref decision): &(usize, Decision)| {
            if decision.parameters.is_identity() {
                return Ok(measured[i].untouched);
            }
            let (reference, damaged) = pictures[i].images(measuring.recipes, measuring.limits)?;
            Ok(restored_quality(&reference, damaged, decision)?)
        };
        let (outcomes, _) = parallel::run(decided, measuring.threads, measuring.done, work)?;
        outcomes.into_iter().collect()
    }
}

impl TrainingPictures for PictureFiles<'_> {
    fn restored(&self, decided: &[(usize, Decision)]) -> Result<Vec<Quality>, String> {
        self.restore(decided).map_err(|error| format!("{error:#}"))
    }
}
