//! Trains a classic model, in reading order: table → split → both families fitted → held-out pictures scored → the
//! better family kept.
//!
//! The caller has the pictures. It restores the held-out ones by each model and returns their scores.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::{
    artifact::ModelArtifact,
    card::{FamilyReport, FixedBaseline, ModelCard, RestorationScores, SearchedBounds},
    hyperparameters::{CheckedHyperparameters, Hyperparameters},
    importance::permutation_importance,
    model::ParameterRegressors,
    r2::{TargetR2, few_rows_warning},
    samples::FitError,
};
use crate::{
    imaging::ParameterError,
    learning::{Groups, SplitError, Table, TableRow, split},
    models::{
        error::PredictError,
        family::Family,
        hyperparameters::HyperparametersError,
        provenance::{DatasetUse, LICENCE_NOT_STATED},
    },
    search::SearchSpace,
};

/// Share of the rows that are held out.
pub const HELD_OUT_SHARE: f64 = 0.2;

/// Number of permutations of each feature for its importance.
const IMPORTANCE_REPEATS: usize = 5;

/// The input of a training, except the pictures.
pub struct TrainingInput<'a> {
    /// Features and optima.
    pub table: &'a Table,
    /// Sources of the pictures.
    pub groups: &'a Groups,
    /// Hyperparameters, seed included.
    pub hyperparameters: Hyperparameters,
    /// Licence of each set, by name.
    pub licences: &'a BTreeMap<String, String>,
    /// The space in which the optima were searched.
    pub space: &'a SearchSpace,
}

/// Scores of the held-out pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOutScores {
    /// The pictures untouched.
    pub untouched: RestorationScores,
    /// The best single choice of parameters for all pictures.
    pub best_fixed: FixedBaseline,
    /// The pictures restored by each model, in the order of the models.
    pub restored: Vec<RestorationScores>,
}

/// Restores the held-out pictures of these names by each of the models, and returns their scores. Returns `None` when the
/// pictures do not exist.
pub type ScoreHeldOut<'a> = dyn FnMut(&[String], &[ModelArtifact]) -> Option<HeldOutScores> + 'a;

/// A classic model cannot be trained.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// The rows cannot be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A hyperparameter is out of its range.
    #[error(transparent)]
    Hyperparameters(#[from] HyperparametersError),
    /// The regressors cannot be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// An optimum lies outside the searched space. Bounds of a wrong space would clamp every prediction.
    #[error(
        "{filename} has {parameter} {got} for its optimum, which the space {space} does not hold (it goes from {min} to \
         {max}); --grid says in which space the tables were searched"
    )]
    OutsideSpace {
        /// Name of the row.
        filename: String,
        /// `sigma` or `strength`.
        parameter: &'static str,
        /// Value of the parameter.
        got: f64,
        /// Name of the space.
        space: String,
        /// The least value searched.
        min: f64,
        /// The largest value searched.
        max: f64,
    },
    /// A fitted model cannot predict.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A bound of the searched parameters is out of range.
    #[error("the bounds of the space that the model was trained on: {0}")]
    Bounds(#[from] ParameterError),
}

/// Fits both families on four fifths of the rows, compares them on the rest and keeps the better one.
///
/// Sources never straddle the split. With pictures, the better mean score of restored held-out pictures decides. Without,
/// the better mean R² over the parameters that vary decides. The forest wins ties. The same input gives the same model,
/// bit for bit.
///
/// # Errors
/// When the table is too small to split or fit, or a row is not from the space.
pub fn train(
    input: &TrainingInput,
    score_held_out: &mut ScoreHeldOut,
) -> Result<ModelArtifact, TrainingError> {
    let hyperparameters = input.hyperparameters.clone().check()?;
    check_space(input)?;
    let filenames = input.table.filenames();
    let split = split::by_source(&filenames, input.groups, HELD_OUT_SHARE, input.hyperparameters.seed)?;
    let (fit, held_out) = (input.table.select(&split.fit), input.table.select(&split.held_out));

    let mut card = describe_data(input, &fit, &held_out);
    let mut fitted: Vec<ModelArtifact> = Vec::new();
    for family in Family::ALL {
        let (artifact, report) = fit_family(family, &fit, &held_out, &hyperparameters, &card)?;
        fitted.push(artifact);
        card.families.push(report);
    }

    let names: Vec<String> = held_out.iter().map(|row| row.filename.clone()).collect();
    match score_held_out(&names, &fitted) {
        Some(scores) => record_scores(&scores, &mut card),
        None => {
            card.warnings.push("no pictures were at hand: the families were compared by R² alone".to_owned())
        }
    }
    let ModelArtifact { card: kept, regressors } = fitted.swap_remove(better(&card.families));

    card.family = kept.family;
    card.importances =
        Some(permutation_importance(&regressors, &held_out, IMPORTANCE_REPEATS, input.hyperparameters.seed)?);
    Ok(ModelArtifact { card, regressors })
}

/// Fits a random forest on all of `rows`, with nothing held out: the first system's way.
///
/// # Errors
/// When there are fewer than two rows, or a number is not finite.
pub fn classic_forest(
    rows: &[&TableRow],
    hyperparameters: &Hyperparameters,
    space: &SearchSpace,
) -> Result<ModelArtifact, TrainingError> {
    let checked = hyperparameters.clone().check()?;
    let family = Family::RandomForest;
    let regressors = ParameterRegressors::fit(rows, family, &checked)?;
    let card = ModelCard::new(family, hyperparameters.clone(), searched(space));
    Ok(ModelArtifact { card, regressors })
}

/// Fits one family. Returns its model, with the card of the data, and its results on the held-out rows.
fn fit_family(
    family: Family,
    fit: &[&TableRow],
    held_out: &[&TableRow],
    hyperparameters: &CheckedHyperparameters,
    data: &ModelCard,
) -> Result<(ModelArtifact, FamilyReport), TrainingError> {
    let regressors = ParameterRegressors::fit(fit, family, hyperparameters)?;
    let r2 = TargetR2::of(&regressors, held_out)?;
    data.bounds.check()?;
    let card = ModelCard { family, families: Vec::new(), ..data.clone() };
    Ok((ModelArtifact { card, regressors }, FamilyReport { family, r2, restoration: None }))
}

/// Makes the card of the data: where the rows come from, how they were split, what was searched, and warnings.
fn describe_data(input: &TrainingInput, fit: &[&TableRow], held_out: &[&TableRow]) -> ModelCard {
    let mut card = ModelCard::new(Family::RandomForest, input.hyperparameters.clone(), searched(input.space));
    let rows = input.table.rows();
    let mut sets: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *sets.entry(row.filename.rsplit_once('/').map_or("", |(set, _)| set)).or_default() += 1;
    }
    let licence = |set: &str| input.licences.get(set).map_or(LICENCE_NOT_STATED, String::as_str).to_owned();
    card.datasets = sets
        .into_iter()
        .map(|(set, n_rows)| DatasetUse { name: set.to_owned(), n_rows, licence: licence(set) })
        .collect();
    card.n_rows = rows.len();
    card.n_fit = fit.len();
    card.n_held_out = held_out.len();
    let sources: BTreeSet<String> = fit.iter().map(|row| input.groups.source(&row.filename)).collect();
    card.fit_sources = sources.into_iter().collect();
    card.warnings.extend(few_rows_warning(fit.len()));
    let n_alone = input.groups.fallbacks(rows.iter().map(|row| row.filename.as_str()));
    if n_alone > 0 {
        card.warnings.push(format!(
            "{n_alone} of {} pictures have no group: each file stem counts as a source picture of its own, so \
             copies of one picture may stand on both sides of the split",
            rows.len()
        ));
    }
    card
}

/// Checks that sigma and strength of every sharpened optimum are within the bounds of the space.
fn check_space(input: &TrainingInput) -> Result<(), TrainingError> {
    let bounds = searched(input.space);
    for row in input.table.rows().iter().filter(|row| row.sharpen_strength != 0.0) {
        for (parameter, got, min, max) in [
            ("sigma", row.sharpen_sigma, bounds.sigma_min, bounds.sigma_max),
            ("strength", row.sharpen_strength, bounds.strength_min, bounds.strength_max),
        ] {
            if !(min..=max).contains(&got) {
                let (filename, space) = (row.filename.clone(), input.space.name().to_owned());
                return Err(TrainingError::OutsideSpace { filename, parameter, got, space, min, max });
            }
        }
    }
    Ok(())
}

/// Returns the bounds of the sharpening candidates of a space.
fn searched(space: &SearchSpace) -> SearchedBounds {
    let sharpenings = || space.candidates().iter().filter_map(|c| c.parameters.sharpening());
    let bounds = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(None, |b: Option<(f64, f64)>, v| Some(b.map_or((v, v), |(l, h)| (l.min(v), h.max(v)))))
    };
    let (sigma_min, sigma_max) = bounds(&mut sharpenings().map(|s| s.sigma)).unwrap_or((1.0, 1.0));
    let (strength_min, strength_max) =
        bounds(&mut space.candidates().iter().map(|c| c.parameters.strength())).unwrap_or((0.0, 0.0));
    let color_ever_on = space.candidates().iter().any(|c| c.parameters.color_method().is_on());
    SearchedBounds { sigma_min, sigma_max, strength_min, strength_max, color_ever_on }
}

/// Writes the scores of the held-out pictures into the card.
fn record_scores(scores: &HeldOutScores, card: &mut ModelCard) {
    for (family, restored) in card.families.iter_mut().zip(&scores.restored) {
        family.restoration = Some(*restored);
    }
    card.untouched = Some(scores.untouched);
    card.best_fixed = Some(scores.best_fixed);
    if scores.untouched.n < card.n_held_out {
        card.warnings.push(format!(
            "only {} of {} held-out pictures were at hand and could be restored",
            scores.untouched.n, card.n_held_out
        ));
    }
}

/// Returns the index of the better family: by mean score of restored pictures, else by mean R². Among equals, the first.
fn better(families: &[FamilyReport]) -> usize {
    let merit = |family: &FamilyReport| match &family.restoration {
        Some(scores) => scores.mean_score,
        None => family.r2.mean().unwrap_or(f64::NEG_INFINITY),
    };
    let mut kept = 0;
    for (i, family) in families.iter().enumerate() {
        if merit(family) > merit(&families[kept]) {
            kept = i;
        }
    }
    kept
}
