//! What an honest trial measured, and its report: every picture treated by what was learned from other sources only,
//! in six ways side by side.
//!
//! [`Trialled`] in, [`TrialReport`] out, by [`trial_report`](super::trial_report). PSNR is capped at 50 dB, a gain is a
//! difference to the untouched picture, harm is losing more than 0.05 dB, regret is what the best candidate in hand
//! gains more in score.

mod csv;
mod html;
mod sums;
#[cfg(test)]
mod tests;
mod text;

pub use self::{
    csv::{TRIAL_CSV_HEADER, trial_csv},
    html::{Shown, trial_html},
    sums::trial_report,
};

use serde::{Deserialize, Serialize};

use crate::{
    metrics::HARM_DB,
    models::gains::model::{Gain, Gate},
};

/// The ways, in the order of [`TrialRow::ways`].
pub const WAYS: [&str; 6] =
    ["untouched", "best_fixed", "classic", "three_parameters", "model", "best_in_hand"];
/// Index of doing nothing.
pub const UNTOUCHED: usize = 0;
/// Index of the model on trial.
pub const MODEL: usize = 4;
/// Index of the best candidate with the truth in hand.
pub const BEST_IN_HAND: usize = 5;

/// Which side of a pair was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// The damaged one.
    Damaged,
    /// The undamaged one, which wants nothing.
    Undamaged,
}

/// A picture against its reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// PSNR in dB, capped at 50.
    pub psnr: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// Mean ΔE00; lower is better.
    pub ciede2000: f64,
}

impl Figures {
    /// `0.5 · PSNR/50 + 0.5 · SSIM`.
    pub fn score(&self) -> f64 {
        0.5 * self.psnr / 50.0 + 0.5 * self.ssim
    }
}

/// What one way did to a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Treated {
    /// What was done, by the candidate's name.
    pub done: String,
    /// Whether anything was.
    pub changed: bool,
    /// What came out.
    pub figures: Figures,
}

/// What was expected of something, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Expected gain in score.
    pub score: f64,
    /// Expected share of harm.
    pub harm: f64,
    /// The gain that it had.
    pub actual: Gain,
}

/// One picture of the trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRow {
    /// `SET/NAME`.
    pub name: String,
    /// Its set.
    pub set: String,
    /// Its source picture.
    pub source: String,
    /// What was put in.
    pub kind: PictureKind,
    /// Its damage, where known.
    pub damage: Option<String>,
    /// Its fold.
    pub fold: usize,
    /// Treated in each of [`WAYS`].
    pub ways: Vec<Treated>,
    /// What the model expected of what it did; absent where it did nothing.
    pub forecast: Option<Forecast>,
}

impl TrialRow {
    /// Gain of a way over the untouched picture, in score.
    pub fn gain(&self, way: usize) -> f64 {
        self.ways[way].figures.score() - self.ways[UNTOUCHED].figures.score()
    }

    /// Gain of a way over the untouched picture, in dB.
    pub fn gain_db(&self, way: usize) -> f64 {
        self.ways[way].figures.psnr - self.ways[UNTOUCHED].figures.psnr
    }

    /// Whether a way loses more than 0.05 dB.
    pub fn is_harmed(&self, way: usize) -> bool {
        // As `Quality::harms` has it, to the last bit.
        self.ways[way].figures.psnr < self.ways[UNTOUCHED].figures.psnr - HARM_DB
    }
}

/// A gate varied after the fact: for each bound on the expected harm, the gain of each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The way whose gate was varied.
    pub way: String,
    /// The bounds.
    pub harm_max: Vec<f64>,
    /// By row, then by bound.
    pub gains: Vec<Vec<Gain>>,
}

/// What a trial measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trialled {
    /// Every picture.
    pub rows: Vec<TrialRow>,
    /// Every candidate of the model on every picture.
    pub forecasts: Vec<Forecast>,
    /// Gates varied.
    pub sweeps: Vec<Sweep>,
    /// What each fold was tried with.
    pub folds: Vec<FoldNote>,
    /// What was found along the way and a reader must know.
    pub notes: Vec<String>,
}

/// What one fold was tried with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldNote {
    /// Its number.
    pub fold: usize,
    /// Training pictures, synthesised ones included.
    pub n_training: usize,
    /// Pictures tried.
    pub n_tried: usize,
    /// The best fixed candidate of its training pictures.
    pub best_fixed: String,
    /// When the model's colour corrections are worth it; absent where none ever is.
    pub color_gate: Option<Gate>,
    /// When its sharpening, smoothing and denoising are.
    pub detail_gate: Option<Gate>,
    /// When the three parameters alone are.
    pub three_parameters_gate: Option<Gate>,
}

/// Means over some pictures of one way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WaySummary {
    /// Which.
    pub way: String,
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
    /// Share losing more than 0.05 dB, 0–1.
    pub harm: f64,
    /// Share to which something was done, 0–1.
    pub changed: f64,
    /// Mean score that the best candidate in hand has more.
    pub regret: f64,
    /// Gain in score over that of the best candidate in hand; absent where that gains less than 0.001.
    pub captured: Option<f64>,
}

/// One selection of pictures, in all ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSection {
    /// A set, a damage, or which mean.
    pub name: String,
    /// Pictures.
    pub n: usize,
    /// In the order of [`WAYS`].
    pub ways: Vec<WaySummary>,
}

/// All pictures of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindReport {
    /// Which.
    pub kind: PictureKind,
    /// By set.
    pub sets: Vec<TrialSection>,
    /// Each set counts the same.
    pub mean_over_sets: TrialSection,
    /// Each picture counts the same.
    pub mean_over_pictures: TrialSection,
    /// By damage; empty where none is known.
    pub damages: Vec<TrialSection>,
}

/// Forecasts of like value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// From here on; absent: from below.
    pub from: Option<f64>,
    /// To below here; absent: to above.
    pub to: Option<f64>,
    /// Forecasts.
    pub n: usize,
    /// Their mean.
    pub expected: f64,
    /// The mean of what came.
    pub actual: f64,
}

/// Whether what is expected comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected against actual gain in score.
    pub score: Vec<Bin>,
    /// Expected against actual share of harm.
    pub harm: Vec<Bin>,
}

/// A gate varied after the fact: one bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Expected harm that a candidate had to stay below.
    pub harm_max: f64,
    /// Damaged pictures, mean over sets: gain in score.
    pub gain_score: f64,
    /// In dB.
    pub gain_db: f64,
    /// Share harmed.
    pub harm: f64,
    /// Undamaged pictures, mean over sets: share harmed.
    pub harm_undamaged: f64,
}

/// Gain and harm over the gate of one way. The bounds were varied on the very pictures that are reported: a curve to
/// read, not a choice to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The way.
    pub way: String,
    /// By bound.
    pub points: Vec<CurvePoint>,
}

/// A whole trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialReport {
    /// Damaged pictures, then undamaged ones.
    pub kinds: Vec<KindReport>,
    /// Of what the model did.
    pub calibration_of_decisions: Calibration,
    /// Of all its candidates on all pictures, whatever was done.
    pub calibration_of_candidates: Calibration,
    /// Post hoc.
    pub curves_post_hoc: Vec<Curve>,
    /// What each fold was tried with.
    pub folds: Vec<FoldNote>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Every picture.
    pub pictures: Vec<TrialRow>,
}
