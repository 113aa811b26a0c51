//! The content of a file of a classic model: the card and the regressors. The container is described in
//! [`file`](crate::models::file); its format number is 1.

use crate::{
    digest::digest,
    learning::table::{FEATURE_NAMES, FEATURE_SCHEMA},
    models::{
        family::Family,
        file::{
            ArtifactError, CLASSIC_FORMAT_VERSION, CLASSIC_MAGIC_LINE, Opened, open, open_inflated, seal,
        },
    },
};

use super::card::{ModelCard, SMARTCORE_VERSION};
use super::model::ParameterRegressors;

/// A classic model with its card.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelArtifact {
    /// Describes the model.
    pub card: ModelCard,
    /// The regressors, all of the card's family.
    pub regressors: ParameterRegressors,
}

/// Returns the id of a model file: its family and the first 12 digits of its digest.
pub fn model_id(family: Family, bytes: &[u8]) -> String {
    family.model_id(&digest(bytes))
}

impl ModelArtifact {
    /// Returns the bytes of the file. Equal artifacts give equal bytes on every machine.
    ///
    /// # Panics
    /// When the card holds a number that is not finite, or names another family than that of the regressors. Such a file
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
        seal(CLASSIC_MAGIC_LINE, &card, &regressors)
    }

    /// Reads a file that inflates to at most `max_decoded_bytes`. A model of the default size inflates to 1–2 MB. Memory is
    /// in proportion to that limit, even for forged files.
    ///
    /// # Errors
    /// When the file is damaged, too large, of another format, or made for other features or another smartcore.
    pub fn from_bytes(bytes: &[u8], max_decoded_bytes: usize) -> Result<Self, ArtifactError> {
        Self::from_opened(&open(CLASSIC_MAGIC_LINE, bytes, max_decoded_bytes)?)
    }

    /// Reads an embedded file, given by its first line and its inflated content.
    ///
    /// # Errors
    /// Same errors as [`ModelArtifact::from_bytes`].
    pub fn from_inflated(bytes: &[u8]) -> Result<Self, ArtifactError> {
        Self::from_opened(&open_inflated(CLASSIC_MAGIC_LINE, bytes)?)
    }

    fn from_opened(opened: &Opened) -> Result<Self, ArtifactError> {
        let (card, trees) = opened.parts();
        let card = read_card(card)?;
        let regressors = read_regressors(trees, card.family)?;
        Ok(Self { card, regressors })
    }

    /// Returns the id of the model: its family and the first 12 digits of its file's digest. Makes the whole file for
    /// that. [`model_id`] is cheaper when the bytes exist already.
    pub fn model_id(&self) -> String {
        model_id(self.card.family, &self.to_bytes())
    }
}

/// The versions of a card. They are read before the rest, which may have another shape in another version.
#[derive(serde::Deserialize)]
struct ClassicVersions {
    format_version: u32,
    smartcore_version: String,
    feature_schema: String,
}

fn read_card(json: &[u8]) -> Result<ModelCard, ArtifactError> {
    let refused = |reason: String| ArtifactError::Card { reason };
    let versions: ClassicVersions =
        serde_json::from_slice(json).map_err(|error| refused(error.to_string()))?;
    if versions.format_version != CLASSIC_FORMAT_VERSION {
        return Err(ArtifactError::FormatVersion { found: versions.format_version.to_string() });
    }
    if versions.smartcore_version != SMARTCORE_VERSION {
        return Err(ArtifactError::SmartcoreVersion {
            found: versions.smartcore_version,
            needed: SMARTCORE_VERSION,
        });
    }
    if versions.feature_schema != FEATURE_SCHEMA {
        return Err(ArtifactError::FeatureSchema { found: versions.feature_schema, needed: FEATURE_SCHEMA });
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
        return Err(refused(format!("{} bytes follow them", rest.len())));
    }
    if regressors.family() != Some(family) {
        return Err(refused(format!("they are not of the card's family {family}")));
    }
    Ok(regressors)
}

#[cfg(test)]
#[path = "artifact_tests.rs"]
mod tests;
