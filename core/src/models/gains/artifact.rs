//! The content of a file of a model of gains: the card and the model. The container is described in
//! [`file`](crate::models::file); its format number is 3.

use serde::Deserialize;

use super::candidate::UnknownCandidate;
use super::card::GainCard;
use super::model::{GainModel, GainModelForm};
use crate::features::rich::{N_RICH, RICH_NAMES, RICH_SCHEMA};
use crate::models::file::{
    ArtifactError, GAIN_FORMAT_VERSION, GAIN_MAGIC_LINE, Opened, open, open_inflated, seal,
};

/// A model of gains with its card.
#[derive(Clone, Debug, PartialEq)]
pub struct GainArtifact {
    /// Describes the model.
    pub card: GainCard,
    /// The model.
    pub model: GainModel,
}

/// Returns whether `bytes` begin like the file of a model of gains.
pub fn is_gain_artifact(bytes: &[u8]) -> bool {
    bytes.starts_with(GAIN_MAGIC_LINE)
}

impl GainArtifact {
    /// Returns the bytes of the file. Equal artifacts give equal bytes.
    ///
    /// # Panics
    /// When the card holds a number that is not finite.
    pub fn to_bytes(&self) -> Vec<u8> {
        let card = serde_json::to_vec(&self.card).expect("plain structures become JSON");
        let model = postcard::to_stdvec(&self.model).expect("plain structures have a wire form");
        seal(GAIN_MAGIC_LINE, &card, &model)
    }

    /// Reads a file that inflates to at most `max_decoded_bytes`.
    ///
    /// # Errors
    /// When the file is damaged or too large, was made for other features, or names an unknown candidate.
    pub fn from_bytes(bytes: &[u8], max_decoded_bytes: usize) -> Result<Self, ArtifactError> {
        Self::from_opened(&open(GAIN_MAGIC_LINE, bytes, max_decoded_bytes)?)
    }

    /// Reads an embedded file, given by its first line and its inflated content.
    ///
    /// # Errors
    /// Same errors as [`GainArtifact::from_bytes`].
    pub fn from_inflated(bytes: &[u8]) -> Result<Self, ArtifactError> {
        Self::from_opened(&open_inflated(GAIN_MAGIC_LINE, bytes)?)
    }

    fn from_opened(opened: &Opened) -> Result<Self, ArtifactError> {
        let (card, model) = opened.parts();
        Ok(Self { card: read_card(card)?, model: read_model(model)? })
    }
}

/// The versions of a card. They are read before the rest, which may have another shape in another version.
#[derive(Deserialize)]
struct GainVersions {
    format_version: u32,
    feature_schema: String,
}

fn read_card(json: &[u8]) -> Result<GainCard, ArtifactError> {
    let refused = |reason: String| ArtifactError::Card { reason };
    let versions: GainVersions = serde_json::from_slice(json).map_err(|e| refused(e.to_string()))?;
    if versions.format_version != GAIN_FORMAT_VERSION {
        return Err(ArtifactError::FormatVersion { found: versions.format_version.to_string() });
    }
    if versions.feature_schema != RICH_SCHEMA {
        return Err(ArtifactError::FeatureSchema { found: versions.feature_schema, needed: RICH_SCHEMA });
    }
    let card: GainCard = serde_json::from_slice(json).map_err(|e| refused(e.to_string()))?;
    if card.feature_names != RICH_NAMES {
        return Err(refused(format!("its features are not those of {RICH_SCHEMA}")));
    }
    if !card.fit_sources.is_sorted() {
        return Err(refused("its source pictures are not sorted".to_owned()));
    }
    Ok(card)
}

fn read_model(bytes: &[u8]) -> Result<GainModel, ArtifactError> {
    let refused = |reason: String| ArtifactError::Regressors { reason };
    let (form, rest): (GainModelForm, _) =
        postcard::take_from_bytes(bytes).map_err(|e| refused(e.to_string()))?;
    if !rest.is_empty() {
        return Err(refused(format!("{} bytes follow them", rest.len())));
    }
    let model =
        GainModel::try_from(form).map_err(|UnknownCandidate { name }| ArtifactError::Candidate { name })?;
    model.check(N_RICH).map_err(|e| refused(e.to_string()))?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::predictor::{Predictor, PredictorError};

    const BUILT_IN: &[u8] = include_bytes!("../../../models/builtin.model");
    const ENOUGH: usize = 256 << 20;

    /// A whole file of a model whose candidate `name` has another name of the same length.
    fn renamed(artifact: &GainArtifact, name: &str, other: &str) -> Vec<u8> {
        assert_eq!(name.len(), other.len());
        let written = |name: &str| [&[name.len() as u8], name.as_bytes()].concat();
        let mut model = postcard::to_stdvec(&artifact.model).unwrap();
        let at = model.windows(name.len() + 1).position(|bytes| bytes == written(name)).unwrap();
        model.splice(at..at + name.len() + 1, written(other));
        seal(GAIN_MAGIC_LINE, &serde_json::to_vec(&artifact.card).unwrap(), &model)
    }

    #[test]
    fn a_model_that_chooses_from_unknown_candidates_is_refused() {
        let artifact = GainArtifact::from_bytes(BUILT_IN, ENOUGH).unwrap();
        let of_color = artifact.model.color.candidates[1].name();
        let of_detail = artifact.model.detail.candidates.last().unwrap().name();
        for name in [of_color, of_detail] {
            let unknown = format!("{:x<1$}", "sepia", name.len());
            let error = Predictor::from_bytes(&renamed(&artifact, &name, &unknown)).unwrap_err();
            assert!(matches!(error, PredictorError::Artifact(ArtifactError::Candidate { .. })), "{error}");
            assert!(error.to_string().contains(&format!("{unknown:?}")), "{error}");
            assert!(Predictor::from_bytes(&renamed(&artifact, &name, &name)).is_ok());
        }
    }
}
