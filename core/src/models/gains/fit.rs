//! Fits a [`GainModel`] in two steps: first the transforms of pictures, then the gains of every candidate.
//!
//! Training pictures must have codes as uncertain as those of new pictures will be. So the second step uses out-of-fold
//! codes of training pictures. Folds keep the pictures of one source together. The caller has the pictures: between the
//! steps, it measures what the predicted transforms gain.

use thiserror::Error;

use super::{
    candidate::GainCandidate,
    choices::CandidateLists,
    code::{CODE_LENGTH, CodeModel, TransformCode},
    hyperparameters::GainHyperparameters,
    model::{Gain, GainModel, GainTable, Gate, cut_score},
    sample::{Sample, sample_weights},
    weight_forest::{
        FeatureRanges, LocalColumns, NumberRows, NumberRowsError, RangesError, WeightForest,
        WeightForestError, WeightsError,
    },
};
use crate::{
    features::rich::RICH_NAMES,
    learning::folds::{FoldsError, grouped_folds},
    models::hyperparameters::HyperparametersError,
};

/// Number of folds within the training, for out-of-fold codes of its pictures.
const INNER_FOLDS: usize = 5;
/// Share of the rows at either end of a feature's range that count as its tails.
const TAIL: f64 = 0.01;
/// Number of candidates kept of those that sharpen, smooth or denoise.
const DETAILS_KEPT: usize = 16;
/// Bound on the expected share of harm: at least seven in ten similar training pictures were not harmed. It is a policy and
/// not fitted: fitted bounds depended on single pictures of small sets.
const HARM_MAX: f64 = 0.3;
/// Price of a harmed picture, in score. With a price, the less harmful of two similar candidates is chosen.
const HARM_PRICE: f64 = 0.2;
/// Gate of colour corrections. Nine in ten similar pictures must have lost less than 0.2 in score, as a wrong correction can
/// cost decibels.
const COLOR_GATE: Gate =
    Gate { margin: 0.01, harm_max: HARM_MAX, score_low_min: -0.2, harm_price: HARM_PRICE };
/// Gate of candidates that sharpen, smooth or denoise. A wrong one costs little.
const DETAIL_GATE: Gate =
    Gate { margin: 0.005, harm_max: HARM_MAX, score_low_min: -1.0, harm_price: HARM_PRICE };

/// Features on which the regression of codes runs: black, middle and white of each channel. Colour transforms depend
/// most on these.
const LOCAL_FEATURES: [&str; 9] =
    ["red_p1", "red_p50", "red_p99", "green_p1", "green_p50", "green_p99", "blue_p1", "blue_p50", "blue_p99"];

/// Returns the indices of [`LOCAL_FEATURES`] in the schema.
fn local_columns() -> [usize; 9] {
    let place = |name| RICH_NAMES.iter().position(|&known| known == name);
    LOCAL_FEATURES.map(|name| place(name).expect("the schema has these features"))
}

/// A model of gains cannot be fitted.
#[derive(Debug, Error)]
pub enum GainFitError {
    /// There are too few sources.
    #[error(transparent)]
    Folds(#[from] FoldsError),
    /// A hyperparameter is out of its range.
    #[error(transparent)]
    Hyperparameters(#[from] HyperparametersError),
    /// The numbers are not finite or do not fill rows.
    #[error(transparent)]
    Rows(#[from] NumberRowsError),
    /// A forest cannot be grown.
    #[error(transparent)]
    Forest(#[from] WeightForestError),
    /// Samples have different numbers of features.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// There are no samples.
    #[error(transparent)]
    Ranges(#[from] RangesError),
}

/// The result of the first step.
pub struct CodeFit {
    /// Predicts codes of new pictures.
    pub model: CodeModel,
    /// Codes of the samples themselves, each predicted by a model that was fitted without the sample's source.
    pub out_of_fold: Vec<TransformCode>,
}

/// Fits a model of codes to `samples`, and predicts an out-of-fold code of each sample.
///
/// # Errors
/// When there are fewer sources than inner folds, or a number is not finite.
pub fn fit_codes(samples: &[&Sample], hyper: &GainHyperparameters) -> Result<CodeFit, GainFitError> {
    let sources: Vec<&str> = samples.iter().map(|sample| sample.origin.source.as_str()).collect();
    let folds = grouped_folds(&sources, INNER_FOLDS, hyper.seed)?;
    let weights = sample_weights(samples);
    let features = feature_rows(samples)?;
    let codes = rows(samples.iter().map(|s| &s.code[..]))?;
    let local = LocalColumns::of(&features, &local_columns());
    let fit = |keep: &dyn Fn(usize) -> bool, name: &str, n_trees| -> Result<CodeModel, GainFitError> {
        // Rows of the fold stay in the table with weight 0. So all forests share one list of rows and one table of
        // codes.
        let weights: Vec<f32> = kept(&weights, keep);
        let forest = WeightForest::fit(&features, &codes, Some(&weights), &hyper.forest(name, n_trees)?)?;
        Ok(CodeModel { forest, table: codes.clone(), local: local.clone() })
    };
    // Each row is in exactly one fold, so the loop replaces every one of these codes.
    let mut out_of_fold = vec![TransformCode { values: vec![0.0; CODE_LENGTH], spread: 0.0 }; samples.len()];
    for fold in 0..INNER_FOLDS {
        // The forest has never seen the sources of this fold. So these codes are as uncertain as those of new pictures.
        let model = fit(&|row| folds[row] != fold, &format!("codes {fold}"), hyper.n_inner_trees)?;
        for row in (0..samples.len()).filter(|&row| folds[row] == fold) {
            out_of_fold[row] = model.code(features.row(row))?;
        }
    }
    Ok(CodeFit { model: fit(&|_| true, "codes", hyper.n_code_trees)?, out_of_fold })
}

/// Fits the gains of every candidate. `learned` has, for each sample, the gains of the transforms that its out-of-fold code
/// predicts; they come before the gains of searched corrections. `candidates` names both, and the other candidates.
///
/// # Errors
/// When a number is not finite, or the samples' numbers of gains do not make a table.
pub fn fit_gains(
    samples: &[&Sample],
    codes: CodeFit,
    learned: &[Vec<Gain>],
    candidates: &CandidateLists,
    hyper: &GainHyperparameters,
) -> Result<GainModel, GainFitError> {
    let features = feature_rows(samples)?;
    let coded: Vec<Vec<f32>> =
        samples.iter().zip(&codes.out_of_fold).map(|(s, code)| code.join(&s.features)).collect();
    let color = GainTableFit {
        name: "color",
        n_trees: hyper.n_trees,
        features: &rows(coded.iter().map(|row| &row[..]))?,
        // The columns must be in the order of `candidates.color`: learned transforms first.
        gains: learned.iter().zip(samples).map(|(learned, s)| [&learned[..], &s.color].concat()).collect(),
        weights: sample_weights(samples),
    };
    Ok(GainModel {
        codes: codes.model,
        color: color.fit(candidates.color.clone(), hyper)?,
        color_gate: COLOR_GATE,
        detail: detail_fit(samples, &features, candidates.detail.len(), hyper)
            .fit_most_useful(&candidates.detail, hyper)?,
        detail_gate: DETAIL_GATE,
        ranges: FeatureRanges::of(&features, TAIL)?,
    })
}

/// Prepares the fit of candidates that sharpen, smooth or denoise. Samples without such gains have weight 0.
fn detail_fit<'a>(
    samples: &[&Sample],
    features: &'a NumberRows,
    n_candidates: usize,
    hyper: &GainHyperparameters,
) -> GainTableFit<'a> {
    // A table needs a number everywhere. Rows of weight 0 are in no leaf, so these zeros are never averaged.
    let gains = |s: &&Sample| s.detail.clone().unwrap_or_else(|| vec![Gain::default(); n_candidates]);
    let weight = |(s, weight): (&&Sample, f32)| if s.detail.is_some() { weight } else { 0.0 };
    GainTableFit {
        name: "detail",
        n_trees: hyper.n_detail_trees,
        features,
        gains: samples.iter().map(gains).collect(),
        weights: samples.iter().zip(sample_weights(samples)).map(weight).collect(),
    }
}

/// Fits one table of gains, with its gate, on features without codes. A trial compares this table with the model, to
/// show the gain that fewer candidates reach. `gains` has the gains of `candidates` for each sample, in their order.
///
/// # Errors
/// Same errors as [`fit_codes`] and [`fit_gains`].
pub fn fit_alone(
    samples: &[&Sample],
    gains: &[Vec<Gain>],
    candidates: &[GainCandidate],
    hyper: &GainHyperparameters,
) -> Result<(GainTable, Gate), GainFitError> {
    let fit = GainTableFit {
        name: "alone",
        n_trees: hyper.n_detail_trees,
        features: &feature_rows(samples)?,
        gains: gains.to_vec(),
        weights: sample_weights(samples),
    };
    Ok((fit.fit_most_useful(candidates, hyper)?, DETAIL_GATE))
}

/// The input of the fit of one table of gains.
struct GainTableFit<'a> {
    /// Name of the forest, from which its seed is derived.
    name: &'static str,
    n_trees: usize,
    features: &'a NumberRows,
    /// Gains by sample, then by candidate.
    gains: Vec<Vec<Gain>>,
    weights: Vec<f32>,
}

impl GainTableFit<'_> {
    /// Fits a table of all candidates.
    fn fit(
        self,
        candidates: Vec<GainCandidate>,
        hyper: &GainHyperparameters,
    ) -> Result<GainTable, GainFitError> {
        let n = candidates.len();
        let table =
            |number: fn(&Gain) -> f64| NumberRows::rounded(self.gains.iter().flatten().map(number), n);
        let (score, psnr_db) = (table(|g| f64::from(g.score))?, table(|g| f64::from(g.psnr_db))?);
        // Trees split by the clamped gains, so single extreme pictures do not decide the splits. The table keeps the
        // gains as measured.
        let targets = table(|g| cut_score(g.score))?;
        let hyper = hyper.forest(self.name, self.n_trees)?;
        let forest = WeightForest::fit(self.features, &targets, Some(&self.weights), &hyper)?;
        Ok(GainTable { candidates, forest, score, psnr_db })
    }

    /// Fits a table of those candidates that together gain most.
    fn fit_most_useful(
        mut self,
        candidates: &[GainCandidate],
        hyper: &GainHyperparameters,
    ) -> Result<GainTable, GainFitError> {
        let best = most_useful(&self.gains, &self.weights, candidates.len());
        self.gains = self.gains.iter().map(|gains| best.iter().map(|&i| gains[i]).collect()).collect();
        self.fit(best.iter().map(|&i| candidates[i]).collect(), hyper)
    }
}

/// Returns the indices of up to [`DETAILS_KEPT`] candidates that together gain most, ascending.
///
/// The choice is greedy. `reached` is what the best chosen candidate gains on each row, or 0. Each round chooses the
/// candidate that adds most to the weighted sum of `reached`.
fn most_useful(gains: &[Vec<Gain>], weights: &[f32], n: usize) -> Vec<usize> {
    let mut reached = vec![0.0f64; gains.len()];
    let mut taken = Vec::new();
    while taken.len() < DETAILS_KEPT.min(n) {
        let added = |candidate: usize| -> f64 {
            let added = |(row, reached): (usize, &f64)| {
                // A gain below `reached` adds nothing: that row would use a better candidate, or none.
                f64::from(weights[row]) * (f64::from(gains[row][candidate].score) - reached).max(0.0)
            };
            reached.iter().enumerate().map(added).sum()
        };
        let mut most: Option<(f64, usize)> = None;
        for candidate in (0..n).filter(|candidate| !taken.contains(candidate)) {
            let added = added(candidate);
            // The comparison is strict, so the first of equal candidates wins in each run.
            if most.is_none_or(|(most, _)| added > most) {
                most = Some((added, candidate));
            }
        }
        let Some((_, candidate)) = most else { break };
        taken.push(candidate);
        for (reached, gains) in reached.iter_mut().zip(gains) {
            *reached = reached.max(f64::from(gains[candidate].score));
        }
    }
    // The table keeps the order of the candidates, not the order in which they were chosen.
    taken.sort_unstable();
    taken
}

/// Returns the weights, with 0 for the rows that `keep` refuses.
fn kept(weights: &[f32], keep: &dyn Fn(usize) -> bool) -> Vec<f32> {
    weights.iter().enumerate().map(|(row, &weight)| if keep(row) { weight } else { 0.0 }).collect()
}

fn feature_rows(samples: &[&Sample]) -> Result<NumberRows, NumberRowsError> {
    rows(samples.iter().map(|sample| &sample.features[..]))
}

fn rows<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Result<NumberRows, NumberRowsError> {
    let (mut numbers, mut n_columns) = (Vec::new(), 0);
    for row in rows {
        n_columns = row.len();
        numbers.extend_from_slice(row);
    }
    NumberRows::new(numbers, n_columns)
}
