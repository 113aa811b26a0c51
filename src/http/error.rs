//! The only place where errors become a status and public words, by exhaustive matches; `kind.rs` beneath it has the
//! kinds with their statuses.

mod kind;

use axum::{
    extract::{
        multipart::MultipartError,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderValue, StatusCode, header},
};

use crate::{
    compute::ComputeError,
    jobs::{dataset_root::DatasetError, request::RequestError, submit::SubmitError},
    storage::StorageError,
};
use pentimento_core::{
    features::{FeatureError, SIDE_MIN_PX},
    imaging::{
        ColorMethod, DENOISE_RANGE, ParameterError, SIGMA_RANGE_PX, STRENGTH_RANGE,
        codec::{DecodeError, EncodeError},
    },
    models::PredictError,
    restoration::{ReplayError, RestoreError},
};

use super::problem::Problem;

pub use kind::Kind;

/// `Retry-After` of a full service, in seconds: places free up within a picture's time.
const RETRY_FULL_S: u16 = 1;
/// `Retry-After` of a stopping service, in seconds: another one takes over.
const RETRY_DRAINING_S: u16 = 5;

/// `Retry-After` of jobs that cannot be reached, in seconds: a folder or a disk is tried again every two.
const RETRY_JOBS_S: u16 = 5;

/// Logs the cause, once, and says nothing of it.
pub(super) fn internal(cause: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%cause, "a request failed by a fault of the program");
    Problem::new(Kind::Internal, "the cause has been logged under this request's id")
}

impl From<ComputeError> for Problem {
    fn from(error: ComputeError) -> Self {
        let refused = |kind, seconds: u16, detail: &str| {
            Problem::new(kind, detail).header(header::RETRY_AFTER, HeaderValue::from(seconds))
        };
        match error {
            ComputeError::Full => {
                refused(Kind::Full, RETRY_FULL_S, "as many requests run and wait as may; try again shortly")
                    .setting("compute.waiting_max")
            }
            ComputeError::Draining => {
                refused(Kind::Draining, RETRY_DRAINING_S, "the service is stopping and takes no new work")
            }
            ComputeError::Panicked => internal(&error),
        }
    }
}

/// There are no jobs, for now.
pub(super) fn no_jobs(reason: &str) -> Problem {
    Problem::new(Kind::NoJobs, format!("{reason}; pictures are restored all the same"))
        .setting("data.dir")
        .header(header::RETRY_AFTER, HeaderValue::from(RETRY_JOBS_S))
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        if error.cannot_write() || error.is_busy() { no_jobs(&error.to_string()) } else { internal(&error) }
    }
}

impl From<DatasetError> for Problem {
    fn from(error: DatasetError) -> Self {
        let detail = error.to_string();
        let none = |detail: String| {
            Problem::new(Kind::NoDatasets, detail)
                .setting("datasets.root")
                .header(header::RETRY_AFTER, HeaderValue::from(RETRY_JOBS_S))
        };
        match error {
            DatasetError::NotConfigured => none(detail),
            DatasetError::Root(error) => {
                tracing::warn!(%error, "datasets.root cannot be read");
                none(detail)
            }
            DatasetError::Unknown(name) => {
                let detail = format!(
                    "there is no dataset {:?}; GET /datasets lists them",
                    super::problem::echo(&name)
                );
                Problem::new(Kind::UnknownDataset, detail).parameter("dataset").value(name)
            }
            DatasetError::Unusable { name, .. } => {
                Problem::new(Kind::UnusableDataset, detail).parameter("dataset").value(name)
            }
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let detail = error.to_string();
        match error {
            RequestError::Syntax(_) => Problem::new(Kind::BadJob, detail),
            RequestError::Grid(_) => Problem::new(Kind::BadJob, detail).parameter("grid"),
            RequestError::GridName(name) => {
                Problem::new(Kind::BadJob, detail).parameter("grid").value(name).allowed(
                    "seed, full, or an object with color_methods, sigmas, strengths and, if wanted, identity, color_blends, \
                     denoise",
                )
            }
            RequestError::Features(schema) => Problem::new(Kind::BadJob, detail)
                .parameter("features")
                .value(schema)
                .allowed(pentimento_core::features::FEATURE_SCHEMA),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let detail = error.to_string();
        match error {
            SubmitError::Request(error) => error.into(),
            SubmitError::Dataset(error) => error.into(),
            SubmitError::Input { member, id, .. } => {
                Problem::new(Kind::BadJob, detail).parameter(member).value(id)
            }
            SubmitError::MixedGrids => Problem::new(Kind::BadJob, detail).parameter("tables"),
            SubmitError::KeyReused => Problem::new(Kind::KeyReused, detail).parameter("Idempotency-Key"),
            SubmitError::KeyInUse => Problem::new(Kind::KeyInUse, detail).parameter("Idempotency-Key"),
            SubmitError::Storage(error) => error.into(),
            SubmitError::Internal(error) => internal(&error),
        }
    }
}

impl From<ParameterError> for Problem {
    fn from(error: ParameterError) -> Self {
        let detail = error.to_string();
        let bad = |name: &str| Problem::new(Kind::BadParameter, detail.as_str()).parameter(name);
        let range = |r: std::ops::RangeInclusive<f64>| format!("{} to {}", r.start(), r.end());
        match error {
            ParameterError::Sigma { got } => {
                bad("sigma").value(got.to_string()).allowed(range(SIGMA_RANGE_PX))
            }
            ParameterError::Strength { got } => {
                bad("strength").value(got.to_string()).allowed(range(STRENGTH_RANGE))
            }
            ParameterError::ColorMethod { got } => {
                bad("color_method").value(got).allowed(ColorMethod::names())
            }
            ParameterError::ColorBlend { got, .. } => bad("color_blend").value(got.to_string()),
            ParameterError::Denoise { got } => {
                bad("denoise").value(got.to_string()).allowed(range(DENOISE_RANGE))
            }
            ParameterError::Disagreement { method, .. } => {
                Problem::new(Kind::ContradictingParameters, detail.as_str())
                    .parameter("color_method")
                    .value(method.name())
            }
        }
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        let detail = error.to_string();
        let hit = |kind, value: u64, max: u64, setting| {
            Problem::new(kind, detail.as_str()).value(value).limit(max).setting(setting)
        };
        match error {
            DecodeError::UnknownFormat => Problem::new(Kind::UnknownFormat, detail),
            DecodeError::TooManyBytes { got, max } => {
                hit(Kind::BodyTooLarge, got, max, "limits.input_bytes_max")
            }
            DecodeError::TooManyPixels { width, height, max } => {
                hit(Kind::TooManyPixels, width as u64 * height as u64, max, "limits.pixels_max")
            }
            DecodeError::TooMuchMemory { needed, max } => {
                hit(Kind::TooMuchMemory, needed, max, "limits.decoded_bytes_max")
            }
            DecodeError::Unsupported { property, .. } => {
                Problem::new(Kind::UnsupportedProperty, detail).value(property)
            }
            DecodeError::Broken { .. } => Problem::new(Kind::BrokenPicture, detail),
        }
    }
}

impl From<EncodeError> for Problem {
    fn from(error: EncodeError) -> Self {
        let detail = error.to_string();
        match error {
            EncodeError::AlphaIntoJpeg => Problem::new(Kind::AlphaIntoJpeg, detail).parameter("format"),
            EncodeError::TooLarge { width, height, max, .. } => Problem::new(Kind::TooLargeForFormat, detail)
                .parameter("format")
                .value(width.max(height) as u64)
                .limit(max as u64),
            EncodeError::Quality { got } => {
                Problem::new(Kind::BadParameter, detail).parameter("quality").value(got.to_string())
            }
            EncodeError::MetadataTooLarge { got, max, .. } => Problem::new(Kind::MetadataTooLarge, detail)
                .parameter("metadata")
                .value(got as u64)
                .limit(max as u64),
            EncodeError::Failed { .. } => internal(&detail),
        }
    }
}

impl From<FeatureError> for Problem {
    fn from(error: FeatureError) -> Self {
        let FeatureError::TooSmall { width, height } = error;
        Problem::new(Kind::PictureTooSmall, error.to_string())
            .value(width.min(height) as u64)
            .limit(SIDE_MIN_PX as u64)
    }
}

impl From<PredictError> for Problem {
    fn from(error: PredictError) -> Self {
        match error {
            // Features of a picture are finite by construction.
            PredictError::Feature { .. } | PredictError::Schema { .. } => internal(&error),
            PredictError::NoColorTransform { .. } => Problem::new(Kind::BadParameter, error.to_string())
                .parameter("color_method")
                .value(ColorMethod::Learned.name())
                .setting("model.path"),
        }
    }
}

impl From<RestoreError> for Problem {
    fn from(error: RestoreError) -> Self {
        let detail = error.to_string();
        match error {
            RestoreError::Decode(error) => error.into(),
            RestoreError::Features(error) => Problem::from(error).detail(detail),
            RestoreError::Predict(error) => error.into(),
            RestoreError::Encode(error) => error.into(),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        let detail = error.to_string();
        match error {
            ReplayError::Version { got, .. } => {
                Problem::new(Kind::ReceiptVersion, detail).value(u64::from(got))
            }
            ReplayError::Method { got, .. } => Problem::new(Kind::ReceiptMethod, detail).value(got),
            ReplayError::Input { got, .. } => Problem::new(Kind::WrongInput, detail).value(got),
            ReplayError::Parameters(_) | ReplayError::Coefficients(_) | ReplayError::Route => {
                Problem::new(Kind::BadReceipt, detail)
            }
            ReplayError::Differs { what, .. } => Problem::new(Kind::ReplayDiffers, detail).value(what),
            ReplayError::Restore(error) => error.into(),
        }
    }
}

/// A body could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// It is longer than it may be; how long is only known if it was announced.
    #[error("the body {}; at most {max} bytes are read", match got { Some(got) => format!("has {got} bytes"), None => "is too long".to_owned() })]
    TooLarge { got: Option<u64>, max: u64 },
    /// It did not come in time.
    #[error("the body did not arrive within {max_ms} ms")]
    Timeout { max_ms: u64 },
    /// The connection or its framing broke.
    #[error("the body broke off: {0}")]
    Incomplete(String),
    /// The form cannot be taken apart.
    #[error("{0}")]
    Form(String),
}

impl BodyError {
    /// Of a raw body read with a limit of `max` bytes.
    pub(super) fn of_bytes(rejection: &BytesRejection, max: u64) -> Self {
        match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                BodyError::TooLarge { got: None, max }
            }
            other => BodyError::Incomplete(other.body_text()),
        }
    }

    /// Of a form read with a limit of `max` bytes.
    pub(super) fn of_form(error: &MultipartError, max: u64) -> Self {
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => BodyError::TooLarge { got: None, max },
            // The only other cause of it: the connection broke while the form was read.
            StatusCode::INTERNAL_SERVER_ERROR => BodyError::Incomplete(error.body_text()),
            _ => BodyError::Form(error.body_text()),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let detail = error.to_string();
        match error {
            BodyError::TooLarge { got, max } => {
                let problem = Problem::new(Kind::BodyTooLarge, detail).limit(max);
                let problem = problem.setting("limits.input_bytes_max");
                match got {
                    Some(got) => problem.value(got),
                    None => problem,
                }
            }
            BodyError::Timeout { max_ms } => Problem::new(Kind::BodyTimeout, detail)
                .limit(max_ms)
                .setting("server.body_timeout_ms")
                .header(header::CONNECTION, HeaderValue::from_static("close")),
            BodyError::Incomplete(_) => Problem::new(Kind::IncompleteBody, detail),
            BodyError::Form(_) => Problem::new(Kind::MalformedForm, detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{body::to_bytes, response::IntoResponse};

    use pentimento_core::imaging::codec::Format;

    use super::*;

    /// What `make` logs.
    fn logged(make: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Lines(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, make);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[tokio::test]
    async fn faults_are_logged_once_and_answered_without_detail() {
        let secret = || EncodeError::Failed { format: Format::Png, reason: "row 7 at 0xdead".to_owned() };
        let mut problems = Vec::new();
        let lines = logged(|| problems.push(Problem::from(RestoreError::from(secret()))));
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.contains("ERROR") && lines.contains("row 7"), "{lines}");
        problems.push(ComputeError::Panicked.into());
        problems.push(PredictError::Feature { feature: "mean", found: f64::NAN }.into());
        for problem in problems {
            let response = problem.into_response();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains("/problems/internal") && !body.contains("row 7"), "{body}");
            assert!(!body.contains("mean"), "{body}");
        }
    }

    #[test]
    fn a_users_mistake_is_not_logged() {
        let lines = logged(|| drop(Problem::from(DecodeError::UnknownFormat)));
        assert_eq!(lines, "");
    }
}
