//! The file of a model of gains: as that of the classic models, with another number in its first line.
//!
//! `PENTIMENTO-MODEL 2`, digest, gzip of: length of the card, card as JSON, [`GainModel`] in postcard's wire format.

use serde::{Deserialize, Serialize};

use crate::features::rich::{N_RICH, RICH_NAMES, RICH_SCHEMA};
use crate::models::classic::card::DatasetUse;
use crate::models::file::{ArtifactError, Opened, open, open_inflated, seal};
use crate::models::gains::fit::GainHyperparameters;
use crate::models::gains::model::GainModel;

/// Version of the file.
pub const GAIN_FORMAT_VERSION: u32 = 2;
const MAGIC_LINE: &[u8] = b"PENTIMENTO-MODEL 2\n";

/// How one set of pictures fared in the trial on folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetTrial {
    /// The set; `undamaged/SET` for its undamaged pictures.
    pub set: String,
    /// Its pictures.
    pub n: usize,
    /// Mean gain in score.
    pub score: f64,
    /// Mean gain in dB of capped PSNR.
    pub psnr_db: f64,
    /// Share that lost more than 0.05 dB.
    pub harm: f64,
    /// Share that was changed at all.
    pub changed: f64,
}

/// What is known of a model of gains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainCard {
    /// [`GAIN_FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// Version of the program that fitted it.
    pub program_version: String,
    /// The schema of its features.
    pub feature_schema: String,
    /// Names of its features, in order.
    pub feature_names: Vec<String>,
    /// How it was fitted, seed included.
    pub hyperparameters: GainHyperparameters,
    /// Where the pictures came from.
    pub datasets: Vec<DatasetUse>,
    /// Damaged pictures.
    pub n_damaged: usize,
    /// Undamaged pictures that want nothing.
    pub n_undamaged: usize,
    /// Pictures made of undamaged ones.
    pub n_synthetic: usize,
    /// Source pictures fitted on, sorted.
    pub fit_sources: Vec<String>,
    /// SHA-256 over features and gains of all pictures: the table that it was fitted on.
    pub table_sha256: String,
    /// How models fitted alike did on pictures of which they saw no source.
    pub trial: Vec<SetTrial>,
    /// What a user should know before relying on it.
    pub warnings: Vec<String>,
}

impl GainCard {
    /// Whether a picture of this source was fitted on.
    pub fn was_fitted_on(&self, source: &str) -> bool {
        self.fit_sources.binary_search_by(|known| known.as_str().cmp(source)).is_ok()
    }

    /// The card for people.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Model card: gains\n\n- fitted by pentimento {}\n- features: {} ({} numbers)\n- pictures: {} damaged, {} undamaged, \
             {} synthesised from undamaged ones; {} sources\n- trees: {} per forest, seed {}\n- table: SHA-256 {}\n\n## Made \
             from\n\n| dataset | damaged pictures | licence |\n|---|---:|---|\n",
            self.program_version,
            self.feature_schema,
            self.feature_names.len(),
            self.n_damaged,
            self.n_undamaged,
            self.n_synthetic,
            self.fit_sources.len(),
            self.hyperparameters.n_trees,
            self.hyperparameters.seed,
            self.table_sha256,
        );
        for DatasetUse { name, n_rows, licence } in &self.datasets {
            text += &format!("| {name} | {n_rows} | {licence} |\n");
        }
        text += "\n## Trial\n\nEvery picture restored by a model fitted alike that saw none of its sources.\n\n\
                 | set | pictures | gain in score | gain in dB | harmed % | changed % |\n|---|---:|---:|---:|---:|---:|\n";
        for trial in &self.trial {
            text += &format!(
                "| {} | {} | {:+.4} | {:+.2} | {:.1} | {:.1} |\n",
                trial.set,
                trial.n,
                trial.score,
                trial.psnr_db,
                trial.harm * 100.0,
                trial.changed * 100.0
            );
        }
        for warning in &self.warnings {
            text += &format!("\n- {warning}\n");
        }
        text
    }
}

/// A model of gains with its card.
#[derive(Clone, Debug, PartialEq)]
pub struct GainArtifact {
    /// What is known of it.
    pub card: GainCard,
    /// The model.
    pub model: GainModel,
}

/// Whether `bytes` begin as the file of a model of gains.
pub fn is_gain_artifact(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC_LINE)
}

impl GainArtifact {
    /// The file. Equal artifacts give equal bytes.
    ///
    /// # Panics
    /// When the card holds a number that is not finite.
    pub fn to_bytes(&self) -> Vec<u8> {
        let card = serde_json::to_vec(&self.card).expect("plain structures become JSON");
        let model = postcard::to_stdvec(&self.model).expect("plain structures have a wire form");
        seal(MAGIC_LINE, &card, &model)
    }

    /// Reads a file that decodes to at most `max_decoded_bytes`.
    ///
    /// # Errors
    /// When the file is damaged, too large, or made for other features.
    pub fn from_bytes(bytes: &[u8], max_decoded_bytes: usize) -> Result<Self, ArtifactError> {
        Self::from_opened(&open(MAGIC_LINE, bytes, max_decoded_bytes)?)
    }

    /// Reads what [`GainArtifact::from_bytes`] would, from the file's first line and its inflated content.
    ///
    /// # Errors
    /// As there.
    pub fn from_inflated(bytes: &[u8]) -> Result<Self, ArtifactError> {
        Self::from_opened(&open_inflated(MAGIC_LINE, bytes)?)
    }

    fn from_opened(opened: &Opened) -> Result<Self, ArtifactError> {
        let (card, model) = opened.parts();
        /// What is looked at before the rest.
        #[derive(Deserialize)]
        struct Versions {
            format_version: u32,
            feature_schema: String,
        }
        let unreadable = |reason: String| ArtifactError::Card { reason };
        let versions: Versions = serde_json::from_slice(card).map_err(|e| unreadable(e.to_string()))?;
        if versions.format_version != GAIN_FORMAT_VERSION {
            return Err(ArtifactError::FormatVersion { found: versions.format_version.to_string() });
        }
        if versions.feature_schema != RICH_SCHEMA {
            return Err(ArtifactError::RichSchema { found: versions.feature_schema });
        }
        let card: GainCard = serde_json::from_slice(card).map_err(|e| unreadable(e.to_string()))?;
        if card.feature_names != RICH_NAMES {
            return Err(unreadable(format!("its features are not those of {RICH_SCHEMA}")));
        }
        if !card.fit_sources.is_sorted() {
            return Err(unreadable("its source pictures are not sorted".to_owned()));
        }
        let refused = |reason: String| ArtifactError::Regressors { reason };
        let (model, rest): (GainModel, _) =
            postcard::take_from_bytes(model).map_err(|e| refused(e.to_string()))?;
        if !rest.is_empty() {
            return Err(refused(format!("{} bytes follow behind them", rest.len())));
        }
        model.check(N_RICH).map_err(|e| refused(e.to_string()))?;
        Ok(Self { card, model })
    }
}
