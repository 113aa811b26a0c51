//! The model file: a card anyone can read and the regressors, in one sequence of bytes.
//!
//! ```text
//! PENTIMENTO-MODEL 1\n
//! SHA-256 of everything behind this line, 64 lower-case hexadecimal digits\n
//! gzip of: length of the card in 4 little-endian bytes, card as JSON, regressors in postcard's wire format
//! ```
//!
//! gzip checks neither its header nor the last bits of its stream, so the digest does. It guards against damage;
//! that a forged file does no harm rests on bounded inflation and on the checks of [`Tree`](super::tree::Tree).

use crate::{
    digest::digest,
    models::file::{ArtifactError, Opened, open, open_inflated, seal},
};

use super::card::{FORMAT_VERSION, ModelCard, PredictedParameters, SMARTCORE_VERSION};
use super::model::{Family, ParameterRegressors};
use super::samples::{FeatureRow, PredictError};
use crate::learning::table::{FEATURE_NAMES, FEATURE_SCHEMA};

const MAGIC_LINE: &[u8] = b"PENTIMENTO-MODEL 1\n";
/// A model with its card.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelArtifact {
    /// What is known of it.
    pub card: ModelCard,
    /// The regressors, all of the card's family.
    pub regressors: ParameterRegressors,
}

/// The id of a model file: its family and the first 12 digits of its digest.
pub fn model_id(family: Family, bytes: &[u8]) -> String {
    format!("{family}-{}", &digest(bytes)[..12])
}

impl ModelArtifact {
    /// The file. Equal artifacts give equal bytes on every machine.
    ///
    /// # Panics
    /// When the card holds a number that is not finite, or its family is not that of the regressors: such a file
    /// could not be read back.
    pub fn to_bytes(&self) -> Vec<u8> {
        assert_eq!(
            self.regressors.family(),
            Some(self.card.family),
            "a card names the family of its regressors"
        );
        let card = serde_json::to_vec(&self.card).expect("plain structures become JSON");
        let reread = serde_json::from_slice(&card).ok();
        assert_eq!(reread.as_ref(), Some(&self.card), "every number in a card is finite");
        let regressors = postcard::to_stdvec(&self.regressors).expect("plain structures have a wire form");
        seal(MAGIC_LINE, &card, &regressors)
    }

    /// Reads a file that decodes to at most `max_decoded_bytes`; a model of the default size takes 1–2 MB. Takes
    /// memory in proportion to that limit, whatever the bytes claim.
    ///
    /// # Errors
    /// When the file is damaged, too large, of another format, or made for other features or another smartcore.
    pub fn from_bytes(bytes: &[u8], max_decoded_bytes: usize) -> Result<Self, ArtifactError> {
        Self::from_opened(&open(MAGIC_LINE, bytes, max_decoded_bytes)?)
    }

    /// Reads what [`ModelArtifact::from_bytes`] would, from the file's first line and its inflated content.
    ///
    /// # Errors
    /// As there.
    pub fn from_inflated(bytes: &[u8]) -> Result<Self, ArtifactError> {
        Self::from_opened(&open_inflated(MAGIC_LINE, bytes)?)
    }

    fn from_opened(opened: &Opened) -> Result<Self, ArtifactError> {
        let (card, trees) = opened.parts();
        let card = read_card(card)?;
        let regressors = read_regressors(trees, card.family)?;
        Ok(Self { card, regressors })
    }

    /// The id of the model: its family and the first 12 digits of its file's digest. Writes the file to know it;
    /// with the bytes at hand, [`model_id`] is cheaper.
    pub fn model_id(&self) -> String {
        model_id(self.card.family, &self.to_bytes())
    }

    /// Predicts the parameters for one picture, clamped to what was searched.
    ///
    /// # Errors
    /// When a feature is not finite.
    pub fn predict(&self, features: &FeatureRow) -> Result<PredictedParameters, PredictError> {
        Ok(self.card.bounds.apply(self.regressors.predict(features)?))
    }
}

fn read_card(json: &[u8]) -> Result<ModelCard, ArtifactError> {
    let refused = |reason: String| ArtifactError::Card { reason };
    /// What is looked at before the rest, which may have another shape in another version.
    #[derive(serde::Deserialize)]
    struct Versions {
        format_version: u32,
        smartcore_version: String,
        feature_schema: String,
    }
    let versions: Versions = serde_json::from_slice(json).map_err(|error| refused(error.to_string()))?;
    if versions.format_version != FORMAT_VERSION {
        return Err(ArtifactError::FormatVersion { found: versions.format_version.to_string() });
    }
    if versions.smartcore_version != SMARTCORE_VERSION {
        return Err(ArtifactError::SmartcoreVersion { found: versions.smartcore_version });
    }
    if versions.feature_schema != FEATURE_SCHEMA {
        return Err(ArtifactError::FeatureSchema { found: versions.feature_schema });
    }
    let card: ModelCard = serde_json::from_slice(json).map_err(|error| refused(error.to_string()))?;
    if card.feature_names != FEATURE_NAMES {
        return Err(refused(format!("its features are not those of {FEATURE_SCHEMA}")));
    }
    if !card.bounds.are_ordered() {
        return Err(refused("a lower searched bound is above its upper one".to_owned()));
    }
    if !card.fit_sources.is_sorted() {
        return Err(refused("its source pictures are not sorted".to_owned()));
    }
    Ok(card)
}

fn read_regressors(bytes: &[u8], family: Family) -> Result<ParameterRegressors, ArtifactError> {
    let refused = |reason: String| ArtifactError::Regressors { reason };
    let (regressors, rest): (ParameterRegressors, _) =
        postcard::take_from_bytes(bytes).map_err(|error| refused(error.to_string()))?;
    if !rest.is_empty() {
        return Err(refused(format!("{} bytes follow behind them", rest.len())));
    }
    if regressors.family() != Some(family) {
        return Err(refused(format!("they are not of the card's family {family}")));
    }
    Ok(regressors)
}

#[cfg(test)]
#[path = "artifact_tests.rs"]
mod tests;
