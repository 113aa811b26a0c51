//! The story of one batch, read top-down: pairs → optima → table → trained models → evaluation → the better one.
//!
//! The shell loads pictures and stores results; here is what happens between.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::{
    evaluation::{PairEvaluation, PairOptimum, QualityMeans, report},
    learning::{Groups, SplitError, Table, TableRow, split},
    models::{
        classic::{
            CheckedHyperparameters, Family, FitError, Hyperparameters, HyperparametersError, ModelCard,
            ParameterRegressors, PredictError, TargetR2,
            artifact::ModelArtifact,
            card::{
                DatasetUse, FamilyReport, FixedBaseline, PredictedParameters, RestorationScores,
                SearchedBounds,
            },
            permutation_importance,
            r2::few_rows_warning,
        },
        predictor::{Predictor, PredictorError},
    },
    search::SearchSpace,
};

/// Share of the rows that are held out.
pub const HELD_OUT_SHARE: f64 = 0.2;

/// Permutations per feature behind an importance.
const IMPORTANCE_REPEATS: usize = 5;

/// What the card says of a set whose licence nobody told.
const LICENCE_UNKNOWN: &str = "not stated";

/// What training is given beside the pictures.
pub struct TrainingInput<'a> {
    /// Optima found by the search.
    pub table: &'a Table,
    /// Which picture comes from which source.
    pub groups: &'a Groups,
    /// How to fit, seed included.
    pub hyperparameters: Hyperparameters,
    /// Licence of each set, by name.
    pub licences: &'a BTreeMap<String, String>,
    /// The space that the table was searched in.
    pub space: &'a SearchSpace,
}

/// Restores the held-out pictures of these names by each of the models; `None` when the pictures are not at hand.
pub type RestoreHeldOut<'a> = dyn FnMut(&[String], &[&Predictor]) -> Option<Vec<PairEvaluation>> + 'a;

/// A model cannot be trained.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// The rows cannot be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Bad hyperparameters.
    #[error(transparent)]
    Hyperparameters(#[from] HyperparametersError),
    /// The table cannot be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A row found best what the space never tried: bounds of the wrong space would clamp every prediction.
    #[error(
        "{filename} has {parameter} {got} for its optimum, which the space {space} does not hold (it goes from {min} to \
         {max}); --grid says in which space the tables were searched"
    )]
    OutsideSpace {
        /// The row.
        filename: String,
        /// `sigma` or `strength`.
        parameter: &'static str,
        /// Its value.
        got: f64,
        /// The space's name.
        space: String,
        /// The least value searched.
        min: f64,
        /// The largest value searched.
        max: f64,
    },
    /// A fitted model cannot predict.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A fitted model cannot be used.
    #[error(transparent)]
    Predictor(#[from] PredictorError),
}

/// The row of a pair in the training table.
pub fn table_row(filename: &str, optimum: &PairOptimum, space: &SearchSpace) -> TableRow {
    let (winner, quality) = (&space.candidates()[optimum.best].parameters, optimum.candidates[optimum.best]);
    TableRow {
        filename: filename.to_owned(),
        similarity_score: quality.score(),
        psnr: quality.psnr,
        ssim: quality.ssim,
        features: optimum.features,
        color_method: winner.color_method().name().to_owned(),
        apply_color_correction: winner.color_method().is_on(),
        sharpen_sigma: winner.sigma(),
        sharpen_strength: winner.strength(),
    }
}

/// Trains both families on four fifths of the sources, evaluates them on the rest and keeps the better one.
///
/// With pictures at hand the better mean score of restored held-out pictures decides, otherwise the better mean R²
/// over the parameters that vary; the forest wins ties. The same input gives the same model, bit for bit.
///
/// # Errors
/// When the table is too small to split or fit.
pub fn train(
    input: &TrainingInput,
    restore_held_out: &mut RestoreHeldOut,
) -> Result<ModelArtifact, TrainingError> {
    let hyperparameters = input.hyperparameters.clone().check()?;
    check_space(input)?;
    let filenames = input.table.filenames();
    let split = split::by_source(&filenames, input.groups, HELD_OUT_SHARE, input.hyperparameters.seed)?;
    let (fit, held_out) = (input.table.select(&split.fit), input.table.select(&split.held_out));

    let mut card = describe_data(input, &fit, &held_out);
    let fitted = [Family::RandomForest, Family::GradientBoosting]
        .into_iter()
        .map(|family| fit_family(family, &fit, &held_out, &hyperparameters, &card))
        .collect::<Result<Vec<_>, _>>()?;

    let names: Vec<String> = held_out.iter().map(|row| row.filename.clone()).collect();
    let predictors: Vec<&Predictor> = fitted.iter().map(|f| &f.predictor).collect();
    let mut families: Vec<FamilyReport> = fitted.iter().map(|f| f.report.clone()).collect();
    match restore_held_out(&names, &predictors) {
        Some(pairs) if !pairs.is_empty() => record_restoration(&pairs, input.space, &mut card, &mut families),
        _ => {
            card.warnings.push("no pictures were at hand: the families were compared by R² alone".to_owned())
        }
    }
    let kept = better(&families);
    let winner = fitted.into_iter().nth(kept).expect("one of two");

    card.family = winner.family;
    card.families = families;
    card.importances = Some(permutation_importance(
        &winner.regressors,
        &held_out,
        IMPORTANCE_REPEATS,
        input.hyperparameters.seed,
    )?);
    Ok(ModelArtifact { card, regressors: winner.regressors })
}

/// The first system's way on all of `rows`, nothing held out: a forest that regresses the three parameters.
///
/// # Errors
/// When there are fewer than two rows, or a number is not finite.
pub fn classic_forest(
    rows: &[&TableRow],
    hyperparameters: &Hyperparameters,
    space: &SearchSpace,
) -> Result<Predictor, TrainingError> {
    let checked = hyperparameters.clone().check()?;
    let family = Family::RandomForest;
    let regressors = ParameterRegressors::fit(rows, family, &checked)?;
    let card = ModelCard::new(family, hyperparameters.clone(), searched(space));
    Ok(Predictor::from_bytes(&ModelArtifact { card, regressors }.to_bytes())?)
}

struct Fitted {
    family: Family,
    regressors: ParameterRegressors,
    predictor: Predictor,
    report: FamilyReport,
}

fn fit_family(
    family: Family,
    fit: &[&TableRow],
    held_out: &[&TableRow],
    hyperparameters: &CheckedHyperparameters,
    card: &ModelCard,
) -> Result<Fitted, TrainingError> {
    let regressors = ParameterRegressors::fit(fit, family, hyperparameters)?;
    let r2 = TargetR2::of(&regressors, held_out)?;
    let artifact = ModelArtifact { card: ModelCard { family, ..card.clone() }, regressors };
    let predictor = Predictor::from_bytes(&artifact.to_bytes())?;
    let report = FamilyReport { family, r2, restoration: None };
    Ok(Fitted { family, regressors: artifact.regressors, predictor, report })
}

/// What the card says before anything is fitted: the data, the split, what was searched, and what to beware of.
fn describe_data(input: &TrainingInput, fit: &[&TableRow], held_out: &[&TableRow]) -> ModelCard {
    let mut card = ModelCard::new(Family::RandomForest, input.hyperparameters.clone(), searched(input.space));
    let rows = input.table.rows();
    let mut sets: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *sets.entry(row.filename.rsplit_once('/').map_or("", |(set, _)| set)).or_default() += 1;
    }
    let licence = |set: &str| input.licences.get(set).map_or(LICENCE_UNKNOWN, String::as_str).to_owned();
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

/// Sigma and strength of every sharpened optimum lie within what the space holds.
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

/// The bounds of the space's sharpening candidates.
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

/// Puts what restoring the held-out pictures showed into the card.
fn record_restoration(
    pairs: &[PairEvaluation],
    space: &SearchSpace,
    card: &mut ModelCard,
    families: &mut [FamilyReport],
) {
    for (which, family) in families.iter_mut().enumerate() {
        let report = report(pairs, which, "", space, &|_| false);
        let section = &report.blocks[0].mean_over_pictures;
        let scores = |summary: &QualityMeans| RestorationScores {
            mean_psnr: summary.psnr,
            mean_ssim: summary.ssim,
            mean_score: summary.score,
            mean_gain: summary.gain,
            harm_share: summary.harm,
            n: section.n,
        };
        family.restoration = Some(scores(&section.model));
        card.untouched = Some(scores(&section.untouched));
        let fixed = &space.candidates()[report.best_fixed.index].parameters;
        card.best_fixed = Some(FixedBaseline {
            parameters: PredictedParameters {
                color: fixed.color_method().is_on(),
                sigma: fixed.sigma(),
                strength: fixed.strength(),
            },
            scores: scores(&section.best_fixed),
        });
        if which == 0 && section.n < card.n_held_out {
            card.warnings.push(format!(
                "only {} of {} held-out pictures were at hand and could be restored",
                section.n, card.n_held_out
            ));
        }
    }
}

/// Index of the better family: by mean score of restored pictures, else by mean R²; the first among equals.
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
