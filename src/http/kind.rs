//! The kinds of problem, each with its status, its type and its title. `openapi.yaml` describes every kind; a test
//! compares the two lists.

use axum::http::StatusCode;

/// The facts of one kind of problem.
struct Facts {
    status: StatusCode,
    /// Last segment of the type.
    name: &'static str,
    title: &'static str,
}

/// Makes [`ProblemKind`] and all its functions from one table of rows `Variant: STATUS, name, title;`.
macro_rules! problem_kinds {
    ($($kind:ident: $status:ident, $name:literal, $title:literal;)+) => {
        /// The kinds of problem. Each has a type of its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemKind {
            $(#[doc = concat!($title, ".")] $kind,)+
        }

        impl ProblemKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[ProblemKind] = &[$(ProblemKind::$kind,)+];

            const fn facts(self) -> Facts {
                match self {
                    $(ProblemKind::$kind => Facts { status: StatusCode::$status, name: $name, title: $title },)+
                }
            }
        }
    };
}

problem_kinds! {
    MalformedRequest: BAD_REQUEST, "malformed-request", "The head of the request cannot be parsed";
    BadHost: BAD_REQUEST, "bad-host", "The Host header is missing, doubled or invalid";
    MalformedForm: BAD_REQUEST, "malformed-form", "The form cannot be parsed";
    IncompleteBody: BAD_REQUEST, "incomplete-body", "The body ended too early";
    ForeignOrigin: FORBIDDEN, "foreign-origin", "A page of another origin may not do this";
    UnknownRoute: NOT_FOUND, "unknown-route", "There is no such path";
    UnknownDataset: NOT_FOUND, "unknown-dataset", "There is no such dataset";
    UnknownJob: NOT_FOUND, "unknown-job", "There is no such job";
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method-not-allowed", "This path does not support the method";
    NotAcceptable: NOT_ACCEPTABLE, "not-acceptable", "The request accepts none of the possible answers";
    BodyTimeout: REQUEST_TIMEOUT, "body-timeout", "The body did not arrive in time";
    JobState: CONFLICT, "job-state", "The job's state does not allow it";
    KeyInUse: CONFLICT, "idempotency-key-in-use", "A request with this key is being accepted";
    BodyTooLarge: PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large";
    PartTooLarge: PAYLOAD_TOO_LARGE, "part-too-large", "A part of the form is too large";
    TargetTooLong: URI_TOO_LONG, "target-too-long", "The path and the query are too long";
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body's content type is not supported";
    UnknownFormat: UNSUPPORTED_MEDIA_TYPE, "unknown-format", "The bytes are no picture of a known format";
    RangeOutside: RANGE_NOT_SATISFIABLE, "range-outside", "The range begins after the end";
    MisdirectedHost: MISDIRECTED_REQUEST, "misdirected-host", "The service does not do this under this host";
    DigestMismatch: UNPROCESSABLE_ENTITY, "digest-mismatch", "The body does not have the announced digest";
    MissingPart: UNPROCESSABLE_ENTITY, "missing-part", "A part of the body is missing";
    BrokenPicture: UNPROCESSABLE_ENTITY, "broken-picture", "The picture's file is broken";
    TooManyPixels: UNPROCESSABLE_ENTITY, "too-many-pixels", "The picture has too many pixels";
    TooMuchMemory: UNPROCESSABLE_ENTITY, "too-much-memory", "Decoding the picture takes too much memory";
    UnsupportedProperty: UNPROCESSABLE_ENTITY, "unsupported-property", "The picture has a property that is not supported";
    PictureTooSmall: UNPROCESSABLE_ENTITY, "picture-too-small", "The picture is too small to predict parameters for";
    UnknownParameter: UNPROCESSABLE_ENTITY, "unknown-parameter", "No parameter or part has this name";
    RepeatedParameter: UNPROCESSABLE_ENTITY, "repeated-parameter", "A parameter or part was given twice";
    BadParameter: UNPROCESSABLE_ENTITY, "bad-parameter", "A parameter's value is not allowed";
    ContradictingParameters: UNPROCESSABLE_ENTITY, "contradicting-parameters", "Two parameters disagree";
    AlphaIntoJpeg: UNPROCESSABLE_ENTITY, "alpha-into-jpeg", "JPEG cannot hold the picture's alpha";
    TooLargeForFormat: UNPROCESSABLE_ENTITY, "too-large-for-format", "The picture is too large for the requested format";
    OutputTooLarge: UNPROCESSABLE_ENTITY, "output-too-large", "The restored picture is too long";
    MetadataTooLarge: UNPROCESSABLE_ENTITY, "metadata-too-large", "Metadata do not fit into the requested format";
    TooManyPictures: UNPROCESSABLE_ENTITY, "too-many-pictures", "The form has too many pictures";
    NotRead: UNPROCESSABLE_ENTITY, "answers-not-read", "The answers were not read while pictures were sent";
    BadReceipt: UNPROCESSABLE_ENTITY, "bad-receipt", "The receipt cannot be replayed";
    ReceiptVersion: UNPROCESSABLE_ENTITY, "receipt-version", "The receipt is of another version";
    ReceiptMethod: UNPROCESSABLE_ENTITY, "receipt-method", "The receipt's operators are unknown to this release";
    WrongInput: UNPROCESSABLE_ENTITY, "wrong-input", "The picture is not the receipt's input";
    ReplayDiffers: UNPROCESSABLE_ENTITY, "replay-differs", "The replay differs from what the receipt records";
    BadJob: UNPROCESSABLE_ENTITY, "bad-job", "The body describes no valid job";
    UnusableDataset: UNPROCESSABLE_ENTITY, "unusable-dataset", "The dataset cannot be used";
    KeyReused: UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The key was used for another request";
    CallerShare: TOO_MANY_REQUESTS, "caller-share", "This caller has its share of the requests";
    HeadTooLarge: REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "The head of the request is too large";
    Internal: INTERNAL_SERVER_ERROR, "internal", "A fault of the program";
    Full: SERVICE_UNAVAILABLE, "full", "The service is full";
    MemoryFull: SERVICE_UNAVAILABLE, "memory-full", "The memory for requests is taken";
    Deadline: SERVICE_UNAVAILABLE, "deadline", "The request could not be finished in time";
    JobsFull: SERVICE_UNAVAILABLE, "jobs-full", "Too many jobs are queued or running";
    NoJobs: SERVICE_UNAVAILABLE, "no-jobs", "Jobs cannot be reached";
    StorageFull: SERVICE_UNAVAILABLE, "storage-full", "There is no room for more waiting pictures";
    NoDatasets: SERVICE_UNAVAILABLE, "no-datasets", "There is no folder of datasets";
    Draining: SERVICE_UNAVAILABLE, "draining", "The service is stopping";
}

impl ProblemKind {
    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        self.facts().status
    }

    /// The problem's `type`, relative to the service.
    pub fn uri(self) -> String {
        format!("/problems/{}", self.facts().name)
    }

    /// The problem's `title`.
    pub const fn title(self) -> &'static str {
        self.facts().title
    }
}
