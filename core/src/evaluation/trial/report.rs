//! The report of a trial, as it stands in its JSON.

use serde::{Deserialize, Serialize};

use super::{
    measurements::{FoldNote, PictureKind, TrialRow},
    way::{ByWay, Way},
};
use crate::evaluation::photographs::PhotographReport;

/// Means over some pictures, restored in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaySummary {
    /// The way.
    pub way: Way,
    /// Mean PSNR in dB, capped at 50.
    pub psnr: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// Mean score.
    pub score: f64,
    /// Mean ΔE00.
    pub ciede2000: f64,
    /// Mean gain in dB.
    pub gain_db: f64,
    /// Mean gain in SSIM.
    pub gain_ssim: f64,
    /// Mean gain in score.
    pub gain_score: f64,
    /// Mean change of ΔE00; negative is better.
    pub change_ciede2000: f64,
    /// Share of pictures that lost more than 0.05 dB, 0–1.
    pub harm: f64,
    /// Share of pictures that were changed, 0–1.
    pub changed: f64,
    /// Mean regret in score: gain of the oracle minus gain of this way.
    pub regret: f64,
    /// Gain in score divided by the gain of the oracle; absent where the oracle gains less than 0.001.
    pub captured: Option<f64>,
}

/// Means over one selection of pictures, in all ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSection {
    /// A set, a damage, `mean over sets` or `mean over pictures`.
    pub name: String,
    /// Number of pictures.
    pub n: usize,
    /// Means of each way.
    pub ways: ByWay<WaySummary>,
}

/// All pictures of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindReport {
    /// The kind.
    pub kind: PictureKind,
    /// One section per set.
    pub sets: Vec<TrialSection>,
    /// Mean over sets: each set counts the same.
    pub mean_over_sets: TrialSection,
    /// Mean over pictures: each picture counts the same.
    pub mean_over_pictures: TrialSection,
    /// One section per damage; empty where none is known.
    pub damages: Vec<TrialSection>,
}

/// Forecasts with expected values in one range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Least expected value; absent in the lowest bin.
    pub from: Option<f64>,
    /// Expected values lie below this one; absent in the highest bin.
    pub to: Option<f64>,
    /// Number of forecasts.
    pub n: usize,
    /// Mean of the expected values.
    pub expected: f64,
    /// Mean of the actual values.
    pub actual: f64,
}

/// Expected against actual values, in bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected against actual gain in score.
    pub score: Vec<Bin>,
    /// Expected against actual share of harm.
    pub harm: Vec<Bin>,
}

/// Means with one bound of a varied gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The bound: expected harm that a candidate had to stay below.
    pub harm_max: f64,
    /// Gain in score: mean over sets of damaged pictures.
    pub gain_score: f64,
    /// Gain in dB: mean over sets of damaged pictures.
    pub gain_db: f64,
    /// Share harmed: mean over sets of damaged pictures.
    pub harm: f64,
    /// Share harmed: mean over sets of undamaged pictures.
    pub harm_undamaged: f64,
}

/// Gain and harm of one way over the bound of its gate. The bounds were varied on the pictures that are reported, so the
/// curve must not be used to choose a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateCurve {
    /// The way.
    pub way: Way,
    /// One point per bound.
    pub points: Vec<CurvePoint>,
}

/// The report of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialReport {
    /// Damaged pictures, then undamaged ones.
    pub kinds: Vec<KindReport>,
    /// Calibration of the forecasts for what the model chose.
    pub calibration_of_decisions: Calibration,
    /// Calibration of the forecasts for all candidates of the model, chosen or not, on all pictures.
    pub calibration_of_candidates: Calibration,
    /// Gain and harm with other bounds of the gates, computed after the measurement.
    pub curves_post_hoc: Vec<GateCurve>,
    /// Notes on the fit of each fold.
    pub folds: Vec<FoldNote>,
    /// Remarks that a reader of the figures must know.
    pub notes: Vec<String>,
    /// Every picture.
    pub pictures: Vec<TrialRow>,
    /// The results on photographs; absent where none were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photographs: Option<PhotographReport>,
}
