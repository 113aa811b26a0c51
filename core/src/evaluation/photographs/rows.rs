//! One line per photograph of the trial.

use serde::{Deserialize, Serialize};

use super::{rolls::RollOutcome, way::PhotographWay};
use crate::{
    imaging::Image,
    metrics::{self, mean_ciede2000, mean_ciede2000_at_matched_lightness},
    search::{SearchError, SearchSpace, search},
};

/// What a photograph of the trial shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotographKind {
    /// A photograph that the recipe for tests damaged.
    Damaged,
    /// A photograph as it is.
    Ordinary,
    /// A photograph of a roll whose pictures have one fading.
    Roll,
    /// A photograph of a roll that nothing is wrong with.
    CleanRoll,
}

impl PhotographKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Damaged, Self::Ordinary, Self::Roll, Self::CleanRoll];

    /// Returns the name in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Ordinary => "ordinary",
            Self::Roll => "roll",
            Self::CleanRoll => "clean_roll",
        }
    }

    /// Returns the ways that are compared on this kind.
    pub const fn ways(self) -> &'static [PhotographWay] {
        match self {
            Self::Damaged | Self::Ordinary => &PhotographWay::OF_PHOTOGRAPHS,
            Self::Roll | Self::CleanRoll => &PhotographWay::OF_ROLLS,
        }
    }
}

/// A photograph compared with its reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhotographFigures {
    /// PSNR in dB, capped at 50.
    pub psnr: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// Mean ΔE00; lower is better.
    pub ciede2000: f64,
    /// Mean ΔE00 at matched lightness, see [`mean_ciede2000_at_matched_lightness`]; lower is better.
    pub ciede2000_matched: f64,
}

impl PhotographFigures {
    /// Compares a picture with its reference.
    ///
    /// # Errors
    /// When the reference is smaller than 7 px.
    pub(super) fn of(reference: &Image, candidate: &Image) -> Result<Self, SearchError> {
        let quality = search(reference, candidate, &SearchSpace::identity())?[0];
        Ok(Self {
            psnr: quality.capped_psnr(),
            ssim: quality.ssim,
            ciede2000: mean_ciede2000(reference, candidate),
            ciede2000_matched: mean_ciede2000_at_matched_lightness(reference, candidate),
        })
    }
}

/// Result of one way on a photograph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhotographResult {
    /// The way.
    pub way: PhotographWay,
    /// Name of what was applied.
    pub done: String,
    /// Whether the picture was changed.
    pub changed: bool,
    /// Figures of the restored picture.
    pub figures: PhotographFigures,
}

/// What the model with `assume=auto` expected of a photograph alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhotographForecast {
    /// Chance that something is wrong with the picture, 0–1.
    pub damaged: Option<f64>,
    /// Expected gain in dB; absent where nothing was changed.
    pub expected_db: Option<f64>,
    /// Interval of the gain in dB; absent where nothing was changed.
    pub interval_db: Option<[f64; 2]>,
}

/// One photograph of the trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhotographRow {
    /// `SET/NAME`.
    pub name: String,
    /// Name of the set: the folder.
    pub set: String,
    /// Name of the source.
    pub source: String,
    /// What the photograph shows.
    pub kind: PhotographKind,
    /// Kind of the damage: the mixture's name without its strength. Absent where nothing is wrong.
    pub damage: Option<String>,
    /// Strength of the damage: mild, medium or strong, where the mixture states it.
    pub strength: Option<String>,
    /// Name of the roll.
    pub roll: Option<String>,
    /// Fold that the source was held out in.
    pub fold: usize,
    /// What the model expected.
    pub forecast: PhotographForecast,
    /// Result of each way of the kind, in their order.
    pub ways: Vec<PhotographResult>,
}

impl PhotographRow {
    /// Returns the result of a way, if it was tried.
    pub fn result(&self, way: PhotographWay) -> Option<&PhotographResult> {
        self.ways.iter().find(|result| result.way == way)
    }

    /// Returns the gain of a way over the untouched picture in dB, 0 for a way that was not tried.
    pub fn gain_db(&self, way: PhotographWay) -> f64 {
        self.psnr(way) - self.psnr(PhotographWay::Untouched)
    }

    /// Returns whether a way loses more than 0.05 dB.
    pub fn is_harmed(&self, way: PhotographWay) -> bool {
        metrics::is_harm(self.psnr(PhotographWay::Untouched), self.psnr(way))
    }

    /// Returns whether a way changed the picture.
    pub fn is_changed(&self, way: PhotographWay) -> bool {
        self.result(way).is_some_and(|result| result.changed)
    }

    fn psnr(&self, way: PhotographWay) -> f64 {
        let untouched = || self.result(PhotographWay::Untouched);
        self.result(way).or_else(untouched).map_or(0.0, |result| result.figures.psnr)
    }
}

/// One roll of the trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollRow {
    /// `SET/fold F roll N`.
    pub name: String,
    /// Name of the set.
    pub set: String,
    /// Fold of all its pictures.
    pub fold: usize,
    /// [`PhotographKind::Roll`] or [`PhotographKind::CleanRoll`].
    pub kind: PhotographKind,
    /// Mixture of the fading; absent for a clean roll.
    pub mixture: Option<String>,
    /// Number of pictures.
    pub n: usize,
    /// Decision with `assume=auto`.
    pub together: RollOutcome,
    /// Decision with `assume=damaged`.
    pub together_damaged: RollOutcome,
}
