//! The honest trial of a way of training: every picture restored by a model that saw none of its sources.

use anyhow::{Result, anyhow};

use super::{
    gain_pictures::{Measuring, TrainingPicture},
    parallel,
};
use pentimento_core::{
    imaging::{ColorMethod, pipeline},
    metrics::Quality,
    models::gains::{
        candidates::{Measured, gain},
        decide::{Decision, Fixed, decide},
        fit::{GainHyperparameters, SampleKind},
        model::{Gain, GainModel},
    },
    search::{SearchSpace, search},
    training::fit_models,
};

/// What a model of another fold did on a picture.
pub struct Trial {
    /// Index of the picture.
    pub picture: usize,
    /// What was done.
    pub decision: Decision,
    /// What it gained.
    pub gain: Gain,
    /// What came out.
    pub quality: Quality,
}

/// Fits one model per fold and one on everything (the last), and tries each of the former on its fold's damaged and
/// undamaged pictures.
///
/// # Errors
/// When a fold cannot be fitted or a picture not be read again.
pub fn cross_validate(
    pictures: &[TrainingPicture],
    measured: &[Measured],
    folds: &[usize],
    measuring: &Measuring,
    hyper: &GainHyperparameters,
) -> Result<(Vec<GainModel>, Vec<Trial>)> {
    let n_folds = folds.iter().max().map_or(0, |last| last + 1);
    let mut trainings: Vec<Vec<usize>> =
        (0..n_folds).map(|fold| (0..pictures.len()).filter(|&i| folds[i] != fold).collect()).collect();
    trainings.push((0..pictures.len()).collect());
    let mut gains = |codes: &[_]| {
        measuring.gains_of_codes(pictures, measured, codes).map_err(|error| format!("{error:#}"))
    };
    let models = fit_models(measured, &trainings, measuring.choices, hyper, &mut gains)?;
    let tested: Vec<usize> =
        (0..pictures.len()).filter(|&i| pictures[i].kind != SampleKind::Synthetic).collect();
    let nothing = SearchSpace::identity();
    let work = |&i: &usize| {
        let decision = decide(&models[folds[i]], &measured[i].sample.features, &Fixed::default(), true)?;
        let untouched = measured[i].untouched;
        if decision.parameters.is_identity() {
            return Ok(Trial { picture: i, decision, gain: Gain::default(), quality: untouched });
        }
        let (reference, damaged) = pictures[i].images(measuring.recipes, measuring.limits)?;
        let coefficients = pipeline::measure(&damaged, &decision.parameters, decision.transform.as_ref());
        let restored = pipeline::apply(damaged, &decision.parameters, &coefficients);
        let quality = search(&reference, &restored, &nothing)?[0];
        Ok(Trial { picture: i, decision, gain: gain(quality, untouched), quality })
    };
    let (outcomes, _) = parallel::run(&tested, measuring.threads, measuring.done, work)?;
    let trials: Vec<Trial> = outcomes.into_iter().collect::<Result<_>>()?;
    if trials.iter().any(|t| {
        t.decision.parameters.color_method() == ColorMethod::Learned && t.decision.transform.is_none()
    }) {
        return Err(anyhow!("a learned correction came without its transform"));
    }
    Ok((models, trials))
}
