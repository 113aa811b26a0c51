//! Gathers the results of all pictures.

use super::{
    folds::FoldModels,
    measurements::{FoldNote, GateSweep, PictureKind, TrialMeasurements, TrialRow},
    picture::PictureMeasurement,
    plan::SWEPT_HARM_MAX,
    setup::{HeldOut, TrialSetup},
    way::Way,
};
use crate::models::{
    Assume,
    gains::{measure::MeasuredPicture, model::Gate, sample::SampleKind},
};

/// Note about the oracle in every report.
const ORACLE_NOTE: &str = "best_in_hand is the oracle: the candidate with the highest score on the picture itself, \
     chosen with the reference known. Its candidates are the identity, every measured candidate with one operator or of \
     the three parameters, and the learned corrections of the fold's model. A model that corrects colours and sharpens \
     can exceed it.";

/// Names of a held-out picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialPicture {
    /// `SET/NAME`.
    pub name: String,
    /// Name of the damage of the damaged picture, where known.
    pub damage: Option<String>,
}

/// Gathers the results on the held-out pictures; `results` are in the order of [`TrialFolds::held_out`].
///
/// [`TrialFolds::held_out`]: super::TrialFolds::held_out
pub fn trial_measurements(
    setup: &TrialSetup,
    models: &[FoldModels],
    results: Vec<(TrialPicture, PictureMeasurement)>,
) -> TrialMeasurements {
    let sweep = |way| GateSweep { way, harm_max: SWEPT_HARM_MAX.to_vec(), gains: Vec::new() };
    let (mut three_parameters, mut model) = (sweep(Way::ThreeParameters), sweep(Way::Model));
    let (mut rows, mut forecasts) = (Vec::new(), Vec::new());
    for (held_out, (picture, mut result)) in setup.folds.held_out().iter().zip(results) {
        forecasts.append(&mut result.forecasts);
        three_parameters.gains.push(std::mem::take(&mut result.three_parameters_swept));
        model.gains.push(std::mem::take(&mut result.model_swept));
        rows.push(row(&setup.measured[held_out.picture], held_out.fold, picture, result));
    }
    TrialMeasurements {
        rows,
        forecasts,
        sweeps: vec![three_parameters, model],
        folds: fold_notes(setup, models),
        notes: vec![ORACLE_NOTE.to_owned()],
    }
}

fn row(
    measured: &MeasuredPicture,
    fold: usize,
    picture: TrialPicture,
    result: PictureMeasurement,
) -> TrialRow {
    let is_damaged = measured.sample.origin.kind == SampleKind::Damaged;
    TrialRow {
        name: picture.name,
        set: measured.sample.origin.set.clone(),
        source: measured.sample.origin.source.clone(),
        kind: if is_damaged { PictureKind::Damaged } else { PictureKind::Undamaged },
        damage: picture.damage.filter(|_| is_damaged),
        fold,
        ways: result.ways,
        forecast: result.forecast,
    }
}

/// Returns the notes on the fit of each fold.
fn fold_notes(setup: &TrialSetup, models: &[FoldModels]) -> Vec<FoldNote> {
    let is_open = |gate: Gate| (gate != Gate::CLOSED).then_some(gate);
    let note = |(fold, (models, training)): (usize, (&FoldModels, Vec<usize>))| FoldNote {
        fold,
        n_training: training.len(),
        n_held_out: setup.folds.held_out().iter().filter(|HeldOut { fold: its, .. }| *its == fold).count(),
        best_fixed: models.best_fixed.name(),
        color_gate: is_open(models.model.gates(Assume::Auto).color),
        detail_gate: is_open(models.model.gates(Assume::Auto).detail),
        three_parameters_gate: is_open(models.three_parameters_gate),
    };
    models.iter().zip(setup.folds.trainings()).enumerate().map(note).collect()
}
