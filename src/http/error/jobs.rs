//! Errors of jobs, their requests, their datasets and their storage.

use axum::http::{HeaderValue, header};

use super::{
    super::{
        kind::ProblemKind,
        problem::{Problem, echo},
    },
    internal::internal,
};
use crate::{
    jobs::{
        dataset_root::DatasetError, request::RequestError, stored_pictures::StoreError, submit::SubmitError,
    },
    storage::StorageError,
};
use pentimento_core::features::FEATURE_SCHEMA;

/// `Retry-After` of jobs that cannot be reached, in seconds. The service tries a folder or a disk again
/// every two seconds.
const RETRY_JOBS_S: u16 = 5;

/// `Retry-After` of a full queue of jobs, in seconds. A job takes minutes to hours.
const RETRY_FULL_S: u16 = 60;

/// The problem of jobs that cannot be reached at the moment.
pub(in crate::http) fn no_jobs(reason: &str) -> Problem {
    Problem::new(ProblemKind::NoJobs, format!("{reason}; restoring pictures still works"))
        .setting("data.dir")
        .header(header::RETRY_AFTER, HeaderValue::from(RETRY_JOBS_S))
}

fn no_datasets(detail: String) -> Problem {
    Problem::new(ProblemKind::NoDatasets, detail)
        .setting("datasets.root")
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
        match error {
            DatasetError::NotConfigured => no_datasets(detail),
            DatasetError::Root(error) => {
                tracing::warn!(%error, "datasets.root cannot be read");
                no_datasets(detail)
            }
            DatasetError::Unknown(name) => {
                let detail = format!("there is no dataset {:?}; GET /datasets lists them", echo(&name));
                Problem::new(ProblemKind::UnknownDataset, detail).parameter("dataset").value(name)
            }
            DatasetError::Unusable { name, .. } => {
                Problem::new(ProblemKind::UnusableDataset, detail).parameter("dataset").value(name)
            }
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let bad = Problem::new(ProblemKind::BadJob, error.to_string());
        match error {
            RequestError::Syntax(_) => bad,
            RequestError::Grid(_) => bad.parameter("grid"),
            RequestError::GridName(name) => bad.parameter("grid").value(name).allowed(
                "seed, full, or an object with color_methods, sigmas, strengths and, if wanted, identity, color_blends, \
                 denoise",
            ),
            RequestError::Parameter(error) => error.into(),
            RequestError::Features(schema) => {
                bad.parameter("features").value(schema).allowed(FEATURE_SCHEMA)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        let refused = |kind, size: u64, max: u64| {
            Problem::new(kind, detail).value(size).limit(max).setting("jobs.stored_bytes_max")
        };
        match error {
            StoreError::NeverFits { size, max } => refused(ProblemKind::BodyTooLarge, size, max),
            StoreError::Full { size, max, wait_s, .. } => refused(ProblemKind::StorageFull, size, max)
                .header(header::RETRY_AFTER, HeaderValue::from(wait_s)),
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
                Problem::new(ProblemKind::BadJob, detail).parameter(member).value(id)
            }
            SubmitError::MixedGrids => Problem::new(ProblemKind::BadJob, detail).parameter("tables"),
            SubmitError::Full { max } => Problem::new(ProblemKind::JobsFull, detail)
                .limit(max)
                .setting("jobs.queued_max")
                .header(header::RETRY_AFTER, HeaderValue::from(RETRY_FULL_S)),
            SubmitError::Store(error) => error.into(),
            SubmitError::KeyReused => {
                Problem::new(ProblemKind::KeyReused, detail).parameter("Idempotency-Key")
            }
            SubmitError::KeyInUse => Problem::new(ProblemKind::KeyInUse, detail).parameter("Idempotency-Key"),
            SubmitError::Storage(error) => error.into(),
            SubmitError::Internal(error) => internal(&error),
        }
    }
}
