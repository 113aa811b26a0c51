//! The card of a classic model: its data, its hyperparameters and its quality.

use serde::{Deserialize, Serialize};

use super::hyperparameters::Hyperparameters;
use super::importance::Importances;
use super::r2::TargetR2;
use crate::learning::table::{FEATURE_NAMES, FEATURE_SCHEMA};
use crate::models::{family::Family, file::CLASSIC_FORMAT_VERSION, provenance::DatasetUse};

/// Version of smartcore, the library that grows the trees. A test compares it with `Cargo.lock`.
pub const SMARTCORE_VERSION: &str = "0.7.0";

/// The card of a classic model. Every number in it is finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// [`CLASSIC_FORMAT_VERSION`] of the program that wrote the file.
    pub format_version: u32,
    /// Version of the program that fitted the model.
    pub program_version: String,
    /// [`SMARTCORE_VERSION`] of the program that fitted the model.
    pub smartcore_version: String,
    /// [`FEATURE_SCHEMA`] of the features.
    pub feature_schema: String,
    /// Names of the features, in order.
    pub feature_names: Vec<String>,
    /// The family that was kept.
    pub family: Family,
    /// Hyperparameters of the fit, seed included.
    pub hyperparameters: Hyperparameters,
    /// Origin of the rows.
    pub datasets: Vec<DatasetUse>,
    /// Number of rows of the table.
    pub n_rows: usize,
    /// Number of rows fitted on.
    pub n_fit: usize,
    /// Number of rows held out.
    pub n_held_out: usize,
    /// Sources fitted on, sorted. An evaluation must not count their pictures as unseen.
    pub fit_sources: Vec<String>,
    /// Bounds of the searched parameters. Predictions are clamped to them.
    pub bounds: SearchedBounds,
    /// Results of every family that was tried, the kept one included.
    pub families: Vec<FamilyReport>,
    /// Importance of the features for the kept family.
    pub importances: Option<Importances>,
    /// Scores of the untouched held-out pictures.
    pub untouched: Option<RestorationScores>,
    /// The best single choice of parameters for all held-out pictures, with its scores.
    pub best_fixed: Option<FixedBaseline>,
    /// Warnings to read before using the model.
    pub warnings: Vec<String>,
}

/// Bounds of the parameters that the search could choose from.
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
    /// Whether colour correction was on in any candidate.
    pub color_ever_on: bool,
}

/// The three predicted parameters, clamped to the searched bounds.
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
    /// Returns whether each least bound is at most the largest one.
    pub(super) fn are_ordered(&self) -> bool {
        self.sigma_min <= self.sigma_max && self.strength_min <= self.strength_max
    }
}

/// The results of one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyReport {
    /// The family.
    pub family: Family,
    /// R² on the held-out rows.
    pub r2: TargetR2,
    /// Scores of the held-out pictures that it restored.
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

/// One choice of parameters for all pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedBaseline {
    /// The parameters.
    pub parameters: PredictedParameters,
    /// Scores of the held-out pictures with these parameters.
    pub scores: RestorationScores,
}

impl ModelCard {
    /// Makes a card with this program's versions and features. Data and quality are still empty.
    pub fn new(family: Family, hyperparameters: Hyperparameters, bounds: SearchedBounds) -> Self {
        Self {
            format_version: CLASSIC_FORMAT_VERSION,
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

    /// Returns whether the model was fitted on a picture of this source.
    pub fn was_fitted_on(&self, source: &str) -> bool {
        self.fit_sources.binary_search_by(|known| known.as_str().cmp(source)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smartcore_version_is_the_one_that_is_compiled_in() {
        let lock = include_str!("../../../../Cargo.lock");
        let entry = format!("name = \"smartcore\"\nversion = \"{SMARTCORE_VERSION}\"\n");
        assert!(lock.replace("\r\n", "\n").contains(&entry), "set SMARTCORE_VERSION to that of Cargo.lock");
    }
}
