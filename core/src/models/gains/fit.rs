//! Fits a [`GainModel`]: first which transform suits which picture, then what every candidate gains.
//!
//! What the second step is told of a training picture must be as uncertain as it will be of a new one: codes of training
//! pictures are out of fold. Folds keep the pictures of one source together. The caller has the pictures: it measures, between
//! the steps, what the predicted transforms gain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::features::rich::RICH_NAMES;

use super::weight_forest::{
    CheckedWeightForestHyperparameters, FeatureRanges, LocalColumns, RangesError, Rows, RowsError,
    WeightForest, WeightForestError, WeightForestHyperparameters, WeightsError,
};
use crate::learning::folds::{FoldsError, grouped_folds};
use crate::models::classic::hyperparameters::HyperparametersError;
use crate::models::gains::model::{
    CODE_LENGTH, Code, CodeModel, Gain, GainModel, GainTable, Gate, cut_score, with_code,
};
use crate::numeric::random::derived_seed;

/// Folds within the training, for codes of its own pictures.
const INNER_FOLDS: usize = 5;
/// Share of the rows at either end of a feature's range that count as its tails.
const TAIL: f64 = 0.01;
/// Kept candidates of sharpening, smoothing and denoising: those which together gain most.
const DETAILS_KEPT: usize = 16;
/// A picture of a small set counts as much as this many times one of a set of forty.
const WEIGHT_MAX: f32 = 3.0;
const SET_SIZE: f32 = 40.0;
/// A synthesised picture counts a quarter: there are many, and they are only like damaged ones.
const SYNTHETIC_WEIGHT: f32 = 0.25;
/// When something is worth it: seven in ten training pictures like this one were not harmed. A policy, not a fit: bounds tuned
/// on the training's own folds hung on single pictures of its small sets.
const HARM_MAX: f64 = 0.3;
/// What a harmed picture costs, in score: in doubt the gentler of two candidates is taken.
const HARM_PRICE: f64 = 0.2;
/// A colour correction; nine in ten must have lost less than 0.2 in score, as a wrong one can cost decibels.
const COLOR_GATE: Gate =
    Gate { margin: 0.01, harm_max: HARM_MAX, score_low_min: -0.2, harm_price: HARM_PRICE };
/// A sharpening, smoothing or denoising: what a wrong one costs is small.
const DETAIL_GATE: Gate =
    Gate { margin: 0.005, harm_max: HARM_MAX, score_low_min: -1.0, harm_price: HARM_PRICE };

/// Black, middle and white of each channel: what a colour transform has to follow most closely.
const LOCAL_FEATURES: [&str; 9] =
    ["red_p1", "red_p50", "red_p99", "green_p1", "green_p50", "green_p99", "blue_p1", "blue_p50", "blue_p99"];

fn local_columns() -> [usize; 9] {
    let place = |name| RICH_NAMES.iter().position(|&known| known == name);
    LOCAL_FEATURES.map(|name| place(name).expect("the schema has these features"))
}

/// What kind of training picture a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleKind {
    /// The damaged side of a pair.
    Damaged,
    /// The undamaged side of a pair, which wants nothing.
    Undamaged,
    /// Made of an undamaged picture.
    Synthetic,
}

/// One training picture, as measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its set; samples of a set share their weight.
    pub set: String,
    /// Its source picture: never on both sides of a fold.
    pub source: String,
    /// What it is.
    pub kind: SampleKind,
    /// Features, all samples in one schema.
    pub features: Vec<f32>,
    /// The affine and the quadratic transform that fit it best, both less the identity.
    pub code: Vec<f32>,
    /// Gains of the colour corrections that need no prediction.
    pub color: Vec<Gain>,
    /// Gains of sharpening, smoothing and denoising; `None` where resampling has falsified them.
    pub detail: Option<Vec<Gain>>,
}

/// What a fit may be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainHyperparameters {
    /// Of the forest of colour corrections, whose chances of harm decide most.
    pub n_trees: usize,
    /// Of the forest of transforms.
    pub n_code_trees: usize,
    /// Of the forest of sharpening, smoothing and denoising.
    pub n_detail_trees: usize,
    /// Of each forest of an inner fold.
    pub n_inner_trees: usize,
    /// Fewest rows of a leaf.
    pub leaf_samples_min: usize,
    /// Share of the features tried at a split.
    pub split_features: f64,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Default for GainHyperparameters {
    fn default() -> Self {
        Self {
            n_trees: 150,
            n_code_trees: 70,
            n_detail_trees: 70,
            n_inner_trees: 60,
            leaf_samples_min: 3,
            split_features: 0.6,
            seed: 42,
        }
    }
}

/// A model of gains cannot be fitted.
#[derive(Debug, Error)]
pub enum GainFitError {
    /// Too few source pictures.
    #[error(transparent)]
    Folds(#[from] FoldsError),
    /// Bad hyperparameters.
    #[error(transparent)]
    Hyperparameters(#[from] HyperparametersError),
    /// Numbers that are not finite, or of another shape.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A forest cannot be grown.
    #[error(transparent)]
    Forest(#[from] WeightForestError),
    /// Features of another number.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// No samples.
    #[error(transparent)]
    Ranges(#[from] RangesError),
}

impl GainHyperparameters {
    fn forest(&self, name: &str, n_trees: usize) -> Result<CheckedWeightForestHyperparameters, GainFitError> {
        let Self { leaf_samples_min, split_features, seed, .. } = *self;
        let seed = derived_seed(seed, name);
        Ok(WeightForestHyperparameters { n_trees, leaf_samples_min, split_features, depth_max: None, seed }
            .check()?)
    }
}

/// The first step's outcome.
pub struct CodeFit {
    /// Predicts codes of new pictures.
    pub model: CodeModel,
    /// Codes of the samples themselves, by models that saw none of their sources.
    pub out_of_fold: Vec<Code>,
}

/// Fits codes to `samples`.
///
/// # Errors
/// When there are fewer source pictures than folds, or a number is not finite.
pub fn fit_codes(samples: &[&Sample], hyper: &GainHyperparameters) -> Result<CodeFit, GainFitError> {
    let sources: Vec<&str> = samples.iter().map(|sample| sample.source.as_str()).collect();
    let folds = grouped_folds(&sources, INNER_FOLDS, hyper.seed)?;
    let weights = sample_weights(samples);
    let features = rows(samples.iter().map(|s| &s.features[..]))?;
    let codes = rows(samples.iter().map(|s| &s.code[..]))?;
    let local = LocalColumns::of(&features, &local_columns());
    let fit = |keep: &dyn Fn(usize) -> bool, name: &str, n_trees| -> Result<CodeModel, GainFitError> {
        let weights: Vec<f32> = kept(&weights, keep);
        let forest = WeightForest::fit(&features, &codes, Some(&weights), &hyper.forest(name, n_trees)?)?;
        Ok(CodeModel { forest, table: codes.clone(), local: local.clone() })
    };
    let mut out_of_fold = vec![Code { values: vec![0.0; CODE_LENGTH], spread: 0.0 }; samples.len()];
    for fold in 0..INNER_FOLDS {
        let model = fit(&|row| folds[row] != fold, &format!("codes {fold}"), hyper.n_inner_trees)?;
        for row in (0..samples.len()).filter(|&row| folds[row] == fold) {
            out_of_fold[row] = model.code(features.row(row))?;
        }
    }
    Ok(CodeFit { model: fit(&|_| true, "codes", hyper.n_code_trees)?, out_of_fold })
}

/// Fits what every candidate gains. `learned` are the gains, per sample, of the transforms that its out-of-fold code
/// predicts; they come before the corrections that need no prediction. `names` tells both kinds and the details.
///
/// # Errors
/// When a number is not finite, or samples differ in their numbers of gains.
pub fn fit_gains(
    samples: &[&Sample],
    codes: CodeFit,
    learned: &[Vec<Gain>],
    names: &CandidateNames,
    hyper: &GainHyperparameters,
) -> Result<GainModel, GainFitError> {
    let features = rows(samples.iter().map(|s| &s.features[..]))?;
    let coded: Vec<Vec<f32>> =
        samples.iter().zip(&codes.out_of_fold).map(|(s, code)| with_code(&s.features, code)).collect();
    let coded = rows(coded.iter().map(|row| &row[..]))?;
    let weights = sample_weights(samples);
    let color: Vec<Vec<Gain>> =
        learned.iter().zip(samples).map(|(learned, s)| [&learned[..], &s.color].concat()).collect();
    let stage = Stage {
        name: "color",
        n_trees: hyper.n_trees,
        features: &coded,
        gains: color,
        weights: weights.clone(),
        hyper,
    };
    let color = stage.fit(names.color.clone())?;

    let n_details = names.detail.len();
    let detail: Vec<Vec<Gain>> = samples
        .iter()
        .map(|s| s.detail.clone().unwrap_or_else(|| vec![Gain::default(); n_details]))
        .collect();
    let weights: Vec<f32> =
        samples.iter().zip(weights).map(|(s, w)| if s.detail.is_some() { w } else { 0.0 }).collect();
    let best = most_useful(&detail, &weights, n_details);
    let chosen = |gains: &Vec<Gain>| best.iter().map(|&i| gains[i]).collect();
    let gains = detail.iter().map(chosen).collect();
    let stage =
        Stage { name: "detail", n_trees: hyper.n_detail_trees, features: &features, gains, weights, hyper };
    let detail = stage.fit(best.iter().map(|&i| names.detail[i].clone()).collect())?;
    let ranges = FeatureRanges::of(&features, TAIL)?;
    Ok(GainModel {
        codes: codes.model,
        color,
        color_gate: COLOR_GATE,
        detail,
        detail_gate: DETAIL_GATE,
        ranges,
    })
}

/// Fits one table of gains with its gate on features alone, as sharpening, smoothing and denoising are: what a smaller
/// choice of candidates reaches, for comparison. `gains` per sample are in the order of `names`.
///
/// # Errors
/// As [`fit_codes`] and [`fit_gains`].
pub fn fit_alone(
    samples: &[&Sample],
    gains: &[Vec<Gain>],
    names: &[String],
    hyper: &GainHyperparameters,
) -> Result<(GainTable, Gate), GainFitError> {
    let features = rows(samples.iter().map(|s| &s.features[..]))?;
    let weights = sample_weights(samples);
    let best = most_useful(gains, &weights, names.len());
    let gains = gains.iter().map(|gains| best.iter().map(|&i| gains[i]).collect()).collect();
    let stage =
        Stage { name: "alone", n_trees: hyper.n_detail_trees, features: &features, gains, weights, hyper };
    Ok((stage.fit(best.iter().map(|&i| names[i].clone()).collect())?, DETAIL_GATE))
}

/// Names of the candidates in the order of the gains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateNames {
    /// Learned colour corrections, then those that need no prediction.
    pub color: Vec<String>,
    /// Sharpening, smoothing and denoising.
    pub detail: Vec<String>,
}

/// One forest of gains.
struct Stage<'a> {
    name: &'static str,
    n_trees: usize,
    features: &'a Rows,
    gains: Vec<Vec<Gain>>,
    weights: Vec<f32>,
    hyper: &'a GainHyperparameters,
}

impl Stage<'_> {
    fn fit(self, candidates: Vec<String>) -> Result<GainTable, GainFitError> {
        let n = candidates.len();
        let table = |number: fn(&Gain) -> f64| Rows::rounded(self.gains.iter().flatten().map(number), n);
        let (score, psnr_db) = (table(|g| f64::from(g.score))?, table(|g| f64::from(g.psnr_db))?);
        let targets = table(|g| cut_score(g.score))?;
        let hyper = self.hyper.forest(self.name, self.n_trees)?;
        let forest = WeightForest::fit(self.features, &targets, Some(&self.weights), &hyper)?;
        Ok(GainTable { candidates, forest, score, psnr_db })
    }
}

/// Candidates which together gain most: one after the other, that which adds most to the mean of what the best of those
/// taken gains.
fn most_useful(gains: &[Vec<Gain>], weights: &[f32], n: usize) -> Vec<usize> {
    let mut reached = vec![0.0f64; gains.len()];
    let mut taken = Vec::new();
    while taken.len() < DETAILS_KEPT.min(n) {
        let added = |candidate: usize| -> f64 {
            let added = |(row, reached): (usize, &f64)| {
                f64::from(weights[row]) * (f64::from(gains[row][candidate].score) - reached).max(0.0)
            };
            reached.iter().enumerate().map(added).sum()
        };
        let mut most: Option<(f64, usize)> = None;
        for candidate in (0..n).filter(|candidate| !taken.contains(candidate)) {
            let added = added(candidate);
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
    taken.sort_unstable();
    taken
}

/// What each sample counts: large sets a little more together than small ones, synthesised pictures a quarter.
fn sample_weights(samples: &[&Sample]) -> Vec<f32> {
    let mut sizes: BTreeMap<(SampleKind, &str), f32> = BTreeMap::new();
    for sample in samples {
        *sizes.entry((sample.kind, &sample.set)).or_default() += 1.0;
    }
    let weight = |sample: &&Sample| match sample.kind {
        SampleKind::Synthetic => SYNTHETIC_WEIGHT,
        kind => (SET_SIZE / sizes[&(kind, sample.set.as_str())]).sqrt().min(WEIGHT_MAX),
    };
    samples.iter().map(weight).collect()
}

fn kept(weights: &[f32], keep: &dyn Fn(usize) -> bool) -> Vec<f32> {
    weights.iter().enumerate().map(|(row, &weight)| if keep(row) { weight } else { 0.0 }).collect()
}

fn rows<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Result<Rows, RowsError> {
    let (mut numbers, mut n_columns) = (Vec::new(), 0);
    for row in rows {
        n_columns = row.len();
        numbers.extend_from_slice(row);
    }
    Rows::new(numbers, n_columns)
}
