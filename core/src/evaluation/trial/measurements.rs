//! Measurements of a trial: one row per picture, forecasts, and notes on the fit of each fold.

use serde::{Deserialize, Serialize};

use super::way::{ByWay, Way};
use crate::{
    metrics::Quality,
    models::gains::model::{Gain, Gate},
};

/// The side of a pair that was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// The damaged picture.
    Damaged,
    /// The undamaged picture, which needs no restoration.
    Undamaged,
}

/// A picture compared with its reference.
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
    /// Returns PSNR and SSIM, without the colour difference.
    pub fn quality(&self) -> Quality {
        Quality { psnr: self.psnr, ssim: self.ssim }
    }

    /// Returns the score, `0.5 · PSNR/50 + 0.5 · SSIM`.
    pub fn score(&self) -> f64 {
        self.quality().score()
    }
}

/// Result of one way on a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WayResult {
    /// Name of the candidate that was applied.
    pub done: String,
    /// Whether the candidate is not the identity.
    pub changed: bool,
    /// Figures of the restored picture.
    pub figures: Figures,
}

/// An expected gain with the actual gain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Expected gain in score.
    pub score: f64,
    /// Expected share of harm, 0–1.
    pub harm: f64,
    /// Actual gain.
    pub actual: Gain,
}

/// One picture of the trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRow {
    /// `SET/NAME`.
    pub name: String,
    /// Name of the set.
    pub set: String,
    /// Name of the source.
    pub source: String,
    /// Side of the pair that was restored.
    pub kind: PictureKind,
    /// Name of the damage, where known.
    pub damage: Option<String>,
    /// Fold that the picture was held out in.
    pub fold: usize,
    /// Result of each way.
    pub ways: ByWay<WayResult>,
    /// Forecast for the candidate that the model chose; absent where the model changed nothing.
    pub forecast: Option<Forecast>,
}

impl TrialRow {
    /// Returns the gain of a way over the untouched picture, in score.
    pub fn gain(&self, way: Way) -> f64 {
        self.figures(way).score() - self.figures(Way::Untouched).score()
    }

    /// Returns the gain of a way over the untouched picture, in dB.
    pub fn gain_db(&self, way: Way) -> f64 {
        self.figures(way).psnr - self.figures(Way::Untouched).psnr
    }

    /// Returns whether a way loses more than 0.05 dB.
    pub fn is_harmed(&self, way: Way) -> bool {
        self.figures(way).quality().harms(self.figures(Way::Untouched).quality())
    }

    fn figures(&self, way: Way) -> &Figures {
        &self.ways[way].figures
    }
}

/// Gains of one way with other bounds on the expected harm in its gate. The bounds are varied after the measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSweep {
    /// The way whose gate was varied.
    pub way: Way,
    /// The bounds.
    pub harm_max: Vec<f64>,
    /// Gain per row, then per bound.
    pub gains: Vec<Vec<Gain>>,
}

/// Everything that a trial measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrialMeasurements {
    /// Every picture.
    pub rows: Vec<TrialRow>,
    /// Forecasts for every candidate of the model on every picture.
    pub forecasts: Vec<Forecast>,
    /// Gains with other bounds of the gates.
    pub sweeps: Vec<GateSweep>,
    /// Notes on the fit of each fold.
    pub folds: Vec<FoldNote>,
    /// Remarks that a reader of the figures must know.
    pub notes: Vec<String>,
}

/// Notes on the fit of one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldNote {
    /// Number of the fold, from 0.
    pub fold: usize,
    /// Number of training pictures, synthesised ones included.
    pub n_training: usize,
    /// Number of held-out pictures that were restored.
    #[serde(rename = "n_tried")]
    pub n_held_out: usize,
    /// The best fixed candidate of the training pictures.
    pub best_fixed: String,
    /// Gate of the model's colour corrections; absent when it lets nothing pass.
    pub color_gate: Option<Gate>,
    /// Gate of the model's sharpening, smoothing and denoising; absent when it lets nothing pass.
    pub detail_gate: Option<Gate>,
    /// Gate of [`Way::ThreeParameters`]; absent when it lets nothing pass.
    pub three_parameters_gate: Option<Gate>,
}
