//! The card of a model: what it was made from, how good it is, and what it may be used for.

use serde::{Deserialize, Serialize};

use super::hyperparameters::Hyperparameters;
use super::importance::Importances;
use super::model::{Family, RawPrediction};
use crate::learning::table::{FEATURE_NAMES, FEATURE_SCHEMA};
use crate::models::classic::r2::TargetR2;

/// Version of the model file that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Version of smartcore that grows the trees. A test compares it with `Cargo.lock`.
pub const SMARTCORE_VERSION: &str = "0.7.0";

/// What is known of a model. Every number in it is finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// [`FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// Version of the program that fitted it.
    pub program_version: String,
    /// [`SMARTCORE_VERSION`] of the program that fitted it.
    pub smartcore_version: String,
    /// [`FEATURE_SCHEMA`] of its features.
    pub feature_schema: String,
    /// Names of its features, in order.
    pub feature_names: Vec<String>,
    /// The family that was kept.
    pub family: Family,
    /// Hyperparameters of the fit, seed included.
    pub hyperparameters: Hyperparameters,
    /// Where the rows came from.
    pub datasets: Vec<DatasetUse>,
    /// Rows of the table.
    pub n_rows: usize,
    /// Rows fitted on.
    pub n_fit: usize,
    /// Rows held out.
    pub n_held_out: usize,
    /// Source pictures fitted on, sorted: what an evaluation must not count as unseen.
    pub fit_sources: Vec<String>,
    /// What was searched; predictions are clamped to it.
    pub bounds: SearchedBounds,
    /// Every family that was tried, the kept one included.
    pub families: Vec<FamilyReport>,
    /// Importance of the features for the kept family.
    pub importances: Option<Importances>,
    /// Scores of the held-out pictures left as they are.
    pub untouched: Option<RestorationScores>,
    /// Scores of the best single choice of parameters for all pictures.
    pub best_fixed: Option<FixedBaseline>,
    /// What a user should know before relying on it.
    pub warnings: Vec<String>,
}

/// A dataset, or one set of it, that rows came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetUse {
    /// Its name.
    pub name: String,
    /// Rows from it.
    pub n_rows: usize,
    /// Its licence, in words.
    pub licence: String,
}

/// The parameters that the search could choose from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchedBounds {
    /// Least sigma in pixels.
    pub sigma_min: f64,
    /// Largest sigma in pixels.
    pub sigma_max: f64,
    /// Least strength.
    pub strength_min: f64,
    /// Largest strength.
    pub strength_max: f64,
    /// Whether colour correction was ever on.
    pub color_ever_on: bool,
}

/// Parameters as a restoration takes them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedParameters {
    /// Whether to correct colour.
    pub color: bool,
    /// Sigma in pixels.
    pub sigma: f64,
    /// Strength.
    pub strength: f64,
}

impl SearchedBounds {
    /// Turns what the regressors say into parameters: colour is on from 0.5 if it ever was, sigma and strength
    /// are clamped to what was searched.
    pub fn apply(&self, raw: RawPrediction) -> PredictedParameters {
        // Not `clamp`, which panics on bounds the wrong way round.
        PredictedParameters {
            color: self.color_ever_on && raw.color >= 0.5,
            sigma: raw.sigma.max(self.sigma_min).min(self.sigma_max),
            strength: raw.strength.max(self.strength_min).min(self.strength_max),
        }
    }

    /// Whether each least is at most its largest.
    pub(super) fn are_ordered(&self) -> bool {
        self.sigma_min <= self.sigma_max && self.strength_min <= self.strength_max
    }
}

/// How one family did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyReport {
    /// The family.
    pub family: Family,
    /// R² on the held-out rows.
    pub r2: TargetR2,
    /// Scores of the held-out pictures restored by it.
    pub restoration: Option<RestorationScores>,
}

/// Scores of restored pictures against their references.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestorationScores {
    /// Mean PSNR in dB, each picture capped at 50 dB.
    pub mean_psnr: f64,
    /// Mean SSIM.
    pub mean_ssim: f64,
    /// Mean similarity score with capped PSNR.
    pub mean_score: f64,
    /// Mean gain in score over the untouched picture.
    pub mean_gain: f64,
    /// Share of pictures that lost more than 0.05 dB, 0–1.
    pub harm_share: f64,
    /// Number of pictures.
    pub n: usize,
}

/// The same parameters for every picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedBaseline {
    /// The parameters.
    pub parameters: PredictedParameters,
    /// What they score on the held-out pictures.
    pub scores: RestorationScores,
}

impl ModelCard {
    /// A card of this program's versions and features that says nothing of data and quality yet.
    pub fn new(family: Family, hyperparameters: Hyperparameters, bounds: SearchedBounds) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            smartcore_version: SMARTCORE_VERSION.to_owned(),
            feature_schema: FEATURE_SCHEMA.to_owned(),
            feature_names: FEATURE_NAMES.map(String::from).to_vec(),
            family,
            hyperparameters,
            datasets: Vec::new(),
            n_rows: 0,
            n_fit: 0,
            n_held_out: 0,
            fit_sources: Vec::new(),
            bounds,
            families: Vec::new(),
            importances: None,
            untouched: None,
            best_fixed: None,
            warnings: Vec::new(),
        }
    }

    /// Whether the model was fitted on the source picture `source`.
    pub fn was_fitted_on(&self, source: &str) -> bool {
        self.fit_sources.binary_search_by(|known| known.as_str().cmp(source)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_are_clamped_to_what_was_searched() {
        let mut bounds = SearchedBounds {
            sigma_min: 0.5,
            sigma_max: 2.0,
            strength_min: -0.5,
            strength_max: 1.5,
            color_ever_on: true,
        };
        let apply = |bounds: &SearchedBounds, color, sigma, strength| {
            let applied = bounds.apply(RawPrediction { color, sigma, strength });
            (applied.color, applied.sigma, applied.strength)
        };
        assert_eq!(apply(&bounds, 0.5, 0.1, 9.0), (true, 0.5, 1.5));
        assert_eq!(apply(&bounds, 0.499, 3.0, -9.0), (false, 2.0, -0.5));
        assert_eq!(apply(&bounds, 1.0, 1.25, 0.25), (true, 1.25, 0.25));
        bounds.color_ever_on = false;
        assert_eq!(apply(&bounds, 1.0, 1.0, 1.0), (false, 1.0, 1.0));
    }

    #[test]
    fn the_smartcore_version_is_the_one_that_is_compiled_in() {
        let lock = include_str!("../../../../Cargo.lock");
        let entry = format!("name = \"smartcore\"\nversion = \"{SMARTCORE_VERSION}\"\n");
        assert!(lock.replace("\r\n", "\n").contains(&entry), "set SMARTCORE_VERSION to that of Cargo.lock");
    }
}
