//! The request of a `restore` job: which pictures to restore, and how.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use pentimento_core::{
    imaging::{
        ColorMethod, ParameterError, Tone,
        codec::{Format, MetadataPolicy},
    },
    models::{Assume, predictor::RequestedParameters},
    restoration::{Record, RestoreRequest},
};

/// The request of a `restore` job. Its pictures are files of the job, one per task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestorePictures {
    /// The pictures in the order of the request. A picture's index is the position of its task.
    pub pictures: Vec<UploadedPicture>,
    /// Method of the colour correction; predicted if open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_method: Option<ColorMethod>,
    /// Deviation of the Gaussian in pixels; predicted if open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// Strength of the unsharp mask; predicted if open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
    /// Whether the colour correction keeps the lightness of every pixel; auto if absent.
    #[serde(default, skip_serializing_if = "Tone::is_auto")]
    pub tone: Tone,
    /// How sure the client is that the pictures are damaged; auto if absent.
    #[serde(default, skip_serializing_if = "Assume::is_auto")]
    pub assume: Assume,
    /// Quality of lossy formats, 1–100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// Whether the outputs keep the inputs' metadata.
    #[serde(default)]
    pub metadata: MetadataPolicy,
    /// Whether files that are cut off or damaged are restored as far as they go; false if absent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lenient: bool,
    /// The page to restore of each picture, from 1; all pages if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<NonZeroU32>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// One picture of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadedPicture {
    /// Name of the picture: the client's file name, or `picture` with its number.
    pub name: String,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Number of bytes.
    pub size_bytes: u64,
    /// Format of the output; the input's if open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
}

impl RestorePictures {
    /// The request for `pictures` with the parameters, quality and metadata of `request`.
    pub fn new(pictures: Vec<UploadedPicture>, request: &RestoreRequest) -> Self {
        let RestoreRequest { parameters, quality, metadata, lenient, page, .. } = *request;
        Self {
            pictures,
            color_method: parameters.color_method(),
            sigma: parameters.sigma(),
            strength: parameters.strength(),
            tone: parameters.tone(),
            assume: parameters.assume(),
            quality,
            metadata,
            lenient,
            page,
        }
    }

    /// The restoration of the picture at `position`. Its receipt is kept.
    ///
    /// # Errors
    /// When a parameter is out of its range.
    pub fn restoration(&self, position: usize) -> Result<RestoreRequest, ParameterError> {
        let fixed = RequestedParameters::new(None, self.color_method, self.sigma, self.strength)?;
        Ok(RestoreRequest {
            parameters: fixed.with_tone(self.tone).with_assume(self.assume),
            format: self.pictures.get(position).and_then(|picture| picture.format),
            quality: self.quality,
            metadata: self.metadata,
            lenient: self.lenient,
            page: self.page,
            record: Record::Kept,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jobs::request::JobRequest, storage::JobKind};

    #[test]
    fn a_restoration_comes_back_from_the_stored_request() {
        let parameters = RequestedParameters::new(Some(true), None, Some(0.1 + 0.2), Some(-0.5)).unwrap();
        let request = RestoreRequest {
            parameters: parameters.with_tone(Tone::Keep).with_assume(Assume::Faded),
            format: Some(Format::WebP),
            quality: Some(80),
            metadata: MetadataPolicy::Strip,
            lenient: true,
            page: NonZeroU32::new(2),
            record: Record::Kept,
        };
        let picture = |format| UploadedPicture {
            name: "a.jpg".to_owned(),
            sha256: "0".repeat(64),
            size_bytes: 5,
            format,
        };
        let pictures = vec![picture(Some(Format::WebP)), picture(None)];
        for request in [request, RestoreRequest::default()] {
            let job = JobRequest::Restore(RestorePictures::new(pictures.clone(), &request));
            let json = job.to_json().to_string();
            assert_eq!(JobRequest::parse(JobKind::Restore, json.as_bytes()).unwrap(), job, "{json}");
            let JobRequest::Restore(stored) = job else { panic!() };
            let expected = |format| RestoreRequest { format, ..request.clone() };
            assert_eq!(stored.restoration(0).unwrap(), expected(Some(Format::WebP)));
            assert_eq!(stored.restoration(1).unwrap(), expected(None));
        }
    }

    #[test]
    fn parameters_out_of_range_are_refused_when_the_request_is_read() {
        let body = br#"{"pictures": [], "sigma": 99}"#;
        let error = JobRequest::parse(JobKind::Restore, body).unwrap_err().to_string();
        assert!(error.contains("20"), "{error}");
    }
}
