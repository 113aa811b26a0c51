//! The models of a fold: fitted on the pictures of all other folds.

use super::{best_fixed::best_fixed, error::TrialError, setup::TrialSetup};
use crate::{
    learning::TableRow,
    models::{
        classic::{Hyperparameters, training::classic_forest},
        gains::{
            GainCandidate, GainHyperparameters,
            fit::fit_alone,
            model::{GainModel, GainTable, Gate},
            sample::Sample,
        },
        predictor::Predictor,
    },
    search::SearchSpace,
    training::fit_models,
};

/// Hyperparameters of all models of a trial.
#[derive(Clone, Copy)]
pub struct TrialHyperparameters<'a> {
    /// Hyperparameters of the gains model and of the model of the three parameters.
    pub gains: &'a GainHyperparameters,
    /// Hyperparameters of the classic model.
    pub classic: &'a Hyperparameters,
}

/// The models that were fitted without one fold.
pub struct FoldModels {
    /// Model of [`Way::Model`](super::Way::Model).
    pub model: GainModel,
    /// Expected gains of [`Way::ThreeParameters`](super::Way::ThreeParameters).
    pub three_parameters: GainTable,
    /// Gate of [`Way::ThreeParameters`](super::Way::ThreeParameters).
    pub three_parameters_gate: Gate,
    /// Model of [`Way::Classic`](super::Way::Classic).
    pub classic: Predictor,
    /// Candidate of [`Way::BestFixed`](super::Way::BestFixed).
    pub best_fixed: GainCandidate,
}

/// Fits the models of every fold, see [`fit_models`].
///
/// # Errors
/// When there are too few sources or folds.
pub fn fit_folds(
    setup: &TrialSetup,
    hyperparameters: &TrialHyperparameters,
) -> Result<Vec<FoldModels>, TrialError> {
    let trainings = setup.folds.trainings();
    let models =
        fit_models(setup.measured, setup.folds.fold_of(), setup.choices, hyperparameters.gains, false)?;
    let models = models.without_fold;
    let fit = |(training, model): (&Vec<usize>, GainModel)| fit_fold(setup, hyperparameters, training, model);
    trainings.iter().zip(models).map(fit).collect()
}

/// Fits the other models of the fold that `model` was fitted for.
fn fit_fold(
    setup: &TrialSetup,
    hyperparameters: &TrialHyperparameters,
    training: &[usize],
    model: GainModel,
) -> Result<FoldModels, TrialError> {
    let measured =
        || training.iter().map(|&i| &setup.measured[i]).filter(|picture| !picture.classic.is_empty());
    let samples: Vec<&Sample> = measured().map(|m| &m.sample).collect();
    let gains: Vec<_> = measured().map(|m| m.classic.clone()).collect();
    let (three_parameters, three_parameters_gate) =
        fit_alone(&samples, &gains, &setup.three_parameter_candidates, hyperparameters.gains)?;
    let rows: Vec<&TableRow> =
        training.iter().filter_map(|i| setup.classic_inputs.get(i)?.row.as_ref()).collect();
    let classic = classic_forest(&rows, hyperparameters.classic, &SearchSpace::seed())?;
    let classic = Predictor::from_bytes(&classic.to_bytes())?;
    let best_fixed = best_fixed(setup, training);
    Ok(FoldModels { model, three_parameters, three_parameters_gate, classic, best_fixed })
}
