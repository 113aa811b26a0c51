//! A trial over a dataset: opens the pictures, and runs the steps of [`pentimento_core::evaluation::trial`] on the pixel
//! pool.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::{
    damages::Damages,
    gain_pictures::{Measuring, TrainingPicture},
    parallel,
    photograph_trial::{MeasuredForTrial, TriedPhotograph, try_photographs},
};
use pentimento_core::{
    evaluation::trial::{
        ClassicInput, FoldModels, HeldOut, HeldOutPicture, PictureMeasurement, PicturePlan, TrialFolds,
        TrialHyperparameters, TrialPicture, TrialReport, TrialSetup, fit_folds, plan_pictures,
        trial_measurements, trial_report,
    },
    learning::Groups,
    models::gains::decide::Decision,
    training::folds_of,
};

/// What a trial needs besides the pictures.
pub struct TrialSettings<'a> {
    /// Source and fold of each picture.
    pub groups: &'a Groups,
    /// Damage of each picture, where known.
    pub damages: &'a Damages,
    /// How the models are fitted.
    pub hyperparameters: TrialHyperparameters<'a>,
    /// How pictures are opened and measured.
    pub measuring: &'a Measuring<'a>,
}

/// The results of a trial.
pub struct FinishedTrial {
    /// The report.
    pub report: TrialReport,
    /// Each picture with the model's decision, in the order of the report's pictures.
    pub pictures: Vec<(TrainingPicture, Decision)>,
    /// Each photograph with what was done to it, in the order of the report's photographs.
    pub photographs: Vec<TriedPhotograph>,
    /// Names of pictures that could not be measured, each with the reason.
    pub failed: Vec<(String, String)>,
}

/// Measures the pictures, fits the models of each fold, and restores each held-out picture in every way. Photographs are
/// restored by the same models.
///
/// # Errors
/// When there are too few sources, a source lies in several folds, or a picture cannot be read again.
pub fn run_trial(pictures: Vec<TrainingPicture>, settings: &TrialSettings) -> Result<FinishedTrial> {
    let measuring = settings.measuring;
    let (pictures, measured, failed) = measuring.measure_all(pictures)?;
    let folds = folds_of(&measured, settings.groups, settings.hyperparameters.gains.seed)?;
    let folds = TrialFolds::new(&measured, folds)?;
    let classic_inputs = classic_inputs(&pictures, &folds, measuring)?;
    let setup = TrialSetup::new(&measured, measuring.choices, folds, classic_inputs);
    let mut models = fit_folds(&setup, &settings.hyperparameters)?;
    let plans = plan_pictures(&setup, &mut models)?;
    let results = restore_all(&pictures, &setup, &models, &plans, measuring)?;
    let held_out = || setup.folds.held_out().iter().map(|held_out| &pictures[held_out.picture]);
    let named = held_out().zip(results).map(|(picture, result)| {
        let damage = settings.damages.of(&picture.name).map(str::to_owned);
        (TrialPicture { name: picture.name.clone(), damage }, result)
    });
    let mut report = trial_report(trial_measurements(&setup, &models, named.collect()));
    let of_trial = MeasuredForTrial {
        pictures: &pictures,
        measured: &measured,
        folds: setup.folds.fold_of(),
        models: &models,
        measuring,
    };
    let (photographs, tried) = try_photographs(&of_trial)?.unzip();
    report.photographs = photographs;
    let pictures = held_out().cloned().zip(plans.iter().map(|plan| plan.decision)).collect();
    Ok(FinishedTrial { report, pictures, photographs: tried.unwrap_or_default(), failed })
}

/// Opens each held-out picture and measures the input of the classic way.
fn classic_inputs(
    pictures: &[TrainingPicture],
    folds: &TrialFolds,
    measuring: &Measuring,
) -> Result<BTreeMap<usize, ClassicInput>> {
    let work = |held_out: &HeldOut| {
        let picture = &pictures[held_out.picture];
        let (reference, damaged) = picture.images(measuring.recipes, measuring.limits)?;
        Ok(ClassicInput::of(&picture.name, picture.kind, &reference, &damaged)?)
    };
    let (inputs, _) = parallel::run(folds.held_out(), measuring.threads, measuring.done, work)?;
    let indexed = folds.held_out().iter().zip(inputs).map(|(&HeldOut { picture, .. }, input)| {
        Ok((picture, input.with_context(|| pictures[picture].name.clone())?))
    });
    indexed.collect()
}

/// Opens each held-out picture, restores it in every way and measures the results.
fn restore_all(
    pictures: &[TrainingPicture],
    setup: &TrialSetup,
    models: &[FoldModels],
    plans: &[PicturePlan],
    measuring: &Measuring,
) -> Result<Vec<PictureMeasurement>> {
    let planned: Vec<(HeldOut, &PicturePlan)> = setup.folds.held_out().iter().copied().zip(plans).collect();
    let work = |&(held_out, plan): &(HeldOut, &PicturePlan)| {
        let picture = &pictures[held_out.picture];
        let (reference, damaged) = picture.images(measuring.recipes, measuring.limits)?;
        Ok(HeldOutPicture::new(setup, models, held_out).measure(plan, reference, damaged)?)
    };
    let (results, _) = parallel::run(&planned, measuring.threads, measuring.done, work)?;
    let results = planned.iter().zip(results);
    results
        .map(|((held_out, _), result)| result.with_context(|| pictures[held_out.picture].name.clone()))
        .collect()
}
