//! The fields of a receipt. Their names are those of the JSON.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    features::Features,
    imaging::{
        ColorCorrection, ColorMethod, ParameterError, RestorationParameters, Tone,
        codec::{Format, MetadataPolicy, NoteKind, Notes, Subsampling},
        pipeline::Coefficients,
    },
    models::{
        Assume,
        gains::{decide::Reason, model::ExpectedGain},
        predictor::{Prediction, Predictor},
        roll::{Roll, RollReason, RollRole},
    },
};

/// The record of one restoration. Reading refuses unknown fields, since a replay would ignore them silently.
///
/// A digest is empty where the request's [`Record`](super::super::Record) needs none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_VERSION`](super::RECEIPT_VERSION) of the writer.
    pub receipt_version: u32,
    /// The program that wrote the receipt, such as `pentimento 0.1.0`.
    pub program: String,
    /// The input's bytes.
    pub input: RecordedInput,
    /// The output's bytes.
    pub output: RecordedOutput,
    /// The operators: [`METHOD`](super::METHOD) or [`METHOD_WITH_DENOISE`](super::METHOD_WITH_DENOISE).
    pub method: String,
    /// The operators' parameters.
    pub parameters: RecordedParameters,
    /// The numbers that the operators measured on the picture or the model predicted for them.
    pub coefficients: Coefficients,
    /// The features that the model predicted from; absent when all parameters were given.
    pub features: Option<RecordedFeatures>,
    /// The model that predicted; absent when all parameters were given.
    pub model: Option<RecordedModel>,
    /// The gain in score that the model expects; absent when the model predicts no gain.
    pub predicted_gain: Option<f64>,
    /// What the caller said about the picture before the prediction. The JSON holds it only if it is not auto.
    #[serde(default, skip_serializing_if = "Assume::is_auto")]
    pub assume: Assume,
    /// Whether the input was decoded as far as it goes, had it been cut off or damaged. The JSON holds it only if true.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lenient: bool,
    /// The page that was restored, from 1, of a file with several. Absent for a file of one page, and where all pages were restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<NonZeroU32>,
    /// The receipt of each page in order, if all pages of a file with several were restored. Each is what the page alone would
    /// have got. The fields beside describe the file in `input` and in `output`, all pages in `notes`, and the first page otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Receipt>,
    /// The roll that the picture was restored with; absent when the picture was restored alone. A replay does not need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll: Option<RecordedRoll>,
    /// What was not kept, left out, tolerated or converted. The JSON holds the list only if it has members. A replay does not need
    /// it.
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub notes: Notes,
}

impl Receipt {
    /// Whether the input has 16 bits per sample and the output 8, because its format holds no more.
    pub fn rounds_to_8_bits(&self) -> bool {
        self.output.bits < self.input.bits
    }

    /// Whether the parameters change nothing, on any page.
    pub fn is_untouched(&self) -> bool {
        if self.pages.is_empty() {
            self.parameters.is_identity()
        } else {
            self.n_untouched() == self.pages.len()
        }
    }

    /// Number of pages that the parameters leave as they are.
    pub fn n_untouched(&self) -> usize {
        self.pages.iter().filter(|page| page.parameters.is_identity()).count()
    }

    /// Whether the picture was left untouched because nothing could be predicted for it.
    pub fn is_unpredictable(&self) -> bool {
        self.model.is_none() && self.parameters.is_identity() && self.notes.has(NoteKind::Untouched)
    }
}

/// The input of a restoration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedInput {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Number of bytes.
    pub size_bytes: u64,
    /// Format of the bytes.
    pub format: Format,
    /// Bits per sample once decoded: 8 or 16. The JSON holds it only if it is 16.
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    pub bits: u8,
    /// The colour space of the stored pixels, if it is not sRGB. The picture was then measured and corrected as what it shows in sRGB.
    /// Receipts of release 0.1.0 do not hold it; its restorations took all pixels for sRGB, and so does their replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour_space: Option<String>,
}

/// The output of a restoration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedOutput {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// SHA-256 of the restored pixels before encoding, see [`pixels_digest`](super::pixels_digest).
    pub pixels_sha256: String,
    /// Number of bytes.
    pub size_bytes: u64,
    /// Width in pixels as displayed.
    pub width: usize,
    /// Height in pixels as displayed.
    pub height: usize,
    /// Format of the bytes.
    pub format: Format,
    /// Bits per sample of the output: 8 or 16. The JSON holds it only if it is 16. An input of 16 bits and an output of 8 say
    /// that the samples were rounded, because the format holds no more.
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    pub bits: u8,
    /// Route by which the bytes were made.
    pub route: Route,
    /// The encoder's quality, for lossy encodings.
    pub quality: Option<u8>,
    /// The JPEG's chroma subsampling.
    pub subsampling: Option<Subsampling>,
    /// Whether the encoding keeps every pixel.
    pub lossless: bool,
    /// Name and version of the encoder; absent when the input's coded pixels were kept.
    pub encoder: Option<String>,
    /// Whether metadata were kept or stripped.
    pub metadata: MetadataPolicy,
    /// Version of the rules by which metadata are written, [`METADATA_VERSION`](super::METADATA_VERSION) today. The JSON of release
    /// 0.1.0 does not hold it; that is version 1, which kept fewer of them.
    #[serde(default = "first")]
    pub metadata_version: u32,
    /// Version of the rules by which alpha weighs, [`ALPHA_VERSION`](super::ALPHA_VERSION) today. The JSON holds it only if it is not 1,
    /// which is that of pictures without alpha, and of all pictures of release 0.1.0.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub alpha_version: u32,
    /// Whether a lossy encoder wrote pixels that the parameters leave unchanged.
    pub reencoded: bool,
}

/// Route by which the output's bytes were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The input's own bytes.
    InputBytes,
    /// The input's coded pixels with other metadata.
    InputPixels,
    /// An encoder's output.
    Encoded,
}

/// The parameters of a restoration. The JSON holds `color_blend`, `tone` and `denoise` only where they are not neutral.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedParameters {
    /// Method of the colour correction.
    pub color_method: ColorMethod,
    /// Share of the colour correction that is applied, above 0 to 1.
    #[serde(default = "fully", skip_serializing_if = "is_fully")]
    pub color_blend: f64,
    /// Whether the colour correction keeps the picture's lightness. Auto without a colour correction.
    #[serde(default, skip_serializing_if = "Tone::is_auto")]
    pub tone: Tone,
    /// Strength of the denoising, 0 without.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub denoise: f64,
    /// Deviation of the Gaussian in pixels, 0 without sharpening.
    pub sigma: f64,
    /// Strength of the unsharp mask, 0 without sharpening.
    pub strength: f64,
}

/// Returns the neutral `color_blend`.
fn fully() -> f64 {
    1.0
}

fn is_fully(blend: &f64) -> bool {
    *blend == 1.0
}

/// Returns the version of metadata and of alpha of receipts that do not name it.
fn first() -> u32 {
    1
}

fn is_first(version: &u32) -> bool {
    *version == first()
}

/// Returns the number of bits that receipts leave out.
fn eight() -> u8 {
    8
}

fn is_eight(bits: &u8) -> bool {
    *bits == 8
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(denoise: &f64) -> bool {
    *denoise == 0.0
}

/// The features that the model predicted from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedFeatures {
    /// The schema: the version of the features' definitions.
    pub schema: String,
    /// Value of each feature, sorted by name.
    pub values: Map<String, Value>,
}

/// The model that predicted, and its numbers before rounding and clamping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedModel {
    /// The model's family and the first digits of its digest.
    pub id: String,
    /// SHA-256 of the model file, hexadecimal.
    pub sha256: String,
    /// Predicted colour flag; on at 0.5 and above.
    pub color: f64,
    /// Predicted sigma in pixels.
    pub sigma: f64,
    /// Predicted strength.
    pub strength: f64,
    /// The reason of the decision; absent when the model gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The expected gain over identity; absent when the model predicts none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedGain>,
    /// Chance that something is wrong with the picture, 0–1; absent when the model predicts none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged: Option<f64>,
}

impl RecordedModel {
    /// The record of `predictor` and its `prediction`.
    pub(in crate::restoration) fn new(predictor: &Predictor, prediction: &Prediction) -> Self {
        Self {
            id: predictor.id().to_owned(),
            sha256: predictor.sha256().to_owned(),
            color: prediction.raw().color,
            sigma: prediction.raw().sigma,
            strength: prediction.raw().strength,
            reason: prediction.reason(),
            expected: prediction.expected_gain(),
            damaged: prediction.damaged(),
        }
    }
}

/// The roll that a picture was restored with. The transform itself stands in the coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRoll {
    /// Number of pictures that were restored together.
    pub pictures: usize,
    /// Number of those that belong to the roll.
    pub members: usize,
    /// Whether this picture belongs to the roll.
    pub role: RollRole,
    /// The reason of the roll's decision.
    pub reason: RollReason,
    /// Size of the roll's change: how far its transform moves colours, 0–255, as a root of the mean square over a grid of
    /// colours. Measured even if the roll's colours stay.
    pub change: f64,
    /// Chance that something is wrong with the pictures, mean over the members, 0–1.
    pub damaged: f64,
    /// Gain over identity that the roll's transform is expected to bring, mean over its members.
    pub expected_gain: ExpectedGain,
}

impl RecordedRoll {
    /// The record of `roll` for a picture with this role.
    pub fn new(roll: &Roll, role: RollRole) -> Self {
        let &Roll { n_pictures, n_members, change, damaged, expected, reason, .. } = roll;
        Self {
            pictures: n_pictures,
            members: n_members,
            role,
            reason,
            change,
            damaged,
            expected_gain: expected,
        }
    }
}

impl From<&RestorationParameters> for RecordedParameters {
    fn from(p: &RestorationParameters) -> Self {
        Self {
            color_method: p.color_method(),
            color_blend: p.color_blend(),
            tone: p.tone(),
            denoise: p.denoise(),
            sigma: p.sigma(),
            strength: p.strength(),
        }
    }
}

impl RecordedParameters {
    /// Whether the parameters change nothing.
    pub(in crate::restoration) fn is_identity(&self) -> bool {
        self.checked().is_ok_and(|parameters| parameters.is_identity())
    }

    /// The parameters, checked again, because a receipt comes from outside.
    ///
    /// # Errors
    /// For values out of range.
    pub fn checked(&self) -> Result<RestorationParameters, ParameterError> {
        // Without sharpening, sigma is recorded as 0. No Gaussian has a deviation of 0, so any valid sigma stands in.
        let sigma = if self.strength == 0.0 && self.sigma == 0.0 { 1.0 } else { self.sigma };
        let color = ColorCorrection::new(self.color_method, self.color_blend)?.with_tone(self.tone);
        RestorationParameters::new(self.color_method, sigma, self.strength)?
            .with_color(color)
            .with_denoise(self.denoise)
    }
}

impl From<&Features> for RecordedFeatures {
    fn from(features: &Features) -> Self {
        let named = features.named().map(|(name, value)| (name.to_owned(), value.into()));
        Self { schema: features.schema.name().to_owned(), values: named.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restoration::receipt::method;

    #[test]
    fn recorded_parameters_are_checked_again() {
        let recorded = |sigma, strength| RecordedParameters {
            sigma,
            strength,
            ..RecordedParameters::from(&RestorationParameters::IDENTITY)
        };
        assert!(recorded(0.0, 0.0).checked().unwrap().is_identity());
        assert!(recorded(0.0, 1.0).checked().is_err());
        assert!(recorded(1.0, 50.0).checked().is_err());
        assert!(RecordedParameters { denoise: 9.0, ..recorded(0.0, 0.0) }.checked().is_err());
        assert!(RecordedParameters { color_blend: 0.5, ..recorded(0.0, 0.0) }.checked().is_err());
    }

    #[test]
    fn neutral_values_leave_no_trace_in_a_receipt() {
        let json = |p: &RestorationParameters| serde_json::to_string(&RecordedParameters::from(p)).unwrap();
        let sharpened = RestorationParameters::new(ColorMethod::WhiteBalance, 1.5, 0.75).unwrap();
        assert_eq!(json(&sharpened), r#"{"color_method":"white_balance","sigma":1.5,"strength":0.75}"#);
        assert_eq!(method(&sharpened), "color, unsharp_mask");
        let color = ColorCorrection::new(ColorMethod::Stretch, 0.35).unwrap();
        let all = sharpened.with_color(color.with_tone(Tone::Keep)).with_denoise(2.0).unwrap();
        let text = json(&all);
        assert_eq!(serde_json::from_str::<RecordedParameters>(&text).unwrap().checked(), Ok(all), "{text}");
        assert_eq!(method(&all), "color, denoise, unsharp_mask");
    }
}
