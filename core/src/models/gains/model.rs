//! What each candidate of a restoration is expected to gain on a picture, from its features.
//!
//! Three weight forests: one says which training pictures are like this one and so which colour transform would have
//! restored it; one what each colour correction gains, that transform among them; one what each sharpening,
//! smoothing and denoising gains. Weights of training rows give means, the share of rows that were harmed, and low
//! quantiles alike. A [`Gate`] turns expectations into a choice, of which doing nothing is always one.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::weight_forest::{FeatureRanges, LocalColumns, RowWeights, Rows, WeightForest, WeightsError};

/// Numbers of a code: an affine transform (4 × 3) and a quadratic one (10 × 3), both less the identity.
pub const CODE_LENGTH: usize = 42;
/// The first ones are the affine transform's.
pub const AFFINE_LENGTH: usize = 12;

/// Gains beyond these say no more than that a candidate is very bad or very good: they are cut for the mean.
const SCORE_GAIN_RANGE: (f64, f64) = (-0.15, 0.3);
const PSNR_GAIN_RANGE_DB: (f64, f64) = (-4.0, 6.0);
/// A candidate that loses more has done harm (CONTRACT: 0.05 dB of capped PSNR).
const HARM_DB: f32 = 0.05;
/// The quantile that is told as the low end of an expected gain.
const LOW_QUANTILE: f64 = 0.1;
/// Features beyond the training's range, of all, from which on a picture is like nothing that was trained on.
const OUTSIDE_SHARE_MAX: f64 = 0.1;

/// Score and capped PSNR of a candidate, less those of the untouched picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// In score, `0.5·PSNR/50 + 0.5·SSIM`.
    pub score: f32,
    /// In dB of PSNR capped at 50.
    pub psnr_db: f32,
}

impl Gain {
    /// Whether more than 0.05 dB is lost.
    pub fn harms(self) -> bool {
        self.psnr_db < -HARM_DB
    }
}

/// What is expected of a candidate on one picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedGain {
    /// Mean gain in score.
    pub score: f64,
    /// A tenth of like training pictures gained less.
    pub score_low: f64,
    /// Mean gain in dB.
    pub psnr_db: f64,
    /// Share of like training pictures that lost more than 0.05 dB.
    pub harm: f64,
}

/// When a candidate is worth it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Expected gain in score that a candidate must beat.
    pub margin: f64,
    /// Expected share of harm that it must stay below.
    pub harm_max: f64,
    /// What a tenth of like training pictures may have gained less than: −1 bounds nothing.
    pub score_low_min: f64,
    /// What harm costs, in score: of the candidates that pass, that with the largest expected gain less this times the
    /// expected share of harm is taken.
    pub harm_price: f64,
}

impl Gate {
    /// Nothing passes.
    pub const CLOSED: Self = Self { margin: f64::MAX, harm_max: 0.0, score_low_min: 1.0, harm_price: 0.0 };

    /// Whether the candidate passes.
    pub fn passes(&self, expected: &ExpectedGain) -> bool {
        expected.score > self.margin
            && expected.psnr_db > 0.0
            && expected.harm < self.harm_max
            && expected.score_low >= self.score_low_min
    }

    /// The passing candidate of the largest expected gain in score, less what its harm costs; among equals the first; `None`:
    /// do nothing.
    pub fn choose(&self, expected: &[ExpectedGain]) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (i, candidate) in expected.iter().enumerate() {
            let worth = candidate.score - self.harm_price * candidate.harm;
            if self.passes(candidate) && best.is_none_or(|(_, most)| worth > most) {
                best = Some((i, worth));
            }
        }
        best.map(|(i, _)| i)
    }
}

/// Candidates and what they gained on every row of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainTable {
    /// Names of the candidates, in order.
    pub candidates: Vec<String>,
    pub(super) forest: WeightForest,
    /// Gains in score, shape `(n_rows, n_candidates)`.
    pub(super) score: Rows,
    /// Gains in dB, alike.
    pub(super) psnr_db: Rows,
}

impl GainTable {
    /// What is expected of each candidate.
    ///
    /// # Errors
    /// When the features are not those of the fit, or not finite.
    pub fn expect(&self, features: &[f32]) -> Result<Vec<ExpectedGain>, WeightsError> {
        let weights = self.forest.weights(features)?;
        Ok((0..self.candidates.len()).map(|candidate| self.expected(&weights, candidate)).collect())
    }

    fn expected(&self, weights: &RowWeights, candidate: usize) -> ExpectedGain {
        let (mut score, mut psnr_db, mut harm) = (0.0, 0.0, 0.0);
        for &(row, weight) in weights.entries() {
            let gain = Gain {
                score: self.score.number(row, candidate),
                psnr_db: self.psnr_db.number(row, candidate),
            };
            score += weight * f64::from(gain.score).clamp(SCORE_GAIN_RANGE.0, SCORE_GAIN_RANGE.1);
            psnr_db += weight * f64::from(gain.psnr_db).clamp(PSNR_GAIN_RANGE_DB.0, PSNR_GAIN_RANGE_DB.1);
            harm += if gain.harms() { weight } else { 0.0 };
        }
        let score_low = weights.quantile(&self.score, candidate, LOW_QUANTILE);
        ExpectedGain { score, score_low, psnr_db, harm }
    }

    fn is_consistent(&self, n_features: usize) -> bool {
        let shape = (self.forest.n_rows(), self.candidates.len());
        self.forest.n_features() == n_features
            && [&self.score, &self.psnr_db].iter().all(|rows| (rows.n_rows(), rows.n_columns()) == shape)
    }
}

/// The code of a picture: the transforms that would have restored training pictures like it.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// [`CODE_LENGTH`] numbers: their mean, allowing for how this picture's black, middle and white differ from theirs.
    pub values: Vec<f32>,
    /// How far those pictures' codes are apart: the mean of the numbers' deviations.
    pub spread: f32,
}

/// Predicts codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeModel {
    pub(super) forest: WeightForest,
    pub(super) table: Rows,
    pub(super) local: LocalColumns,
}

impl CodeModel {
    /// The code of a picture.
    ///
    /// # Errors
    /// When the features are not those of the fit, or not finite.
    pub fn code(&self, features: &[f32]) -> Result<Code, WeightsError> {
        let weights = self.forest.weights(features)?;
        let values =
            weights.local_mean(&self.table, &self.local, features).into_iter().map(|v| v as f32).collect();
        let spreads = weights.spread(&self.table);
        let spread = spreads.iter().sum::<f64>() / spreads.len() as f64;
        Ok(Code { values, spread: spread as f32 })
    }
}

/// A fitted model of gains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainModel {
    /// Features to colour transforms.
    pub codes: CodeModel,
    /// Features and code to gains of colour corrections.
    pub color: GainTable,
    /// When a colour correction is worth it.
    pub color_gate: Gate,
    /// Features to gains of sharpening, smoothing and denoising.
    pub detail: GainTable,
    /// When one of these is worth it.
    pub detail_gate: Gate,
    /// What the training's features ranged over.
    pub ranges: FeatureRanges,
}

/// The parts of a model do not fit together.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the parts of the gain model disagree in their numbers of rows, features or candidates")]
pub struct Inconsistent;

impl GainModel {
    /// # Errors
    /// When the parts do not fit together or ask for another number of features.
    pub fn check(&self, n_features: usize) -> Result<(), Inconsistent> {
        let gates = [self.color_gate, self.detail_gate];
        let sound = self.codes.forest.n_features() == n_features
            && self.codes.table.n_rows() == self.codes.forest.n_rows()
            && self.codes.table.n_columns() == CODE_LENGTH
            && self.color.is_consistent(n_features + AFFINE_LENGTH + 1)
            && self.codes.local.is_consistent(self.codes.table.n_rows(), n_features)
            && self.detail.is_consistent(n_features)
            && self.ranges.ranges().len() == n_features
            && gates.iter().all(|gate| {
                ![gate.margin, gate.harm_max, gate.score_low_min, gate.harm_price]
                    .iter()
                    .any(|bound| bound.is_nan())
            });
        if sound { Ok(()) } else { Err(Inconsistent) }
    }

    /// What is expected of each colour correction, given the picture's code.
    ///
    /// # Errors
    /// When the features are not those of the fit, or not finite.
    pub fn expect_color(&self, features: &[f32], code: &Code) -> Result<Vec<ExpectedGain>, WeightsError> {
        self.color.expect(&with_code(features, code))
    }

    /// Whether the picture is like nothing that was trained on: many of its features lie beyond the training's range.
    pub fn is_outside(&self, features: &[f32]) -> bool {
        let n = self.ranges.ranges().len();
        self.ranges.check(features).is_ok_and(|check| check.n_outside as f64 > OUTSIDE_SHARE_MAX * n as f64)
    }
}

/// The features of the colour forest: the picture's, the predicted affine transform, and how sure that is.
pub(super) fn with_code(features: &[f32], code: &Code) -> Vec<f32> {
    features.iter().chain(&code.values[..AFFINE_LENGTH]).copied().chain([code.spread]).collect()
}

/// Gains as the forest's targets: what is very bad or very good is cut.
pub(super) fn cut_score(score: f32) -> f64 {
    f64::from(score).clamp(SCORE_GAIN_RANGE.0, SCORE_GAIN_RANGE.1)
}

#[cfg(test)]
mod tests {
    use super::super::weight_forest::WeightForestHyperparameters;
    use super::*;

    /// A mean of the training's codes cannot lie beyond them; one that allows for how a picture differs follows the line.
    #[test]
    fn a_code_follows_what_a_picture_differs_by() {
        let features = Rows::new((0..60u8).map(f32::from).collect(), 1).unwrap();
        let line = (0..60u8).flat_map(|x| [f32::from(x); CODE_LENGTH]);
        let table = Rows::new(line.collect(), CODE_LENGTH).unwrap();
        let hyper = WeightForestHyperparameters {
            n_trees: 20,
            depth_max: None,
            leaf_samples_min: 5,
            split_features: 1.0,
            seed: 1,
        };
        let forest = WeightForest::fit(&features, &table, None, &hyper.check().unwrap()).unwrap();
        let local = LocalColumns::of(&features, &[0]);
        let code = CodeModel { forest, table, local }.code(&[65.0]).unwrap();
        assert!(code.values.iter().all(|&v| v > 59.0 && v <= 65.0), "{:?}", code.values);
    }

    fn expected(score: f64, harm: f64) -> ExpectedGain {
        ExpectedGain { score, score_low: 0.0, psnr_db: 1.0, harm }
    }

    #[test]
    fn the_gate_takes_the_largest_gain_that_passes() {
        let gate = Gate { margin: 0.01, harm_max: 0.2, score_low_min: -0.1, harm_price: 0.0 };
        let candidates =
            [expected(0.005, 0.0), expected(0.05, 0.3), expected(0.02, 0.1), expected(0.02, 0.0)];
        assert_eq!(gate.choose(&candidates), Some(2));
        assert_eq!(gate.choose(&candidates[..2]), None);
        assert_eq!(Gate::CLOSED.choose(&candidates), None);
        let loses = ExpectedGain { psnr_db: -0.1, ..expected(0.5, 0.0) };
        assert_eq!(gate.choose(&[loses]), None);
        let careful = Gate { harm_price: 0.3, ..gate };
        let candidates = [expected(0.06, 0.15), expected(0.05, 0.1), expected(0.02, 0.0)];
        assert_eq!([gate.choose(&candidates), careful.choose(&candidates)], [Some(0), Some(1)]);
        let at_worst = |score_low| [ExpectedGain { score_low, ..expected(0.5, 0.0) }];
        assert_eq!([gate.choose(&at_worst(-0.1)), gate.choose(&at_worst(-0.11))], [Some(0), None]);
    }

    #[test]
    fn harm_is_losing_more_than_a_twentieth_of_a_decibel() {
        let harms = |psnr_db| Gain { score: 0.1, psnr_db }.harms();
        assert_eq!([harms(-0.051), harms(-0.05), harms(0.0)], [true, false, false]);
    }
}
