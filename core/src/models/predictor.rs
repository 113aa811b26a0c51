//! A model of either kind that predicts parameters from features.

use std::sync::OnceLock;

use thiserror::Error;

use super::{
    classic::{ModelArtifact, ModelCard, decide as classic_decide},
    embedded::{self, EmbeddedModel},
    error::PredictError,
    family::Family,
    file::ArtifactError,
    gains::{GainArtifact, GainCard, artifact::is_gain_artifact, decide as gain_decide, roll as gain_roll},
    roll::{AloneReason, RollPrediction, Surveyed},
};
use crate::{
    digest::digest,
    features::{Features, Schema},
    imaging::{ColorMethod, ParameterError},
};

pub use super::{assume::Assume, embedded::NAMES, prediction::Prediction, requested::RequestedParameters};

/// Most bytes that a model file may inflate to.
const MODEL_BYTES_MAX: usize = 256 << 20;

/// A model that is ready to predict.
///
/// An embedded model is read at its first use. Reading takes longer than restoring a small picture with given
/// parameters, and such a restoration needs no model.
#[derive(Debug)]
pub struct Predictor {
    /// The embedded model to read at first use; `None` for a model from a file.
    embedded: Option<&'static EmbeddedModel>,
    loaded: OnceLock<LoadedModel>,
}

/// A model that was read, with its identity.
#[derive(Debug)]
struct LoadedModel {
    kind: ModelKind,
    /// Family and the first 12 digits of the digest.
    id: String,
    /// SHA-256 of the model file, hexadecimal.
    sha256: String,
}

/// The model itself. Each method of [`Predictor`] that depends on the kind matches it once.
#[derive(Debug)]
enum ModelKind {
    /// Regresses the three parameters.
    Classic(Box<ModelArtifact>),
    /// Expects the gains of candidates and chooses one.
    Gains(Box<GainArtifact>),
}

/// The card of a model of either kind.
#[derive(Clone, Copy, Debug)]
pub enum PredictorCard<'a> {
    /// Card of the classic kind.
    Classic(&'a ModelCard),
    /// Card of a model of gains.
    Gains(&'a GainCard),
}

impl PredictorCard<'_> {
    /// Returns the family of the model.
    pub fn family(&self) -> Family {
        match self {
            PredictorCard::Classic(card) => card.family,
            PredictorCard::Gains(_) => Family::Gains,
        }
    }

    /// Returns whether the model was fitted on a picture of this source.
    pub fn was_fitted_on(&self, source: &str) -> bool {
        match self {
            PredictorCard::Classic(card) => card.was_fitted_on(source),
            PredictorCard::Gains(card) => card.was_fitted_on(source),
        }
    }
}

/// A model cannot be used.
#[derive(Debug, Error)]
pub enum PredictorError {
    /// The bytes are not a model file that this program can use.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A bound of the searched parameters is out of range.
    #[error("the bounds of the space that the model was trained on: {0}")]
    Bounds(#[from] ParameterError),
}

impl Predictor {
    /// Returns the built-in model.
    pub fn built_in() -> Self {
        Self::embedded(&embedded::BUILT_IN)
    }

    /// Returns the embedded model of the classic kind.
    pub fn classic() -> Self {
        Self::embedded(&embedded::CLASSIC)
    }

    /// Returns the embedded model of a name, one of [`NAMES`]; `None` for any other name.
    pub fn named(name: &str) -> Option<Self> {
        embedded::named(name).map(Self::embedded)
    }

    fn embedded(embedded: &'static EmbeddedModel) -> Self {
        Self { embedded: Some(embedded), loaded: OnceLock::new() }
    }

    /// Reads a model file that inflates to at most 256 MiB.
    ///
    /// # Errors
    /// When the bytes are not a model file, or the model was made for other features or another smartcore. Also when the
    /// model chooses from unknown candidates, or its bounds are out of range.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PredictorError> {
        Ok(Self { embedded: None, loaded: OnceLock::from(LoadedModel::from_bytes(bytes)?) })
    }

    fn loaded(&self) -> &LoadedModel {
        self.loaded.get_or_init(|| {
            let embedded = self.embedded.expect("a model from a file is loaded from the start");
            LoadedModel::from_embedded(embedded).expect("tests read the embedded models")
        })
    }

    /// Returns the id: the family and the first 12 digits of the file's digest.
    pub fn id(&self) -> &str {
        &self.loaded().id
    }

    /// Returns the SHA-256 of the model file, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.loaded().sha256
    }

    /// Returns the card of the model.
    pub fn card(&self) -> PredictorCard<'_> {
        match &self.loaded().kind {
            ModelKind::Classic(artifact) => PredictorCard::Classic(&artifact.card),
            ModelKind::Gains(artifact) => PredictorCard::Gains(&artifact.card),
        }
    }

    /// Returns the schema of the features that the model needs.
    pub fn schema(&self) -> Schema {
        match &self.loaded().kind {
            ModelKind::Classic(_) => Schema::Seed,
            ModelKind::Gains(_) => Schema::Rich,
        }
    }

    /// Checks whether the model can predict what `requested` leaves open, before a picture is decoded.
    ///
    /// # Errors
    /// When the caller fixed the colour method `learned` and the model predicts no colour transforms. When the caller assumes
    /// something that decides what is left open and the model is of the classic kind, which has no bounds to move.
    pub fn check(&self, requested: &RequestedParameters) -> Result<(), PredictError> {
        // Asked before every restoration: an embedded model must not be read for one that predicts nothing.
        let needs_transform = requested.color_method == Some(ColorMethod::Learned);
        let assumes = !requested.assume.is_auto() && requested.complete().is_none();
        if !needs_transform && !assumes {
            return Ok(());
        }
        let model = || self.id().to_owned();
        match &self.loaded().kind {
            ModelKind::Classic(_) if needs_transform => {
                Err(PredictError::NoColorTransform { model: model() })
            }
            ModelKind::Classic(_) => {
                Err(PredictError::NoAssumption { model: model(), assume: requested.assume })
            }
            ModelKind::Gains(_) => Ok(()),
        }
    }

    /// Predicts for a picture of `width × height` px, in microseconds to a millisecond. `features` are those of the
    /// picture, of the model's schema.
    ///
    /// # Errors
    /// Same errors as [`Predictor::check`], and when the features are of another schema or not finite.
    pub fn predict(
        &self,
        features: &Features,
        size: (usize, usize),
        requested: &RequestedParameters,
    ) -> Result<Prediction, PredictError> {
        self.check(requested)?;
        let prediction = match &self.loaded().kind {
            ModelKind::Classic(artifact) => {
                classic_decide::predict(artifact, features, requested).map(Prediction::Classic)
            }
            ModelKind::Gains(artifact) => {
                gain_decide::predict(artifact, features, size, requested).map(Prediction::Gains)
            }
        };
        Ok(prediction?.with_tone(requested.tone))
    }

    /// Predicts for pictures that were stored together: one colour transform and one decision for the roll that they form.
    ///
    /// Pictures whose own transform moves colours far from that of most others are outliers. Outliers are treated alone,
    /// and so is every picture if fewer than three agree. The order of the pictures changes nothing but the order of the
    /// answer. The roll of one picture is [`Predictor::predict`] for that picture. Cost: about that of
    /// [`Predictor::predict`] for each picture.
    ///
    /// # Errors
    /// Same errors as [`Predictor::predict`], for any of the pictures.
    pub fn predict_roll(
        &self,
        pictures: &[&Surveyed],
        requested: &RequestedParameters,
    ) -> Result<RollPrediction, PredictError> {
        self.check(requested)?;
        match &self.loaded().kind {
            ModelKind::Classic(_) => {
                let alone = |picture: &&Surveyed| self.predict(&picture.features, picture.size, requested);
                let predictions = pictures.iter().map(alone).collect::<Result<_, _>>()?;
                Ok(RollPrediction::Alone { reason: AloneReason::NoTransforms, predictions })
            }
            ModelKind::Gains(artifact) => gain_roll::predict(artifact, pictures, requested),
        }
        .map(|predicted| predicted.with_tone(requested.tone()))
    }
}

impl LoadedModel {
    fn from_bytes(bytes: &[u8]) -> Result<Self, PredictorError> {
        let kind = if is_gain_artifact(bytes) {
            ModelKind::Gains(Box::new(GainArtifact::from_bytes(bytes, MODEL_BYTES_MAX)?))
        } else {
            ModelKind::Classic(Box::new(ModelArtifact::from_bytes(bytes, MODEL_BYTES_MAX)?))
        };
        Self::new(kind, digest(bytes))
    }

    fn from_embedded(&EmbeddedModel { inflated, sha256 }: &EmbeddedModel) -> Result<Self, PredictorError> {
        let kind = if is_gain_artifact(inflated) {
            ModelKind::Gains(Box::new(GainArtifact::from_inflated(inflated)?))
        } else {
            ModelKind::Classic(Box::new(ModelArtifact::from_inflated(inflated)?))
        };
        Self::new(kind, sha256.to_owned())
    }

    fn new(kind: ModelKind, sha256: String) -> Result<Self, PredictorError> {
        let family = match &kind {
            ModelKind::Classic(artifact) => {
                artifact.card.bounds.check()?;
                artifact.card.family
            }
            ModelKind::Gains(_) => Family::Gains,
        };
        Ok(Self { id: family.model_id(&sha256), kind, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channels, Image};
    use crate::models::gains::decide::Reason;

    /// The files of the embedded models.
    const FILES: [&[u8]; 2] =
        [include_bytes!("../../models/builtin.model"), include_bytes!("../../models/classic.model")];
    const GAINS: &[u8] = FILES[0];

    #[test]
    fn an_embedded_model_is_not_read_for_parameters_that_are_all_given() {
        let predictor = Predictor::built_in();
        let given = RequestedParameters::new(Some(true), None, Some(1.0), Some(0.5)).unwrap();
        predictor.check(&given).unwrap();
        assert!(given.complete().is_some() && predictor.loaded.get().is_none());
        let learned = RequestedParameters::new(None, Some(ColorMethod::Learned), None, None).unwrap();
        predictor.check(&learned).unwrap();
        assert!(predictor.loaded.get().is_some());
    }

    #[test]
    fn embedded_models_are_those_of_their_files() {
        for (embedded, file) in [Predictor::built_in(), Predictor::classic()].iter().zip(FILES) {
            let read = Predictor::from_bytes(file).unwrap();
            assert_eq!((embedded.id(), embedded.sha256()), (read.id(), read.sha256()));
            assert_eq!(embedded.sha256(), digest(file));
            match (&embedded.loaded().kind, &read.loaded().kind) {
                (ModelKind::Classic(embedded), ModelKind::Classic(_)) => assert!(embedded.to_bytes() == file),
                (ModelKind::Gains(embedded), ModelKind::Gains(_)) => assert!(embedded.to_bytes() == file),
                _ => panic!("another kind than the file's"),
            }
        }
    }

    #[test]
    fn embedded_models_are_found_by_name_and_ask_for_their_features() {
        let schema = |name| Predictor::named(name).unwrap().schema();
        assert_eq!(NAMES.map(schema), [Schema::Rich, Schema::Seed]);
        assert!(Predictor::named("none").is_none());
    }

    #[test]
    fn what_is_asked_for_is_done_and_what_is_left_open_is_decided() {
        let predictor = Predictor::built_in();
        let samples = (0..96 * 64 * 3).map(|i| (i * i / 7 % 180 + i % 3 * 20) as u8).collect();
        let image = Image::new(96, 64, Channels::Rgb, samples, None).unwrap();
        let features = crate::features::measure(&image, Schema::Rich).unwrap();
        let predict =
            |requested: &RequestedParameters| predictor.predict(&features, (96, 64), requested).unwrap();
        let fixed =
            RequestedParameters::new(None, Some(ColorMethod::GreyWorld), Some(1.5), Some(0.5)).unwrap();
        let given = predict(&fixed).parameters();
        assert_eq!(
            (given.color_method(), given.sigma(), given.strength()),
            (ColorMethod::GreyWorld, 1.5, 0.5)
        );
        let learned =
            predict(&RequestedParameters::new(None, Some(ColorMethod::Learned), None, None).unwrap());
        assert_eq!(learned.parameters().color_method(), ColorMethod::Learned);
        assert!(learned.transform().is_some());
        let open = predict(&RequestedParameters::default());
        assert_eq!(open.transform().is_some(), open.parameters().color_method() == ColorMethod::Learned);
        assert_eq!(open.parameters().is_identity(), open.reason() != Some(Reason::WorthIt));
        assert_eq!(open, predict(&RequestedParameters::default()));
    }

    #[test]
    fn a_model_of_gains_reads_back_and_damaged_ones_are_refused() {
        let artifact = GainArtifact::from_bytes(GAINS, MODEL_BYTES_MAX).unwrap();
        assert!(artifact.to_bytes() == GAINS, "what is read is what was written");
        let mut damaged = GAINS.to_vec();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        assert!(matches!(Predictor::from_bytes(&damaged), Err(PredictorError::Artifact(_))));
        assert!(Predictor::from_bytes(&GAINS[..GAINS.len() / 2]).is_err());
    }
}
