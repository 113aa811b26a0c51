//! The report's parts, as they stand in its JSON.

use serde::Serialize;

use crate::{metrics::QualityReport, models::classic::R2, restoration::receipt::RecordedParameters};

/// Means over some pictures, restored in one way. PSNR is capped at 50 dB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct QualityMeans {
    /// Mean PSNR in dB.
    pub psnr: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// Mean score.
    pub score: f64,
    /// Mean gain in score over the untouched picture.
    pub gain: f64,
    /// Mean gain in dB.
    pub gain_db: f64,
    /// Share of pictures that lost more than 0.05 dB, 0–1.
    pub harm: f64,
}

/// Means over the same pictures, restored in four ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// The set, `mean over sets` or `mean over pictures`.
    pub name: String,
    /// Number of pictures.
    pub n: usize,
    /// The damaged pictures, unchanged.
    pub untouched: QualityMeans,
    /// The pictures restored by one candidate for all, see [`FixedChoice`].
    pub best_fixed: QualityMeans,
    /// The pictures restored by the model.
    pub model: QualityMeans,
    /// The pictures restored by the best candidate of each, chosen with the reference known.
    pub best_of_grid: QualityMeans,
    /// Gain of the model divided by the gain of the best of the grid. Absent when the best of the grid gains less than
    /// 0.001, where there is nothing to reach.
    pub share_of_reachable_gain: Option<f64>,
}

/// All sections over one selection of pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// `all`, `unseen` or `seen`: whether the model was trained on the pictures' sources.
    pub pictures: &'static str,
    /// One section per set.
    pub sets: Vec<Section>,
    /// Mean over sets: each set counts the same.
    pub mean_over_sets: Section,
    /// Mean over pictures: each picture counts the same.
    pub mean_over_pictures: Section,
    /// R² of the predicted parameters against the optima found: colour, sigma, strength.
    pub r2: [R2; 3],
}

/// The candidate with the best mean score over all pictures of the report. It is chosen with the references known, so
/// no other candidate for all pictures is better.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FixedChoice {
    /// Name of the candidate in the space.
    pub candidate: String,
    /// Index of the candidate in the space.
    pub index: usize,
}

/// A promise of the first system, and whether the model keeps it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promise {
    /// The promise.
    pub promise: &'static str,
    /// The measured value; absent when it is undefined.
    pub measured: Option<f64>,
    /// Whether the promise is kept.
    pub met: bool,
}

/// The evaluation of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Name of the search space.
    pub space: String,
    /// Id of the model.
    pub model: String,
    /// The best candidate for all pictures.
    pub best_fixed: FixedChoice,
    /// One block over all pictures. When the model was trained on the sources of some of them, there are also blocks
    /// over the unseen and over the seen pictures. The first block is the best evidence.
    pub blocks: Vec<Block>,
    /// The first system's promises, checked on the first block.
    pub promises: Vec<Promise>,
    /// Every picture, in the dataset's order.
    pub pictures: Vec<PictureLine>,
}

/// One picture: untouched, restored by the model, and restored by the best candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PictureLine {
    /// `SET/NAME` or `NAME`.
    pub name: String,
    /// Whether the model was trained on the picture's source.
    pub seen: bool,
    /// Quality of the damaged picture.
    pub untouched: QualityReport,
    /// Parameters that the model chose.
    pub parameters: RecordedParameters,
    /// Quality of the picture that the model restored.
    pub model: QualityReport,
    /// Whether the model lost more than 0.05 dB.
    pub harmed: bool,
    /// Name of the best candidate of the space.
    pub best: String,
    /// Quality of the picture that the best candidate restored.
    pub best_of_grid: QualityReport,
}
