//! From features to parameters: the trained model, its schema and its bounds.

use std::sync::OnceLock;

use thiserror::Error;

use super::file::ArtifactError;
use crate::{
    digest::digest,
    features::{Features, Schema, rich},
    imaging::{
        ColorMethod, ParameterError, RestorationParameters, checked_sigma, checked_strength,
        operators::color_transform::ColorTransform,
    },
    models::{
        classic::{Family, ModelCard, PredictError, RawPrediction, artifact::ModelArtifact},
        gains::{
            GainArtifact, GainCard,
            artifact::is_gain_artifact,
            candidates,
            decide::{Decision, Fixed, Reason, decide},
            model::ExpectedGain,
            weight_forest::WeightsError,
        },
    },
};

/// A model file as `build.rs` left it.
#[derive(Debug)]
struct Carried {
    /// Its first line and its inflated content.
    inflated: &'static [u8],
    /// The file's SHA-256, hexadecimal.
    sha256: &'static str,
}

/// The model in `models/NAME.model`.
macro_rules! carried {
    ($name:literal) => {
        Carried {
            inflated: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".inflated")),
            sha256: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".sha256")),
        }
    };
}

/// The model that the program carries, made by `make model`: one of gains; models/CARD.md is its card.
static BUILT_IN: Carried = carried!("builtin");

/// The first system's kind of model, for comparison: models/CLASSIC.md is its card.
static CLASSIC: Carried = carried!("classic");

/// What [`Predictor::named`] knows.
pub const NAMES: [&str; 2] = ["builtin", "classic"];

/// Predicted sigma and strength are rounded to this fraction, so that they print exactly.
const STEPS_PER_UNIT: f64 = 1000.0;

/// Most bytes that a model file may inflate to.
const MODEL_BYTES_MAX: usize = 256 << 20;

/// To [`STEPS_PER_UNIT`].
fn rounded(value: f64) -> f64 {
    (value * STEPS_PER_UNIT).round_ties_even() / STEPS_PER_UNIT
}

/// What the caller fixed; the predictor fills in the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestedParameters {
    color_method: Option<ColorMethod>,
    sigma: Option<f64>,
    strength: Option<f64>,
}

impl RequestedParameters {
    /// `color` on means white balance; `color_method` selects by name; both may be given if they agree.
    ///
    /// # Errors
    /// For values out of range and a switch and a method that disagree.
    pub fn new(
        color: Option<bool>,
        color_method: Option<ColorMethod>,
        sigma: Option<f64>,
        strength: Option<f64>,
    ) -> Result<Self, ParameterError> {
        if let (Some(color), Some(method)) = (color, color_method)
            && ColorMethod::from_switch(color) != method
        {
            return Err(ParameterError::Disagreement { color, method });
        }
        Ok(Self {
            color_method: color_method.or(color.map(ColorMethod::from_switch)),
            sigma: sigma.map(checked_sigma).transpose()?,
            strength: strength.map(checked_strength).transpose()?,
        })
    }

    /// The parameters if nothing is left to predict. Strength 0 needs no sigma; a learned colour transform is always
    /// predicted.
    pub fn complete(&self) -> Option<RestorationParameters> {
        let (color, strength) = (self.color_method?, self.strength?);
        if color == ColorMethod::Learned {
            return None;
        }
        let sigma = if strength == 0.0 { self.sigma.or(Some(1.0)) } else { self.sigma };
        RestorationParameters::new(color, sigma?, strength).ok()
    }
}

/// A model ready to predict. One that the program carries is read when it is first asked for something: reading takes
/// longer than restoring a small picture with given parameters, which asks for nothing.
#[derive(Debug)]
pub struct Predictor {
    /// What to read at first use.
    carried: Option<&'static Carried>,
    loaded: OnceLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    model: Model,
    id: String,
    sha256: String,
}

#[derive(Debug)]
enum Model {
    /// Regresses the three parameters.
    Classic(Box<ModelArtifact>),
    /// Expects gains and decides.
    Gains(Box<GainArtifact>),
}

/// How a model was made and how good it is.
#[derive(Clone, Copy, Debug)]
pub enum Card<'a> {
    /// Of a model of the classic kind.
    Classic(&'a ModelCard),
    /// Of a model of gains.
    Gains(&'a GainCard),
}

impl Card<'_> {
    /// The model's family.
    pub fn family(&self) -> Family {
        match self {
            Card::Classic(card) => card.family,
            Card::Gains(_) => Family::Gains,
        }
    }

    /// Whether a picture of this source was fitted on.
    pub fn was_fitted_on(&self, source: &str) -> bool {
        match self {
            Card::Classic(card) => card.was_fitted_on(source),
            Card::Gains(card) => card.was_fitted_on(source),
        }
    }
}

/// A model cannot be used.
#[derive(Debug, Error)]
pub enum PredictorError {
    /// The file is no model of this release.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Its bounds are no parameters.
    #[error("the model's searched bounds: {0}")]
    Bounds(#[from] ParameterError),
    /// It expects gains of what this release cannot do.
    #[error("the model chooses from {name:?}, which is no candidate of this release")]
    Candidate {
        /// The candidate's name.
        name: String,
    },
}

/// What a model said of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Its numbers as they came; those of a model of gains are what it decided.
    pub raw: RawPrediction,
    /// What to do: rounded, clamped to what was searched, and overruled by what the caller fixed.
    pub parameters: RestorationParameters,
    /// The transform of a learned colour correction.
    pub transform: Option<ColorTransform>,
    /// What a model of gains expects of it, over doing nothing.
    pub expected: Option<ExpectedGain>,
    /// Why a model of gains decided so.
    pub reason: Option<Reason>,
}

impl Predictor {
    /// The model that the program carries.
    pub fn built_in() -> Self {
        Self::carried(&BUILT_IN)
    }

    /// The model of the classic kind that the program carries beside it.
    pub fn classic() -> Self {
        Self::carried(&CLASSIC)
    }

    fn carried(carried: &'static Carried) -> Self {
        Self { carried: Some(carried), loaded: OnceLock::new() }
    }

    fn loaded(&self) -> &Loaded {
        self.loaded.get_or_init(|| {
            let carried = self.carried.expect("a model that is not carried is loaded from the start");
            Loaded::from_carried(carried).expect("the carried models are tested")
        })
    }

    /// A model that the program carries, by its name: one of [`NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "builtin" => Some(Self::built_in()),
            "classic" => Some(Self::classic()),
            _ => None,
        }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When it is not a model, of another release's trees or feature schema, or with impossible bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PredictorError> {
        Ok(Self { carried: None, loaded: OnceLock::from(Loaded::from_bytes(bytes)?) })
    }

    /// Family and the first digits of the digest.
    pub fn id(&self) -> &str {
        &self.loaded().id
    }

    /// SHA-256 of the model file, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.loaded().sha256
    }

    /// How the model was made and how good it is.
    pub fn card(&self) -> Card<'_> {
        match &self.loaded().model {
            Model::Classic(artifact) => Card::Classic(&artifact.card),
            Model::Gains(artifact) => Card::Gains(&artifact.card),
        }
    }

    /// The features that it predicts from.
    pub fn schema(&self) -> Schema {
        match &self.loaded().model {
            Model::Classic(_) => Schema::Seed,
            Model::Gains(_) => Schema::Rich,
        }
    }

    /// Whether this model can fill in what `requested` leaves open; asked before a picture is looked at.
    ///
    /// # Errors
    /// When a learned colour transform is wanted, which this model does not predict.
    pub fn check(&self, requested: &RequestedParameters) -> Result<(), PredictError> {
        if requested.color_method != Some(ColorMethod::Learned) {
            return Ok(());
        }
        match self.loaded().model {
            Model::Classic(_) => Err(PredictError::NoColorTransform { model: self.id().to_owned() }),
            Model::Gains(_) => Ok(()),
        }
    }

    /// Predicts for a picture of `width × height` px; microseconds to a millisecond. `features` are of the model's schema.
    ///
    /// # Errors
    /// When a feature is not finite, and as [`Predictor::check`].
    pub fn predict(
        &self,
        features: &Features,
        (width, height): (usize, usize),
        requested: &RequestedParameters,
    ) -> Result<Prediction, PredictError> {
        self.check(requested)?;
        match &self.loaded().model {
            Model::Classic(artifact) => predict_classic(artifact, features, requested),
            Model::Gains(artifact) => {
                let of_trained_size = width.max(height) <= rich::SIDE_MAX_PX;
                predict_gains(artifact, features, of_trained_size, requested)
            }
        }
    }
}

impl Loaded {
    fn from_bytes(bytes: &[u8]) -> Result<Self, PredictorError> {
        let sha256 = digest(bytes);
        if is_gain_artifact(bytes) {
            return Self::of_gains(GainArtifact::from_bytes(bytes, MODEL_BYTES_MAX)?, sha256);
        }
        Self::of_classic(ModelArtifact::from_bytes(bytes, MODEL_BYTES_MAX)?, sha256)
    }

    fn from_carried(&Carried { inflated, sha256 }: &Carried) -> Result<Self, PredictorError> {
        if is_gain_artifact(inflated) {
            return Self::of_gains(GainArtifact::from_inflated(inflated)?, sha256.to_owned());
        }
        Self::of_classic(ModelArtifact::from_inflated(inflated)?, sha256.to_owned())
    }

    fn of_gains(artifact: GainArtifact, sha256: String) -> Result<Self, PredictorError> {
        check_candidates(&artifact)?;
        let id = format!("{}-{}", Family::Gains, &sha256[..12]);
        Ok(Self { model: Model::Gains(Box::new(artifact)), id, sha256 })
    }

    fn of_classic(artifact: ModelArtifact, sha256: String) -> Result<Self, PredictorError> {
        // Clamped predictions must be parameters, whatever the file says was searched.
        let bounds = &artifact.card.bounds;
        for sigma in [bounds.sigma_min, bounds.sigma_max] {
            checked_sigma(rounded(sigma))?;
        }
        for strength in [bounds.strength_min, bounds.strength_max] {
            checked_strength(rounded(strength))?;
        }
        let id = format!("{}-{}", artifact.card.family, &sha256[..12]);
        Ok(Self { model: Model::Classic(Box::new(artifact)), id, sha256 })
    }
}

/// Whether this release knows what each candidate does.
fn check_candidates(artifact: &GainArtifact) -> Result<(), PredictorError> {
    let names =
        [&artifact.model.color, &artifact.model.detail].into_iter().flat_map(|table| &table.candidates);
    match names.into_iter().find(|name| candidates::parameters(name).is_none()) {
        Some(name) => Err(PredictorError::Candidate { name: name.clone() }),
        None => Ok(()),
    }
}

fn predict_classic(
    artifact: &ModelArtifact,
    features: &Features,
    requested: &RequestedParameters,
) -> Result<Prediction, PredictError> {
    let row = features
        .values
        .as_slice()
        .try_into()
        .map_err(|_| PredictError::Schema { found: features.schema.name(), needed: Schema::Seed.name() })?;
    let raw = artifact.regressors.predict(row)?;
    let predicted = artifact.card.bounds.apply(raw);
    let color = requested.color_method.unwrap_or(ColorMethod::from_switch(predicted.color));
    let sigma = requested.sigma.unwrap_or(rounded(predicted.sigma));
    let strength = requested.strength.unwrap_or(rounded(predicted.strength));
    let parameters = RestorationParameters::new(color, sigma, strength)
        .expect("requested values are checked, and so are the bounds of a loaded model");
    Ok(Prediction { raw, parameters, transform: None, expected: None, reason: None })
}

fn predict_gains(
    artifact: &GainArtifact,
    features: &Features,
    of_trained_size: bool,
    requested: &RequestedParameters,
) -> Result<Prediction, PredictError> {
    let &RequestedParameters { color_method, sigma, strength } = requested;
    let values: Vec<f32> = features.values.iter().map(|&v| v as f32).collect();
    let decided = decide(&artifact.model, &values, &Fixed { color_method, sigma, strength }, of_trained_size);
    let decision = decided.map_err(|error| match error {
        WeightsError::Length { .. } => {
            PredictError::Schema { found: features.schema.name(), needed: Schema::Rich.name() }
        }
        WeightsError::Feature { feature, .. } => {
            PredictError::Feature { feature: Schema::Rich.names()[feature], found: features.values[feature] }
        }
    })?;
    let parameters = decision.parameters;
    let raw = RawPrediction {
        color: f64::from(u8::from(parameters.color_method().is_on())),
        sigma: parameters.sigma(),
        strength: parameters.strength(),
    };
    let Decision { transform, expected, reason, .. } = decision;
    Ok(Prediction { raw, parameters, transform, expected, reason: Some(reason) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channels, Image};

    /// The files that the build took the carried models from.
    const FILES: [&[u8]; 2] =
        [include_bytes!("../../models/builtin.model"), include_bytes!("../../models/classic.model")];
    const GAINS: &[u8] = FILES[0];

    #[test]
    fn carried_models_are_those_of_their_files() {
        for (carried, file) in [Predictor::built_in(), Predictor::classic()].iter().zip(FILES) {
            let read = Predictor::from_bytes(file).unwrap();
            assert_eq!((carried.id(), carried.sha256()), (read.id(), read.sha256()));
            assert_eq!(carried.sha256(), digest(file));
            match (&carried.loaded().model, &read.loaded().model) {
                (Model::Classic(carried), Model::Classic(_)) => assert!(carried.to_bytes() == file),
                (Model::Gains(carried), Model::Gains(_)) => assert!(carried.to_bytes() == file),
                _ => panic!("another kind than the file's"),
            }
        }
    }

    #[test]
    fn carried_models_are_found_by_name_and_ask_for_their_features() {
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
        let given = predict(&fixed).parameters;
        assert_eq!(
            (given.color_method(), given.sigma(), given.strength()),
            (ColorMethod::GreyWorld, 1.5, 0.5)
        );
        let learned =
            predict(&RequestedParameters::new(None, Some(ColorMethod::Learned), None, None).unwrap());
        assert_eq!(learned.parameters.color_method(), ColorMethod::Learned);
        assert!(learned.transform.is_some());
        let open = predict(&RequestedParameters::default());
        assert_eq!(open.transform.is_some(), open.parameters.color_method() == ColorMethod::Learned);
        assert_eq!(open.parameters.is_identity(), open.reason != Some(Reason::WorthIt));
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

    #[test]
    fn a_model_that_chooses_from_unknown_candidates_is_refused() {
        let artifact = GainArtifact::from_bytes(GAINS, MODEL_BYTES_MAX).unwrap();
        let mut of_color = artifact.clone();
        of_color.model.color.candidates[1] = "sepia".to_owned();
        let mut of_detail = artifact;
        *of_detail.model.detail.candidates.last_mut().unwrap() = "sepia".to_owned();
        for artifact in [of_color, of_detail] {
            let error = Predictor::from_bytes(&artifact.to_bytes()).unwrap_err().to_string();
            assert!(error.contains("\"sepia\""), "{error}");
        }
    }
}
