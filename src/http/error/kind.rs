//! The kinds of problem: their types, statuses and titles. `openapi.yaml` describes each; a test compares them.

use axum::http::StatusCode;

/// The kinds of problem; each has a type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A multipart body that cannot be taken apart.
    MalformedForm,
    /// A body that ended before it was complete.
    IncompleteBody,
    /// No such path.
    UnknownRoute,
    /// No such dataset.
    UnknownDataset,
    /// No such job.
    UnknownJob,
    /// The path has other methods.
    MethodNotAllowed,
    /// Nothing on offer is accepted.
    NotAcceptable,
    /// The body came too slowly.
    BodyTimeout,
    /// The job is in a state that does not allow it.
    JobState,
    /// A request with this key is being accepted.
    KeyInUse,
    /// The body is too long.
    BodyTooLarge,
    /// A part of a form other than the picture is too long.
    PartTooLarge,
    /// The body's content type or encoding is not taken.
    UnsupportedMediaType,
    /// The bytes are no picture of a known format.
    UnknownFormat,
    /// The range lies behind the end.
    RangeOutside,
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
    /// The body asks for no job that there could be.
    BadJob,
    /// The dataset cannot be used.
    UnusableDataset,
    /// The key was used for another request.
    KeyReused,
    /// A fault of the program.
    Internal,
    /// As many requests wait as may.
    Full,
    /// Jobs cannot be reached.
    NoJobs,
    /// There is no folder of datasets.
    NoDatasets,
    /// The service is stopping.
    Draining,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Kind; 41] = [
        Kind::MalformedForm,
        Kind::IncompleteBody,
        Kind::UnknownRoute,
        Kind::UnknownDataset,
        Kind::UnknownJob,
        Kind::MethodNotAllowed,
        Kind::NotAcceptable,
        Kind::BodyTimeout,
        Kind::JobState,
        Kind::KeyInUse,
        Kind::BodyTooLarge,
        Kind::PartTooLarge,
        Kind::UnsupportedMediaType,
        Kind::UnknownFormat,
        Kind::RangeOutside,
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
        Kind::BadJob,
        Kind::UnusableDataset,
        Kind::KeyReused,
        Kind::Internal,
        Kind::Full,
        Kind::NoJobs,
        Kind::NoDatasets,
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
            Kind::UnknownDataset => (S::NOT_FOUND, "unknown-dataset", "There is no such dataset"),
            Kind::UnknownJob => (S::NOT_FOUND, "unknown-job", "There is no such job"),
            Kind::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "This path has other methods")
            }
            Kind::NotAcceptable => {
                (S::NOT_ACCEPTABLE, "not-acceptable", "Nothing on offer is accepted by the request")
            }
            Kind::BodyTimeout => (S::REQUEST_TIMEOUT, "body-timeout", "The body came too slowly"),
            Kind::JobState => (S::CONFLICT, "job-state", "The job's state does not allow it"),
            Kind::KeyInUse => {
                (S::CONFLICT, "idempotency-key-in-use", "A request with this key is being accepted")
            }
            Kind::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"),
            Kind::PartTooLarge => (S::PAYLOAD_TOO_LARGE, "part-too-large", "A part of the form is too large"),
            Kind::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body's content type is not taken")
            }
            Kind::UnknownFormat => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unknown-format", "The bytes are no picture of a known format")
            }
            Kind::RangeOutside => {
                (S::RANGE_NOT_SATISFIABLE, "range-outside", "The range lies behind the end")
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
            Kind::BadJob => (unprocessable, "bad-job", "The body asks for no job that there could be"),
            Kind::UnusableDataset => (unprocessable, "unusable-dataset", "The dataset cannot be used"),
            Kind::KeyReused => {
                (unprocessable, "idempotency-key-reused", "The key was used for another request")
            }
            Kind::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "A fault of the program"),
            Kind::Full => (S::SERVICE_UNAVAILABLE, "full", "The service is full"),
            Kind::NoJobs => (S::SERVICE_UNAVAILABLE, "no-jobs", "Jobs cannot be reached"),
            Kind::NoDatasets => (S::SERVICE_UNAVAILABLE, "no-datasets", "There is no folder of datasets"),
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

// Whoever adds a kind, adds it to the list.
const _: () = assert!(Kind::ALL.len() == Kind::Draining as usize + 1);
