//! Plans what each way does with each held-out picture. No picture is opened for it.

use super::{
    error::TrialError,
    folds::FoldModels,
    setup::{ClassicInput, TrialSetup},
};
use crate::{
    features::{Features, Schema},
    imaging::{RestorationParameters, operators::color_transform::ColorTransform},
    models::{
        Assume,
        gains::{
            GainCandidate,
            decide::{Decision, decide},
            model::Gate,
        },
        predictor::RequestedParameters,
    },
};

/// Bounds on the expected harm that are tried after the measurement. The other bounds of the gates stay.
pub const SWEPT_HARM_MAX: [f64; 10] = [0.02, 0.05, 0.08, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 1.01];

/// A restoration to be applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedRestoration {
    /// Parameters of the restoration.
    pub parameters: RestorationParameters,
    /// Transform of a learned colour correction.
    pub transform: Option<ColorTransform>,
}

impl PlannedRestoration {
    /// The restoration that changes nothing.
    pub const IDENTITY: Self = Self { parameters: RestorationParameters::IDENTITY, transform: None };

    /// Returns the restoration by a candidate that needs no prediction.
    pub fn by(candidate: &GainCandidate) -> Self {
        Self { parameters: candidate.parameters(), transform: None }
    }

    /// Returns the restoration that a gains model decided on.
    pub fn decided(decision: &Decision) -> Self {
        Self { parameters: decision.parameters, transform: decision.transform }
    }
}

/// The plan for one picture: what each way does. The oracle is missing, since it needs the measured gains.
#[derive(Clone, Debug, PartialEq)]
pub struct PicturePlan {
    /// Restoration by the best fixed candidate.
    pub best_fixed: PlannedRestoration,
    /// Restoration by the classic model.
    pub classic: PlannedRestoration,
    /// Restoration by the model of the three parameters.
    pub three_parameters: PlannedRestoration,
    /// Decision of the model.
    pub decision: Decision,
    /// Restorations of the three parameters' model with each of [`SWEPT_HARM_MAX`].
    pub three_parameters_swept: Vec<PlannedRestoration>,
    /// Restorations of the model with each of [`SWEPT_HARM_MAX`].
    pub model_swept: Vec<PlannedRestoration>,
}

/// Plans the held-out pictures, in their order. Varies the gates of `models` and restores them at the end.
///
/// # Errors
/// When a model cannot use the features of a picture.
pub fn plan_pictures(setup: &TrialSetup, models: &mut [FoldModels]) -> Result<Vec<PicturePlan>, TrialError> {
    let held_out = setup.folds.held_out();
    let pictures: Vec<PlannedPicture> = held_out
        .iter()
        .map(|held_out| PlannedPicture {
            features: &setup.measured[held_out.picture].sample.features,
            classic: &setup.classic_inputs[&held_out.picture],
            fold: held_out.fold,
        })
        .collect();
    let mut plans: Vec<PicturePlan> =
        pictures.iter().map(|picture| picture.plan(&models[picture.fold])).collect::<Result<_, _>>()?;
    let gates: Vec<_> = models.iter().map(|fold| fold.model.gates).collect();
    for harm_max in SWEPT_HARM_MAX {
        for fold in models.iter_mut() {
            let gates = &mut fold.model.gates[Assume::Auto as usize];
            (gates.color.harm_max, gates.detail.harm_max) = (harm_max, harm_max);
        }
        for (plan, picture) in plans.iter_mut().zip(&pictures) {
            picture.sweep(&models[picture.fold], harm_max, plan)?;
        }
    }
    for (fold, gates) in models.iter_mut().zip(gates) {
        fold.model.gates = gates;
    }
    Ok(plans)
}

/// The numbers of a held-out picture that its plan is made from.
struct PlannedPicture<'a> {
    /// Features of the gains models.
    features: &'a [f32],
    classic: &'a ClassicInput,
    fold: usize,
}

impl PlannedPicture<'_> {
    /// Plans all ways; the sweeps are left empty.
    fn plan(&self, models: &FoldModels) -> Result<PicturePlan, TrialError> {
        let decision = self.decide(models)?;
        let seed = Features { schema: Schema::Seed, values: self.classic.features.to_vec() };
        // The classic model ignores the size.
        let size = (usize::MAX, usize::MAX);
        let predicted = models.classic.predict(&seed, size, &RequestedParameters::default())?;
        Ok(PicturePlan {
            best_fixed: PlannedRestoration::by(&models.best_fixed),
            classic: PlannedRestoration { parameters: predicted.parameters(), transform: None },
            three_parameters: self.three_parameters(models, models.three_parameters_gate)?,
            decision,
            three_parameters_swept: Vec::new(),
            model_swept: Vec::new(),
        })
    }

    /// Adds to `plan` what the models do with the bound `harm_max`, which the gates of `models.model` already have.
    fn sweep(&self, models: &FoldModels, harm_max: f64, plan: &mut PicturePlan) -> Result<(), TrialError> {
        let gate = Gate { harm_max, ..models.three_parameters_gate };
        plan.model_swept.push(PlannedRestoration::decided(&self.decide(models)?));
        plan.three_parameters_swept.push(self.three_parameters(models, gate)?);
        Ok(())
    }

    fn decide(&self, models: &FoldModels) -> Result<Decision, TrialError> {
        let sharpens = self.classic.is_of_trained_size;
        Ok(decide(&models.model, self.features, &RequestedParameters::default(), sharpens)?)
    }

    /// Returns what the model of the three parameters chooses with this gate.
    fn three_parameters(&self, models: &FoldModels, gate: Gate) -> Result<PlannedRestoration, TrialError> {
        if models.model.is_outside(self.features) {
            return Ok(PlannedRestoration::IDENTITY);
        }
        let table = &models.three_parameters;
        let expectation = table.expect(self.features)?;
        let chosen = gate.choose(&expectation.gains, expectation.undamaged);
        Ok(chosen.map_or(PlannedRestoration::IDENTITY, |i| PlannedRestoration::by(&table.candidates[i])))
    }
}
