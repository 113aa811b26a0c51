//! The roll: pictures that were stored together and faded together, and the prediction for all of them.
//!
//! The types here do not depend on the kind of model. [`gains::roll`](super::gains) finds the consensus.

use serde::{Deserialize, Serialize};

use super::{gains::model::ExpectedGain, prediction::Prediction};
use crate::{
    features::Features,
    imaging::{
        Tone,
        codec::{Format, Notes},
        operators::color_transform::ColorTransform,
    },
};

/// Fewest members of a roll. With fewer pictures, or fewer that belong together, every picture is treated alone.
pub const MEMBERS_MIN: usize = 3;

/// What a first pass over a picture keeps: about 1 kB, no pixels.
///
/// A model that needs more of a picture than its features gets another field here, for example a thumbnail.
#[derive(Clone, Debug, PartialEq)]
pub struct Surveyed {
    /// SHA-256 of the file's bytes, hexadecimal. The second pass checks that the bytes are the same.
    pub sha256: String,
    /// Number of bytes of the file.
    pub size_bytes: u64,
    /// Format of the file.
    pub format: Format,
    /// Width and height as displayed, in pixels.
    pub size: (usize, usize),
    /// The features, of the schema of the model that the survey was made for.
    pub features: Features,
    /// What decoding tolerated, left out or converted.
    pub notes: Notes,
}

/// The place of a picture in a roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollRole {
    /// The picture belongs to the roll and is treated like the roll.
    Member,
    /// The picture does not belong to the roll and is treated alone.
    Outlier,
}

/// The reason of the decision for a roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollReason {
    /// The roll passed its gate: its members get the consensus.
    WorthIt,
    /// The consensus changes colours too little: the colours of the members stay.
    ChangeTooSmall,
    /// The expected gain of the consensus is too small, or its expected harm too large: the colours of the members stay.
    NotWorthIt,
    /// Most members are unlike the training: the colours of the members stay.
    UnlikeTraining,
    /// The caller asked for a learned colour correction: the members get the consensus without a gate.
    Requested,
}

/// The reason why pictures of one call form no roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AloneReason {
    /// There are fewer than [`MEMBERS_MIN`] pictures.
    TooFew,
    /// The pictures do not agree: fewer than [`MEMBERS_MIN`], or at most half of them, are close to one transform.
    NoConsensus,
    /// The model predicts no colour transforms.
    NoTransforms,
    /// The caller fixed the colour correction, so that nothing is left to decide for the roll.
    ColorGiven,
}

/// A roll and the decision for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roll {
    /// Number of pictures of the call that could be read.
    pub n_pictures: usize,
    /// Number of pictures that belong to the roll.
    pub n_members: usize,
    /// The consensus: the mean of the members' transforms.
    pub consensus: ColorTransform,
    /// Size of the change: how far the consensus moves colours, 0–255, as a root of the mean square over a grid of colours.
    pub change: f64,
    /// Mean over the members of the chance that something is wrong with a picture, 0–1.
    pub damaged: f64,
    /// Mean over the members of the gain that the consensus is expected to bring.
    pub expected: ExpectedGain,
    /// The reason of the decision.
    pub reason: RollReason,
}

impl Roll {
    /// Returns whether the members get the consensus.
    pub fn is_corrected(&self) -> bool {
        matches!(self.reason, RollReason::WorthIt | RollReason::Requested)
    }
}

/// One picture of a roll, with its prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RollPicture {
    /// Whether the picture belongs to the roll.
    pub role: RollRole,
    /// How far the picture's own transform is from the consensus, 0–255, over the same grid of colours as
    /// [`Roll::change`]. Infinite if the picture's own transform is out of bounds.
    pub distance: f64,
    /// What is done to the picture.
    pub prediction: Prediction,
}

/// The prediction for the pictures of one call.
#[derive(Clone, Debug, PartialEq)]
pub enum RollPrediction {
    /// The pictures form a roll.
    Together {
        /// The roll.
        roll: Box<Roll>,
        /// Its pictures, in the order of the call.
        pictures: Vec<RollPicture>,
    },
    /// Every picture is treated alone.
    Alone {
        /// Why there is no roll.
        reason: AloneReason,
        /// The prediction for each picture, in the order of the call.
        predictions: Vec<Prediction>,
    },
}

impl RollPrediction {
    /// The same prediction with the caller's tone.
    pub(super) fn with_tone(mut self, tone: Tone) -> Self {
        match &mut self {
            RollPrediction::Together { pictures, .. } => {
                pictures
                    .iter_mut()
                    .for_each(|picture| picture.prediction = picture.prediction.with_tone(tone));
            }
            RollPrediction::Alone { predictions, .. } => {
                predictions.iter_mut().for_each(|prediction| *prediction = prediction.with_tone(tone));
            }
        }
        self
    }

    /// Returns the prediction for the picture at `index` of the call.
    ///
    /// # Panics
    /// When the call had fewer pictures.
    pub fn prediction(&self, index: usize) -> &Prediction {
        match self {
            RollPrediction::Together { pictures, .. } => &pictures[index].prediction,
            RollPrediction::Alone { predictions, .. } => &predictions[index],
        }
    }

    /// Returns the roll and the role of the picture at `index` of the call; `None` where every picture is treated alone.
    ///
    /// # Panics
    /// When the call had fewer pictures.
    pub fn roll(&self, index: usize) -> Option<(&Roll, RollRole)> {
        match self {
            RollPrediction::Together { roll, pictures } => Some((roll, pictures[index].role)),
            RollPrediction::Alone { .. } => None,
        }
    }
}
