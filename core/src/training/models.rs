//! Fits the models of all folds together.
//!
//! Every picture needs codes that were predicted without its source. So codes are fitted without each fold, for the model of
//! all pictures, and without each two folds, for the models of the folds:
//!
//! ```text
//! model of all pictures:   a picture of fold j has the code of the fit without j
//! model without fold k:    a picture of fold j has the code of the fit without j and k
//! ```
//!
//! With five folds, these are ten fits without two folds, five without one, and one with all.
//!
//! The bounds of the gates follow from what the models without a fold expect of the pictures of that fold. For the model
//! without fold k, only pictures of the other folds are looked at.

use rayon::prelude::*;

use super::error::GainTrainingError;
use crate::models::gains::{
    GainHyperparameters,
    choices::Choices,
    code::CodeModel,
    fit::{fit_codes, fit_gains},
    gate_choice::Judged,
    measure::MeasuredPicture,
    model::{Gain, GainModel},
    sample::Sample,
};

/// The models of a training.
pub struct FittedModels {
    /// For each fold, the model that was fitted without it.
    pub without_fold: Vec<GainModel>,
    /// The model that was fitted on all pictures; `None` if it was not asked for.
    pub of_all: Option<GainModel>,
}

/// Fits one model without each fold, and with `of_all` one more on all pictures. `folds` has the fold of each picture, from 0
/// without gaps.
///
/// # Errors
/// When there are fewer than three folds, a number is not finite, or a picture cannot be compared.
pub fn fit_models(
    measured: &[MeasuredPicture],
    folds: &[usize],
    choices: &Choices,
    hyper: &GainHyperparameters,
    of_all: bool,
) -> Result<FittedModels, GainTrainingError> {
    let n_folds = folds.iter().max().map_or(0, |last| last + 1);
    if n_folds < 3 {
        return Err(GainTrainingError::FewFolds { n_folds });
    }
    let fitted: Vec<usize> =
        (0..measured.len()).filter(|&i| measured[i].sample.origin.kind.is_fitted()).collect();
    let side = |without: &[usize]| -> Vec<usize> {
        fitted.iter().copied().filter(|&i| !without.contains(&folds[i])).collect()
    };
    let samples = |side: &[usize]| -> Vec<&Sample> { side.iter().map(|&i| &measured[i].sample).collect() };
    let fit = |without: &[usize]| -> Result<CodeModel, GainTrainingError> {
        let name = without.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        Ok(fit_codes(&samples(&side(without)), hyper, &name)?)
    };
    // `gains[i][k]` are the gains of picture i's code in the model without fold k; place `n_folds` is the model of all.
    let mut gains: Vec<Vec<Vec<Gain>>> = vec![vec![Vec::new(); n_folds + 1]; measured.len()];
    let mut measure = |model: &CodeModel, of_fold: usize, place: usize| -> Result<(), GainTrainingError> {
        let of = |&i: &usize| {
            let code = model.code(&measured[i].sample.features)?;
            Ok((i, measured[i].small.learned_gains(&code)?))
        };
        let pictures: Vec<usize> = fitted.iter().copied().filter(|&i| folds[i] == of_fold).collect();
        let found: Vec<(usize, Vec<Gain>)> =
            pictures.par_iter().map(of).collect::<Result<_, GainTrainingError>>()?;
        found.into_iter().for_each(|(i, found)| gains[i][place] = found);
        Ok(())
    };
    for j in 0..n_folds {
        for k in j + 1..n_folds {
            let model = fit(&[j, k])?;
            measure(&model, j, k)?;
            measure(&model, k, j)?;
        }
    }
    let mut codes = Vec::new();
    for j in 0..n_folds {
        let model = fit(&[j])?;
        measure(&model, j, n_folds)?;
        codes.push(model);
    }
    let candidates = choices.candidates();
    let finish = |codes: CodeModel, side: Vec<usize>, place: usize| -> Result<GainModel, GainTrainingError> {
        let learned: Vec<Vec<Gain>> = side.iter().map(|&i| gains[i][place].clone()).collect();
        Ok(fit_gains(&samples(&side), codes, &learned, &candidates, hyper)?)
    };
    let mut of_all = if of_all { Some(finish(fit(&[])?, side(&[]), n_folds)?) } else { None };
    let without_fold = codes.into_iter().enumerate().map(|(fold, codes)| finish(codes, side(&[fold]), fold));
    let mut without_fold: Vec<GainModel> = without_fold.collect::<Result<_, _>>()?;
    let judge = |&i: &usize| -> Result<Judged, GainTrainingError> {
        let sample = &measured[i].sample;
        Ok(Judged {
            origin: &sample.origin,
            expectation: without_fold[folds[i]].color.expect(&sample.features)?,
            gains: [&gains[i][n_folds][..], &sample.color].concat(),
        })
    };
    let judged: Vec<Judged> = fitted.par_iter().map(judge).collect::<Result<_, _>>()?;
    let without = |fold: usize| -> Vec<&Judged> {
        fitted.iter().zip(&judged).filter(|(i, _)| folds[**i] != fold).map(|(_, judged)| judged).collect()
    };
    if let Some(model) = &mut of_all {
        model.choose_gates(&judged.iter().collect::<Vec<_>>());
    }
    for (fold, model) in without_fold.iter_mut().enumerate() {
        model.choose_gates(&without(fold));
    }
    Ok(FittedModels { without_fold, of_all })
}
