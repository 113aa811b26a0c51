//! Errors of decoding, restoring and encoding pictures.

use axum::http::{HeaderValue, header};

use super::{
    super::{kind::ProblemKind, problem::Problem},
    internal::internal,
};
use pentimento_core::{
    features::{FeatureError, SIDE_MIN_PX},
    imaging::codec::{DecodeError, EncodeError},
    restoration::RestoreError,
};

/// The problem of work that was cancelled. Nobody waits for this answer any more, so it is no fault and is not logged.
fn cancelled() -> Problem {
    Problem::new(ProblemKind::Deadline, "the work was cancelled, because nobody waited for it any more")
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        let detail = error.to_string();
        let hit = |kind, value: u64, max: u64, setting| {
            Problem::new(kind, detail.as_str()).value(value).limit(max).setting(setting)
        };
        match error {
            DecodeError::UnknownFormat => Problem::new(ProblemKind::UnknownFormat, detail),
            DecodeError::NotRead { kind, .. } => Problem::new(ProblemKind::UnknownFormat, detail).value(kind),
            DecodeError::TooManyBytes { got, max } => {
                hit(ProblemKind::BodyTooLarge, got, max, "limits.input_bytes_max")
            }
            DecodeError::TooManyPixels { width, height, max } => {
                hit(ProblemKind::TooManyPixels, width as u64 * height as u64, max, "limits.pixels_max")
            }
            DecodeError::TooMuchMemory { needed, max } => {
                hit(ProblemKind::TooMuchMemory, needed, max, "limits.decoded_bytes_max")
            }
            DecodeError::Unsupported { property, .. } => {
                Problem::new(ProblemKind::UnsupportedProperty, detail).value(property)
            }
            DecodeError::NoSuchPage { got, pages } => Problem::new(ProblemKind::BadParameter, detail)
                .parameter("page")
                .value(got.to_string())
                .allowed(format!("a whole number from 1 to {pages}")),
            DecodeError::TooManyPages { got, max } => {
                hit(ProblemKind::TooManyPixels, got.into(), max.into(), "limits.pages_max").parameter("page")
            }
            DecodeError::TooManyPagePixels { got, max } => {
                hit(ProblemKind::TooManyPixels, got, max, "limits.pages_pixels_max").parameter("page")
            }
            DecodeError::Broken { .. } => Problem::new(ProblemKind::BrokenPicture, detail),
            DecodeError::Cancelled(_) => cancelled(),
        }
    }
}

impl From<EncodeError> for Problem {
    fn from(error: EncodeError) -> Self {
        let detail = error.to_string();
        match error {
            EncodeError::AlphaIntoJpeg => {
                Problem::new(ProblemKind::AlphaIntoJpeg, detail).parameter("format")
            }
            EncodeError::TooLarge { width, height, max, .. } => {
                Problem::new(ProblemKind::TooLargeForFormat, detail)
                    .parameter("format")
                    .value(width.max(height) as u64)
                    .limit(max as u64)
            }
            EncodeError::TooManyBytes { got, max } => Problem::new(ProblemKind::OutputTooLarge, detail)
                .value(got)
                .limit(max)
                .setting("limits.output_bytes_max"),
            EncodeError::TooSmall { format, .. } | EncodeError::NotWritten { format } => {
                Problem::new(ProblemKind::BadParameter, detail).parameter("format").value(format.name())
            }
            EncodeError::Quality { got } => {
                Problem::new(ProblemKind::BadParameter, detail).parameter("quality").value(got.to_string())
            }
            EncodeError::MetadataTooLarge { got, max, .. } => {
                Problem::new(ProblemKind::MetadataTooLarge, detail)
                    .parameter("metadata")
                    .value(got as u64)
                    .limit(max as u64)
            }
            // A restoration rounds samples for such formats before it encodes.
            EncodeError::TooDeep { .. } | EncodeError::Failed { .. } => internal(&detail),
            EncodeError::Cancelled(_) => cancelled(),
        }
    }
}

impl From<FeatureError> for Problem {
    fn from(error: FeatureError) -> Self {
        match error {
            FeatureError::TooSmall { width, height } => {
                Problem::new(ProblemKind::PictureTooSmall, error.to_string())
                    .value(width.min(height) as u64)
                    .limit(SIDE_MIN_PX as u64)
            }
            FeatureError::Cancelled(_) => cancelled(),
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
            RestoreError::OnePicture { pages, .. } => Problem::new(ProblemKind::UnsupportedProperty, detail)
                .parameter("page")
                .value(u64::from(pages))
                .allowed(format!("a whole number from 1 to {pages}")),
            RestoreError::Page { error, .. } => Problem::from(*error).detail(detail),
            // The service holds the bytes of both passes.
            RestoreError::Changed => internal(&detail),
            RestoreError::Cancelled(_) => cancelled(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{body::to_bytes, http::StatusCode, response::IntoResponse};

    use pentimento_core::{imaging::codec::Format, models::PredictError};

    use super::*;
    use crate::compute::ComputeError;

    /// The lines that `make` logs.
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
