//! A fitted model of gains: expects the gain of each candidate on a picture from the picture's features.
//!
//! The model has three weight forests, whose weights show which training pictures are similar:
//!
//! 1. `codes` predicts the colour transforms that restored similar pictures;
//! 2. `color` expects the gain of each colour correction, those transforms included;
//! 3. `detail` expects the gain of each candidate that sharpens, smooths or denoises.
//!
//! The same weights give means, the share of pictures that were harmed, and low quantiles.
//!
//! Whether something is wrong with a picture at all is another question than what would help. So the model expects the gains
//! of colour corrections as if the picture is damaged, and predicts the chance that nothing is wrong apart from them. A [`Gate`]
//! turns both into a choice. Doing nothing is always one of the choices.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::candidate::{GainCandidate, UnknownCandidate};
use super::code::CodeModel;
use super::kernel_ridge::KernelRidge;
use super::weight_forest::{FeatureRanges, RowWeights, SteppedRows, WeightForest, WeightsError};
use crate::metrics;
use crate::models::assume::Assume;

/// Number of assumptions.
pub const N_ASSUMPTIONS: usize = Assume::ALL.len();

/// Range of gains in score for means. Gains outside are clamped, because a few extreme pictures must not decide a mean.
const SCORE_GAIN_RANGE: (f64, f64) = (-0.15, 0.3);
/// Range of gains in dB for means.
const PSNR_GAIN_RANGE_DB: (f64, f64) = (-6.0, 12.0);
/// The harm limit in the precision of gains.
const HARM_DB: f32 = metrics::HARM_DB as f32;
/// The quantile that is the low end of an expected gain.
const LOW_QUANTILE: f64 = 0.1;
/// The quantiles between which the actual gain in dB is expected to lie. Their coverage is measured by a trial.
const INTERVAL_QUANTILES: [f64; 2] = [0.1, 0.9];
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

/// The expected gain of a candidate on one picture. For a colour correction: if something is wrong with the picture.
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
    /// Interval of the gain in dB: four in five similar training pictures gained as much. Only for the chosen candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_db: Option<[f64; 2]>,
}

/// What the candidates that pass a gate are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// Gain in score.
    Score,
    /// Gain in dB.
    Decibels,
}

/// The bounds that a candidate must pass to be chosen over doing nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Expected gain in score that a candidate must exceed.
    pub margin: f64,
    /// Expected gain in dB that a candidate must exceed.
    pub margin_db: f64,
    /// Expected share of harm that a candidate must stay below.
    pub harm_max: f64,
    /// Chance that nothing is wrong with the picture, which must stay below this.
    pub undamaged_max: f64,
    /// What the candidates that pass are compared by.
    pub worth: Worth,
    /// Price of harm, in score or dB. Among the candidates that pass, the one with the largest `gain − price · harm` is chosen.
    pub harm_price: f64,
}

impl Gate {
    /// The gate that no candidate passes.
    pub const CLOSED: Self = Self {
        margin: f64::MAX,
        margin_db: f64::MAX,
        harm_max: 0.0,
        undamaged_max: 0.0,
        worth: Worth::Score,
        harm_price: 0.0,
    };
    /// The gate that every candidate passes, whatever it is expected to gain.
    pub const OPEN: Self = Self {
        margin: f64::MIN,
        margin_db: f64::MIN,
        harm_max: f64::MAX,
        undamaged_max: f64::MAX,
        worth: Worth::Score,
        harm_price: 0.0,
    };

    /// Returns whether a candidate passes for a picture with the chance `undamaged` that nothing is wrong.
    pub fn passes(&self, expected: &ExpectedGain, undamaged: f64) -> bool {
        expected.score > self.margin
            && expected.psnr_db > self.margin_db
            && expected.harm < self.harm_max
            && undamaged < self.undamaged_max
    }

    /// Returns the index of the passing candidate that is worth most, less the price of its harm, the first among equals.
    /// Returns `None` when no candidate passes.
    pub fn choose(&self, expected: &[ExpectedGain], undamaged: f64) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (i, candidate) in expected.iter().enumerate() {
            let gain = match self.worth {
                Worth::Score => candidate.score,
                Worth::Decibels => candidate.psnr_db,
            };
            let worth = gain - self.harm_price * candidate.harm;
            if self.passes(candidate, undamaged) && best.is_none_or(|(_, most)| worth > most) {
                best = Some((i, worth));
            }
        }
        best.map(|(i, _)| i)
    }

    /// Returns whether no bound is NaN, with which every comparison would be false.
    fn is_sound(&self) -> bool {
        let bounds = [self.margin, self.margin_db, self.harm_max, self.undamaged_max, self.harm_price];
        !bounds.iter().any(|bound| bound.is_nan())
    }
}

/// The gates of a model under one assumption.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    /// Gate of the colour corrections.
    pub color: Gate,
    /// Gate of the candidates that sharpen, smooth or denoise.
    pub detail: Gate,
}

/// The bounds that the consensus of a roll must pass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollGate {
    /// Size of the change that the consensus must reach, 0–255.
    pub change_min: f64,
    /// Mean chance that nothing is wrong with the members, which must stay below this.
    pub undamaged_max: f64,
    /// Mean expected gain in dB that the consensus must exceed.
    pub margin_db: f64,
}

/// What a table expects on one picture.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Expected gain of each candidate, in their order.
    pub gains: Vec<ExpectedGain>,
    /// Chance that nothing is wrong with the picture, 0–1.
    pub undamaged: f64,
    weights: RowWeights,
}

#[cfg(test)]
impl Expectation {
    /// An expectation without intervals.
    pub(super) fn of(gains: Vec<ExpectedGain>, undamaged: f64) -> Self {
        Self { gains, undamaged, weights: RowWeights::dense(&[1.0]) }
    }
}

/// Candidates and their gains on every training picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GainTable {
    /// The candidates, in the order of the columns. They are written as names.
    pub candidates: Vec<GainCandidate>,
    pub(super) forest: WeightForest,
    /// Gains in score, shape `(n_rows, n_candidates)`.
    pub(super) score: SteppedRows,
    /// Gains in dB, of the same shape.
    pub(super) psnr_db: SteppedRows,
    /// Whether nothing is wrong with the picture of a row.
    pub(super) undamaged: Vec<bool>,
    /// Regression of the chance that nothing is wrong. A table with it expects the gains of damaged pictures.
    pub(super) chance: Option<KernelRidge>,
}

impl GainTable {
    /// Returns the expected gain of each candidate, and the chance that nothing is wrong with the picture.
    ///
    /// With a regression of the chance, the gains are those of damaged pictures: undamaged training pictures do not count. The
    /// chance is the mean of the regression and of the weight of undamaged pictures among similar training pictures. The two
    /// err differently, and their mean tells ordinary pictures apart better than either.
    ///
    /// # Errors
    /// When the features are not those of the fit, or not finite.
    pub fn expect(&self, features: &[f32]) -> Result<Expectation, WeightsError> {
        let weights = self.forest.weights(features)?;
        let share = self.undamaged_share(&weights);
        let (undamaged, weights) = match &self.chance {
            None => (share, weights),
            Some(chance) => {
                let predicted = f64::from(chance.predict(features)[0]).clamp(0.0, 1.0);
                // Where all similar pictures are undamaged, nothing is known of damaged ones.
                let damaged = weights.without(|row| self.undamaged[row]).unwrap_or(weights);
                (0.5 * (share + predicted), damaged)
            }
        };
        let gains = (0..self.candidates.len()).map(|candidate| self.expected(&weights, candidate)).collect();
        Ok(Expectation { gains, undamaged, weights })
    }

    fn undamaged_share(&self, weights: &RowWeights) -> f64 {
        weights.entries().iter().filter(|(row, _)| self.undamaged[*row]).map(|(_, weight)| weight).sum()
    }

    /// Returns the expected gain of a chosen candidate, with its interval.
    pub fn with_interval(&self, expectation: &Expectation, candidate: usize) -> ExpectedGain {
        let quantile = |q| expectation.weights.quantile(self.psnr_db.rows(), candidate, q);
        ExpectedGain { interval_db: Some(INTERVAL_QUANTILES.map(quantile)), ..expectation.gains[candidate] }
    }

    fn expected(&self, weights: &RowWeights, candidate: usize) -> ExpectedGain {
        let (mut score, mut psnr_db, mut harm) = (0.0, 0.0, 0.0);
        let (of_score, of_db) = (self.score.rows(), self.psnr_db.rows());
        for &(row, weight) in weights.entries() {
            let gain = Gain { score: of_score.number(row, candidate), psnr_db: of_db.number(row, candidate) };
            score += weight * f64::from(gain.score).clamp(SCORE_GAIN_RANGE.0, SCORE_GAIN_RANGE.1);
            psnr_db += weight * cut_db(gain.psnr_db);
            harm += if gain.harms() { weight } else { 0.0 };
        }
        let score_low = weights.quantile(self.score.rows(), candidate, LOW_QUANTILE);
        ExpectedGain { score, score_low, psnr_db, harm, interval_db: None }
    }

    fn is_consistent(&self, n_features: usize) -> bool {
        let shape = (self.forest.n_rows(), self.candidates.len());
        self.forest.n_features() == n_features
            && self.undamaged.len() == self.forest.n_rows()
            && self.chance.as_ref().is_none_or(|chance| chance.is_consistent(n_features, 1))
            && [&self.score, &self.psnr_db]
                .iter()
                .all(|table| (table.rows().n_rows(), table.rows().n_columns()) == shape)
    }
}

/// A fitted model of gains.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GainModel {
    /// Predicts colour transforms from features.
    pub codes: CodeModel,
    /// Expects gains of colour corrections from features.
    pub color: GainTable,
    /// Expects gains of candidates that sharpen, smooth or denoise, from features.
    pub detail: GainTable,
    /// The gates under each of [`Assume::ALL`].
    pub gates: [Gates; N_ASSUMPTIONS],
    /// The gates of rolls under each of [`Assume::ALL`].
    pub roll_gates: [RollGate; N_ASSUMPTIONS],
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
    detail: GainTableForm,
    gates: [Gates; N_ASSUMPTIONS],
    roll_gates: [RollGate; N_ASSUMPTIONS],
    ranges: FeatureRanges,
}

/// A [`GainTable`] as its file holds it.
#[derive(Deserialize)]
struct GainTableForm {
    candidates: Vec<String>,
    forest: WeightForest,
    score: SteppedRows,
    psnr_db: SteppedRows,
    undamaged: Vec<bool>,
    chance: Option<KernelRidge>,
}

impl TryFrom<GainTableForm> for GainTable {
    type Error = UnknownCandidate;

    fn try_from(form: GainTableForm) -> Result<Self, UnknownCandidate> {
        let GainTableForm { candidates, forest, score, psnr_db, undamaged, chance } = form;
        let candidates = candidates.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        Ok(Self { candidates, forest, score, psnr_db, undamaged, chance })
    }
}

impl TryFrom<GainModelForm> for GainModel {
    type Error = UnknownCandidate;

    fn try_from(form: GainModelForm) -> Result<Self, UnknownCandidate> {
        let GainModelForm { codes, color, detail, gates, roll_gates, ranges } = form;
        let (color, detail) = (color.try_into()?, detail.try_into()?);
        Ok(Self { codes, color, detail, gates, roll_gates, ranges })
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
        let gates = self.gates.iter().flat_map(|gates| [gates.color, gates.detail]);
        let sound = self.codes.is_consistent(n_features)
            && self.color.is_consistent(n_features)
            && self.detail.is_consistent(n_features)
            && self.ranges.ranges().len() == n_features
            && gates.into_iter().all(|gate| gate.is_sound())
            && !self
                .roll_gates
                .iter()
                .flat_map(|gate| [gate.change_min, gate.undamaged_max, gate.margin_db])
                .any(f64::is_nan);
        if sound { Ok(()) } else { Err(Inconsistent) }
    }

    /// Returns the gates under an assumption.
    pub fn gates(&self, assume: Assume) -> Gates {
        self.gates[assume as usize]
    }

    /// Returns whether the picture is unlike the training: more than a tenth of its features are outside their ranges.
    pub fn is_outside(&self, features: &[f32]) -> bool {
        let n = self.ranges.ranges().len();
        self.ranges.check(features).is_ok_and(|check| check.n_outside as f64 > OUTSIDE_SHARE_MAX * n as f64)
    }
}

/// Returns a gain in dB as a target of a forest, clamped to the range of means.
pub(super) fn cut_db(psnr_db: f32) -> f64 {
    f64::from(psnr_db).clamp(PSNR_GAIN_RANGE_DB.0, PSNR_GAIN_RANGE_DB.1)
}

/// Returns a gain in score as a target of a forest, clamped to the range of means.
pub(super) fn cut_score(score: f32) -> f64 {
    f64::from(score).clamp(SCORE_GAIN_RANGE.0, SCORE_GAIN_RANGE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(score: f64, harm: f64) -> ExpectedGain {
        ExpectedGain { score, score_low: 0.0, psnr_db: 1.0, harm, interval_db: None }
    }

    #[test]
    fn the_gate_takes_the_largest_gain_that_passes() {
        let gate = Gate { margin: 0.01, margin_db: 0.0, harm_max: 0.2, undamaged_max: 0.5, ..Gate::OPEN };
        let candidates =
            [expected(0.005, 0.0), expected(0.05, 0.3), expected(0.02, 0.1), expected(0.02, 0.0)];
        assert_eq!(gate.choose(&candidates, 0.1), Some(2));
        assert_eq!(gate.choose(&candidates, 0.5), None);
        assert_eq!(gate.choose(&candidates[..2], 0.1), None);
        assert_eq!(Gate::CLOSED.choose(&candidates, 0.0), None);
        assert_eq!(Gate::OPEN.choose(&candidates, 1.0), Some(1));
        let loses = ExpectedGain { psnr_db: -0.1, ..expected(0.5, 0.0) };
        assert_eq!(gate.choose(&[loses], 0.1), None);
        let careful = Gate { harm_price: 0.3, ..gate };
        let candidates = [expected(0.06, 0.15), expected(0.05, 0.1), expected(0.02, 0.0)];
        assert_eq!([gate.choose(&candidates, 0.1), careful.choose(&candidates, 0.1)], [Some(0), Some(1)]);
        let in_db = Gate { worth: Worth::Decibels, ..gate };
        let more_db = ExpectedGain { psnr_db: 2.0, ..expected(0.02, 0.0) };
        assert_eq!(in_db.choose(&[expected(0.06, 0.0), more_db], 0.1), Some(1));
    }

    #[test]
    fn harm_is_losing_more_than_a_twentieth_of_a_decibel() {
        let harms = |psnr_db| Gain { score: 0.1, psnr_db }.harms();
        assert_eq!([harms(-0.051), harms(-0.05), harms(0.0)], [true, false, false]);
    }
}
