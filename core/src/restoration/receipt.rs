//! The receipt of a restoration: everything that is needed to make the same bytes again, and no times.

pub use crate::digest::digest;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    digest::hexadecimal,
    features,
    imaging::{
        ColorCorrection, ColorMethod, Image, ParameterError, RestorationParameters,
        codec::{Format, MetadataPolicy, Subsampling},
        pipeline::Coefficients,
    },
    models::gains::{decide::Reason, model::ExpectedGain},
};

/// The version of the receipt's layout and of what its method means.
pub const RECEIPT_VERSION: u32 = 1;

/// The operators in their order; a later release that means something else by it takes another name.
pub const METHOD: &str = "color, unsharp_mask";
/// The operators of a restoration that denoises; without, what release 0.1.0 wrote stays what is written.
pub const METHOD_WITH_DENOISE: &str = "color, denoise, unsharp_mask";

/// The operators that `parameters` need, as a receipt names them.
pub fn method(parameters: &RestorationParameters) -> &'static str {
    if parameters.denoise() > 0.0 { METHOD_WITH_DENOISE } else { METHOD }
}

/// A restoration on record. Unknown fields are refused, so that nobody believes in what is not honoured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_VERSION`] of the writer.
    pub receipt_version: u32,
    /// The writer: `pentimento 0.1.0`.
    pub program: String,
    /// The bytes that came in.
    pub input: Input,
    /// The bytes that went out.
    pub output: Output,
    /// The operators: [`METHOD`] or [`METHOD_WITH_DENOISE`].
    pub method: String,
    /// What they were told.
    pub parameters: Parameters,
    /// What they measured of the picture.
    pub coefficients: Coefficients,
    /// What the predictor was told of the picture; absent when all parameters were given.
    pub features: Option<Features>,
    /// Who predicted; absent when all parameters were given.
    pub model: Option<Model>,
    /// The gain the predictor expects, in score; absent when it does not predict one.
    pub predicted_gain: Option<f64>,
}

/// The input of a restoration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Their number.
    pub size_bytes: u64,
    /// Their format.
    pub format: Format,
}

/// The output of a restoration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// SHA-256 of the restored pixels before encoding, see [`pixels_digest`].
    pub pixels_sha256: String,
    /// Number of bytes.
    pub size_bytes: u64,
    /// Width in pixels as displayed.
    pub width: usize,
    /// Height in pixels as displayed.
    pub height: usize,
    /// The format.
    pub format: Format,
    /// How the bytes came to be.
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
    /// Untouched pixels that went through a lossy encoder all the same.
    pub reencoded: bool,
}

/// How the output's bytes came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The input's own bytes.
    InputBytes,
    /// The input's coded pixels with other metadata.
    InputPixels,
    /// Encoded anew.
    Encoded,
}

/// The parameters as recorded; those beside the three stand only where they are not neutral.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How colours are corrected.
    pub color_method: ColorMethod,
    /// How far, above 0 to 1.
    #[serde(default = "fully", skip_serializing_if = "is_fully")]
    pub color_blend: f64,
    /// Strength of the denoising, 0 without.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub denoise: f64,
    /// Deviation of the Gaussian in pixels, 0 without sharpening.
    pub sigma: f64,
    /// Strength of the unsharp mask, 0 without sharpening.
    pub strength: f64,
}

fn fully() -> f64 {
    1.0
}

fn is_fully(blend: &f64) -> bool {
    *blend == 1.0
}

fn is_zero(denoise: &f64) -> bool {
    *denoise == 0.0
}

/// The features that the predictor saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// The version of their definitions.
    pub schema: String,
    /// Name and value, by name.
    pub values: serde_json::Map<String, serde_json::Value>,
}

/// The model that predicted, and its numbers before rounding and clamping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name.
    pub id: String,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: String,
    /// Predicted colour flag; on at 0.5 and above.
    pub color: f64,
    /// Predicted sigma in pixels.
    pub sigma: f64,
    /// Predicted strength.
    pub strength: f64,
    /// Why it decided so; absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What it expects, over doing nothing; absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedGain>,
}

/// A text holds no receipts that this release reads.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// Of another version: what else it holds is not looked at.
    #[error(
        "the receipt is of version {got}, made by {program}; this release replays version {RECEIPT_VERSION}"
    )]
    Version {
        /// Version of the receipt.
        got: u64,
        /// Who wrote it.
        program: String,
    },
    /// Not JSON, or not a receipt.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
}

impl Receipt {
    /// Reads one receipt, however it is laid out, or one per line. The version is asked first, so that a receipt of a
    /// later release is refused for its version and not for a field that it has more.
    ///
    /// # Errors
    /// For other versions, and for unknown, missing and malformed fields.
    pub fn read_all(text: &str) -> Result<Vec<Self>, ReceiptError> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        let (mut receipts, mut begin) = (Vec::new(), 0);
        while let Some(value) = values.next() {
            let (value, end) = (value?, values.byte_offset());
            receipts.push(Self::read_one(&text[begin..end], &value)?);
            begin = end;
        }
        Ok(receipts)
    }

    fn read_one(text: &str, value: &serde_json::Value) -> Result<Self, ReceiptError> {
        let got = value.get("receipt_version").and_then(serde_json::Value::as_u64);
        if let Some(got) = got.filter(|&got| got != u64::from(RECEIPT_VERSION)) {
            let program =
                value.get("program").and_then(|program| program.as_str()).unwrap_or("an unnamed program");
            return Err(ReceiptError::Version { got, program: program.to_owned() });
        }
        // From the text again: a map has already forgotten that a field stood twice.
        Ok(serde_json::from_str(text)?)
    }
}

impl From<&RestorationParameters> for Parameters {
    fn from(p: &RestorationParameters) -> Self {
        Self {
            color_method: p.color_method(),
            color_blend: p.color_blend(),
            denoise: p.denoise(),
            sigma: p.sigma(),
            strength: p.strength(),
        }
    }
}

impl Parameters {
    /// The parameters, checked again: a receipt comes from outside.
    ///
    /// # Errors
    /// For values out of range.
    pub fn checked(&self) -> Result<RestorationParameters, ParameterError> {
        // Without sharpening sigma is recorded as 0, which no Gaussian has.
        let sigma = if self.strength == 0.0 && self.sigma == 0.0 { 1.0 } else { self.sigma };
        let color = ColorCorrection::new(self.color_method, self.color_blend)?;
        RestorationParameters::new(self.color_method, sigma, self.strength)?
            .with_color(color)
            .with_denoise(self.denoise)
    }
}

impl From<&features::Features> for Features {
    fn from(features: &features::Features) -> Self {
        let named = features.named().map(|(name, value)| (name.to_owned(), value.into()));
        Self { schema: features.schema.name().to_owned(), values: named.collect() }
    }
}

/// The program's name and version.
pub fn program() -> String {
    concat!("pentimento ", env!("CARGO_PKG_VERSION")).to_owned()
}

/// SHA-256 of a picture as displayed: `WIDTHxHEIGHTxCHANNELS[+alpha]\n`, the colour samples, the alpha samples.
pub fn pixels_digest(image: &Image) -> String {
    let alpha = if image.alpha().is_some() { "+alpha" } else { "" };
    let head = format!("{}x{}x{}{alpha}\n", image.width(), image.height(), image.channels().count());
    let mut hash = Sha256::new();
    hash.update(head);
    hash.update(image.samples());
    hash.update(image.alpha().unwrap_or_default());
    hexadecimal(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn digests_are_sha256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_pixel_digest_tells_shapes_apart() {
        let image = |w, h, c, alpha: Option<Vec<u8>>| Image::new(w, h, c, vec![5; 6], alpha).unwrap();
        let digests = [
            pixels_digest(&image(2, 1, Channels::Rgb, None)),
            pixels_digest(&image(1, 2, Channels::Rgb, None)),
            pixels_digest(&image(6, 1, Channels::Grey, None)),
            pixels_digest(&image(2, 1, Channels::Rgb, Some(vec![0, 0]))),
        ];
        for (i, a) in digests.iter().enumerate() {
            assert!(digests[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn recorded_parameters_are_checked_again() {
        let recorded = |sigma, strength| Parameters {
            sigma,
            strength,
            ..Parameters::from(&RestorationParameters::IDENTITY)
        };
        assert!(recorded(0.0, 0.0).checked().unwrap().is_identity());
        assert!(recorded(0.0, 1.0).checked().is_err());
        assert!(recorded(1.0, 50.0).checked().is_err());
        assert!(Parameters { denoise: 9.0, ..recorded(0.0, 0.0) }.checked().is_err());
        assert!(Parameters { color_blend: 0.5, ..recorded(0.0, 0.0) }.checked().is_err());
    }

    #[test]
    fn neutral_values_leave_no_trace_in_a_receipt() {
        let json = |p: &RestorationParameters| serde_json::to_string(&Parameters::from(p)).unwrap();
        let sharpened = RestorationParameters::new(ColorMethod::WhiteBalance, 1.5, 0.75).unwrap();
        assert_eq!(json(&sharpened), r#"{"color_method":"white_balance","sigma":1.5,"strength":0.75}"#);
        assert_eq!(method(&sharpened), "color, unsharp_mask");
        let color = ColorCorrection::new(ColorMethod::Stretch, 0.35).unwrap();
        let all = sharpened.with_color(color).with_denoise(2.0).unwrap();
        let text = json(&all);
        assert_eq!(serde_json::from_str::<Parameters>(&text).unwrap().checked(), Ok(all), "{text}");
        assert_eq!(method(&all), "color, denoise, unsharp_mask");
    }
}
