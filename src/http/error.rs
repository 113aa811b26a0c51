//! The only place where errors become a status and public words, by exhaustive matches.

use axum::{
    extract::{
        multipart::MultipartError,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderValue, StatusCode, header},
};

use crate::{
    compute::ComputeError,
    features::{FeatureError, SIDE_MIN_PX},
    imaging::{
        ParameterError, SIGMA_RANGE_PX, STRENGTH_RANGE,
        codec::{DecodeError, EncodeError},
    },
    learning::PredictError,
    restoration::{ReplayError, RestoreError},
};

use super::problem::Problem;

/// `Retry-After` of a full service, in seconds: places free up within a picture's time.
const RETRY_FULL_S: u16 = 1;
/// `Retry-After` of a stopping service, in seconds: another one takes over.
const RETRY_DRAINING_S: u16 = 5;

/// The kinds of problem; each has a type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A multipart body that cannot be taken apart.
    MalformedForm,
    /// A body that ended before it was complete.
    IncompleteBody,
    /// No such path.
    UnknownRoute,
    /// The path has other methods.
    MethodNotAllowed,
    /// Nothing on offer is accepted.
    NotAcceptable,
    /// The body came too slowly.
    BodyTimeout,
    /// The body is too long.
    BodyTooLarge,
    /// A part of a form other than the picture is too long.
    PartTooLarge,
    /// The body's content type or encoding is not taken.
    UnsupportedMediaType,
    /// The bytes are no picture of a known format.
    UnknownFormat,
    /// A part, or the picture itself, is missing.
    MissingPart,
    /// The picture's file is broken.
    BrokenPicture,
    /// The picture has too many pixels.
    TooManyPixels,
    /// Decoding would take too much memory.
    TooMuchMemory,
    /// The picture has a property that would not survive.
    UnsupportedProperty,
    /// The picture is too small to predict for.
    PictureTooSmall,
    /// No parameter or part has this name.
    UnknownParameter,
    /// A parameter or part was given twice.
    RepeatedParameter,
    /// A parameter's value is not allowed.
    BadParameter,
    /// Two parameters disagree.
    ContradictingParameters,
    /// JPEG has no alpha.
    AlphaIntoJpeg,
    /// The picture is too large for the format asked for.
    TooLargeForFormat,
    /// Metadata do not fit into the format asked for.
    MetadataTooLarge,
    /// The receipt cannot be read, or is impossible.
    BadReceipt,
    /// The receipt is of another version.
    ReceiptVersion,
    /// The receipt names operators that this release does not have.
    ReceiptMethod,
    /// The picture is not the receipt's input.
    WrongInput,
    /// The replay gives something else than the receipt records.
    ReplayDiffers,
    /// A fault of the program.
    Internal,
    /// As many requests wait as may.
    Full,
    /// The service is stopping.
    Draining,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Kind; 31] = [
        Kind::MalformedForm,
        Kind::IncompleteBody,
        Kind::UnknownRoute,
        Kind::MethodNotAllowed,
        Kind::NotAcceptable,
        Kind::BodyTimeout,
        Kind::BodyTooLarge,
        Kind::PartTooLarge,
        Kind::UnsupportedMediaType,
        Kind::UnknownFormat,
        Kind::MissingPart,
        Kind::BrokenPicture,
        Kind::TooManyPixels,
        Kind::TooMuchMemory,
        Kind::UnsupportedProperty,
        Kind::PictureTooSmall,
        Kind::UnknownParameter,
        Kind::RepeatedParameter,
        Kind::BadParameter,
        Kind::ContradictingParameters,
        Kind::AlphaIntoJpeg,
        Kind::TooLargeForFormat,
        Kind::MetadataTooLarge,
        Kind::BadReceipt,
        Kind::ReceiptVersion,
        Kind::ReceiptMethod,
        Kind::WrongInput,
        Kind::ReplayDiffers,
        Kind::Internal,
        Kind::Full,
        Kind::Draining,
    ];

    /// Status, last segment of the type, title.
    const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        let unprocessable = S::UNPROCESSABLE_ENTITY;
        match self {
            Kind::MalformedForm => (S::BAD_REQUEST, "malformed-form", "The form cannot be taken apart"),
            Kind::IncompleteBody => (S::BAD_REQUEST, "incomplete-body", "The body ended too early"),
            Kind::UnknownRoute => (S::NOT_FOUND, "unknown-route", "There is nothing here"),
            Kind::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "This path has other methods")
            }
            Kind::NotAcceptable => {
                (S::NOT_ACCEPTABLE, "not-acceptable", "Nothing on offer is accepted by the request")
            }
            Kind::BodyTimeout => (S::REQUEST_TIMEOUT, "body-timeout", "The body came too slowly"),
            Kind::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"),
            Kind::PartTooLarge => (S::PAYLOAD_TOO_LARGE, "part-too-large", "A part of the form is too large"),
            Kind::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body's content type is not taken")
            }
            Kind::UnknownFormat => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unknown-format", "The bytes are no picture of a known format")
            }
            Kind::MissingPart => (unprocessable, "missing-part", "Something is missing in the body"),
            Kind::BrokenPicture => (unprocessable, "broken-picture", "The picture's file is broken"),
            Kind::TooManyPixels => (unprocessable, "too-many-pixels", "The picture has too many pixels"),
            Kind::TooMuchMemory => {
                (unprocessable, "too-much-memory", "Decoding the picture takes too much memory")
            }
            Kind::UnsupportedProperty => {
                (unprocessable, "unsupported-property", "The picture has a property that is not supported")
            }
            Kind::PictureTooSmall => {
                (unprocessable, "picture-too-small", "The picture is too small to predict parameters for")
            }
            Kind::UnknownParameter => {
                (unprocessable, "unknown-parameter", "No parameter or part has this name")
            }
            Kind::RepeatedParameter => {
                (unprocessable, "repeated-parameter", "A parameter or part was given twice")
            }
            Kind::BadParameter => (unprocessable, "bad-parameter", "A parameter's value is not allowed"),
            Kind::ContradictingParameters => {
                (unprocessable, "contradicting-parameters", "Two parameters disagree")
            }
            Kind::AlphaIntoJpeg => (unprocessable, "alpha-into-jpeg", "JPEG cannot hold the picture's alpha"),
            Kind::TooLargeForFormat => {
                (unprocessable, "too-large-for-format", "The picture is too large for the format asked for")
            }
            Kind::MetadataTooLarge => {
                (unprocessable, "metadata-too-large", "Metadata do not fit into the format asked for")
            }
            Kind::BadReceipt => (unprocessable, "bad-receipt", "The receipt is not one that can be replayed"),
            Kind::ReceiptVersion => (unprocessable, "receipt-version", "The receipt is of another version"),
            Kind::ReceiptMethod => {
                (unprocessable, "receipt-method", "The receipt's operators are unknown to this release")
            }
            Kind::WrongInput => (unprocessable, "wrong-input", "The picture is not the receipt's input"),
            Kind::ReplayDiffers => {
                (unprocessable, "replay-differs", "The replay gives something else than the receipt records")
            }
            Kind::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "A fault of the program"),
            Kind::Full => (S::SERVICE_UNAVAILABLE, "full", "The service is full"),
            Kind::Draining => (S::SERVICE_UNAVAILABLE, "draining", "The service is stopping"),
        }
    }

    /// The status of its answers.
    pub const fn status(self) -> StatusCode {
        self.facts().0
    }

    /// The problem's `type`, relative to the service.
    pub fn uri(self) -> String {
        format!("/problems/{}", self.facts().1)
    }

    /// The problem's `title`.
    pub const fn title(self) -> &'static str {
        self.facts().2
    }
}

/// Logs the cause, once, and says nothing of it.
fn internal(cause: &dyn std::fmt::Display) -> Problem {
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
                bad("color_method").value(got).allowed("none, white_balance")
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
        // Features of a picture are finite by construction.
        let PredictError::Feature { .. } = error;
        internal(&error)
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
