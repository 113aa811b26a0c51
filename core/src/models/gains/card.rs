//! The card of a model of gains: its data, its hyperparameters and its quality.

use serde::{Deserialize, Serialize};

use super::hyperparameters::GainHyperparameters;
use crate::models::provenance::DatasetUse;

/// The result of cross-validation for one set of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetTrial {
    /// Name of the set; `undamaged/SET` for its undamaged pictures.
    pub set: String,
    /// Number of pictures.
    pub n: usize,
    /// Mean gain in score.
    pub score: f64,
    /// Mean gain in dB of capped PSNR.
    pub psnr_db: f64,
    /// Share of pictures that lost more than 0.05 dB, 0–1.
    pub harm: f64,
    /// Share of pictures that were changed at all, 0–1.
    pub changed: f64,
}

/// The card of a model of gains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainCard {
    /// [`GAIN_FORMAT_VERSION`](crate::models::file::GAIN_FORMAT_VERSION) of the program that wrote the file.
    pub format_version: u32,
    /// Version of the program that fitted the model.
    pub program_version: String,
    /// Schema of the features.
    pub feature_schema: String,
    /// Names of the features, in order.
    pub feature_names: Vec<String>,
    /// Hyperparameters of the fit, seed included.
    pub hyperparameters: GainHyperparameters,
    /// Origin of the pictures.
    pub datasets: Vec<DatasetUse>,
    /// Number of damaged pictures.
    pub n_damaged: usize,
    /// Number of undamaged pictures, which need no restoration.
    pub n_undamaged: usize,
    /// Number of pictures that were synthesised from undamaged ones.
    pub n_synthetic: usize,
    /// Sources of the pictures, sorted.
    pub fit_sources: Vec<String>,
    /// SHA-256 over features and gains of all pictures: the table that the model was fitted on.
    pub table_sha256: String,
    /// Cross-validation: results of models that were fitted the same way, on pictures whose sources they had not seen.
    pub trial: Vec<SetTrial>,
    /// Warnings to read before using the model.
    pub warnings: Vec<String>,
}

impl GainCard {
    /// Returns whether the model was fitted on a picture of this source.
    pub fn was_fitted_on(&self, source: &str) -> bool {
        self.fit_sources.binary_search_by(|known| known.as_str().cmp(source)).is_ok()
    }
}
