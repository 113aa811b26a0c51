//! A fitted model of gains: expects the gain of each candidate on a picture from the picture's features.
//!
//! The model has three weight forests, whose weights show which training pictures are similar:
//!
//! 1. `codes` predicts the colour transforms that restored similar pictures;
//! 2. `color` expects the gain of each colour correction, those transforms included;
//! 3. `detail` expects the gain of each candidate that sharpens, smooths or denoises.
//!
//! The same weights give means, the share of pictures that were harmed, and low quantiles. A [`Gate`] turns expected
//! gains into a choice. Doing nothing is always one of the choices.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::candidate::{GainCandidate, UnknownCandidate};
use super::code::{AFFINE_LENGTH, CodeModel, TransformCode};
use super::weight_forest::{FeatureRanges, NumberRows, RowWeights, WeightForest, WeightsError};
use crate::metrics;

/// Range of gains in score for means. Gains outside are clamped, because a few extreme pictures must not decide a mean.
const SCORE_GAIN_RANGE: (f64, f64) = (-0.15, 0.3);
/// Range of gains in dB for means.
const PSNR_GAIN_RANGE_DB: (f64, f64) = (-4.0, 6.0);
/// The harm limit in the precision of gains.
const HARM_DB: f32 = metrics::HARM_DB as f32;
/// The quantile that is the low end of an expected gain.
const LOW_QUANTILE: f64 = 0.1;
/// Largest share of features outside the training's range. With more, the picture is unlike the training.
const OUTSIDE_SHARE_MAX: f64 = 0.1;

/// The gain of a candidate: its score and capped PSNR, less those of the untouched picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Gain in score, `0.5·PSNR/50 + 0.5·SSIM`.
    pub score: f32,
    /// Gain in dB of PSNR capped at 50 dB.
    pub psnr_db: f32,
}

impl Gain {
    /// Returns whether the candidate harms: loses more than 0.05 dB.
    pub fn harms(self) -> bool {
        self.psnr_db < -HARM_DB
    }
}

/// The expected gain of a candidate on one picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedGain {
    /// Mean gain in score.
    pub score: f64,
    /// Low end of the gain in score: a tenth of similar training pictures gained less.
    pub score_low: f64,
    /// Mean gain in dB.
    pub psnr_db: f64,
    /// Share of similar training pictures that lost more than 0.05 dB.
    pub harm: f64,
}

/// The bounds that a candidate must pass to be chosen over doing nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Expected gain in score that a candidate must exceed.
    pub margin: f64,
    /// Expected share of harm that a candidate must stay below.
    pub harm_max: f64,
    /// Least low end of the gain in score; −1 bounds nothing.
    pub score_low_min: f64,
    /// Price of harm, in score. Among the candidates that pass, the one with the largest `gain − price · harm` is chosen.
    pub harm_price: f64,
}

impl Gate {
    /// The gate that no candidate passes.
    pub const CLOSED: Self = Self { margin: f64::MAX, harm_max: 0.0, score_low_min: 1.0, harm_price: 0.0 };

    /// Returns whether a candidate passes.
    pub fn passes(&self, expected: &ExpectedGain) -> bool {
        expected.score > self.margin
            && expected.psnr_db > 0.0
            && expected.harm < self.harm_max
            && expected.score_low >= self.score_low_min
    }

    /// Returns the index of the passing candidate with the largest expected gain in score less the price of its harm, the
    /// first among equals. Returns `None` when no candidate passes.
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

/// Candidates and their gains on every training picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GainTable {
    /// The candidates, in the order of the columns. They are written as names.
    pub candidates: Vec<GainCandidate>,
    pub(super) forest: WeightForest,
    /// Gains in score, shape `(n_rows, n_candidates)`.
    pub(super) score: NumberRows,
    /// Gains in dB, of the same shape.
    pub(super) psnr_db: NumberRows,
}

impl GainTable {
    /// Returns the expected gain of each candidate.
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

/// A fitted model of gains.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GainModel {
    /// Predicts colour transforms from features.
    pub codes: CodeModel,
    /// Expects gains of colour corrections from features and code.
    pub color: GainTable,
    /// Gate of the colour corrections.
    pub color_gate: Gate,
    /// Expects gains of candidates that sharpen, smooth or denoise, from features.
    pub detail: GainTable,
    /// Gate of the candidates that sharpen, smooth or denoise.
    pub detail_gate: Gate,
    /// Range of each feature in the training.
    pub ranges: FeatureRanges,
}

/// A [`GainModel`] as its file holds it, with candidates as names.
///
/// postcard drops the messages of errors inside a value. So the names are read as text first, and the error for an unknown
/// name can state it.
#[derive(Deserialize)]
pub(super) struct GainModelForm {
    codes: CodeModel,
    color: GainTableForm,
    color_gate: Gate,
    detail: GainTableForm,
    detail_gate: Gate,
    ranges: FeatureRanges,
}

/// A [`GainTable`] as its file holds it.
#[derive(Deserialize)]
struct GainTableForm {
    candidates: Vec<String>,
    forest: WeightForest,
    score: NumberRows,
    psnr_db: NumberRows,
}

impl TryFrom<GainTableForm> for GainTable {
    type Error = UnknownCandidate;

    fn try_from(form: GainTableForm) -> Result<Self, UnknownCandidate> {
        let GainTableForm { candidates, forest, score, psnr_db } = form;
        let candidates = candidates.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        Ok(Self { candidates, forest, score, psnr_db })
    }
}

impl TryFrom<GainModelForm> for GainModel {
    type Error = UnknownCandidate;

    fn try_from(form: GainModelForm) -> Result<Self, UnknownCandidate> {
        let GainModelForm { codes, color, color_gate, detail, detail_gate, ranges } = form;
        let (color, detail) = (color.try_into()?, detail.try_into()?);
        Ok(Self { codes, color, color_gate, detail, detail_gate, ranges })
    }
}

/// The parts of a model do not fit together.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the parts of the model have different numbers of rows, features or candidates")]
pub struct Inconsistent;

impl GainModel {
    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// When the parts disagree in their numbers, or need another number of features than `n_features`.
    pub fn check(&self, n_features: usize) -> Result<(), Inconsistent> {
        let gates = [self.color_gate, self.detail_gate];
        let sound = self.codes.is_consistent(n_features)
            && self.color.is_consistent(n_features + AFFINE_LENGTH + 1)
            && self.detail.is_consistent(n_features)
            && self.ranges.ranges().len() == n_features
            && gates.iter().all(|gate| {
                ![gate.margin, gate.harm_max, gate.score_low_min, gate.harm_price]
                    .iter()
                    .any(|bound| bound.is_nan())
            });
        if sound { Ok(()) } else { Err(Inconsistent) }
    }

    /// Returns the expected gain of each colour correction, given the picture's code.
    ///
    /// # Errors
    /// When the features are not those of the fit, or not finite.
    pub fn expect_color(
        &self,
        features: &[f32],
        code: &TransformCode,
    ) -> Result<Vec<ExpectedGain>, WeightsError> {
        self.color.expect(&code.join(features))
    }

    /// Returns whether the picture is unlike the training: more than a tenth of its features are outside their ranges.
    pub fn is_outside(&self, features: &[f32]) -> bool {
        let n = self.ranges.ranges().len();
        self.ranges.check(features).is_ok_and(|check| check.n_outside as f64 > OUTSIDE_SHARE_MAX * n as f64)
    }
}

/// Returns a gain in score as a target of a forest, clamped to the range of means.
pub(super) fn cut_score(score: f32) -> f64 {
    f64::from(score).clamp(SCORE_GAIN_RANGE.0, SCORE_GAIN_RANGE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
