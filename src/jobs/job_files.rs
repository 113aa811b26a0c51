//! The files that a command writes for its job, in the folder `data.dir/jobs/ID`.

use std::path::{Path, PathBuf};

use super::{request::JobRequest, results::ResultView};
use crate::storage::JobKind;

/// Folder of all jobs' files, in `data.dir`.
const JOBS: &str = "jobs";
/// File of a trained model.
pub(super) const MODEL: &str = "model";
/// File of a trained model's card.
pub(super) const CARD: &str = "card.md";
/// File of an evaluation's report.
pub(super) const REPORT: &str = "report.json";

/// Returns the folder of a job's files. `data` is `data.dir`.
pub fn folder(data: &Path, job: &str) -> PathBuf {
    data.join(JOBS).join(job)
}

/// Returns the file that is a command's result in a view, or `None` if there is no such view. `data` is `data.dir`.
pub fn result_file(data: &Path, job: &str, kind: JobKind, view: ResultView) -> Option<PathBuf> {
    let name = match (kind, view) {
        (JobKind::Train, ResultView::Table) => MODEL,
        (JobKind::Train, ResultView::Card) => CARD,
        (JobKind::Evaluate, ResultView::Table) => REPORT,
        _ => return None,
    };
    Some(folder(data, job).join(name))
}

/// Returns the file whose existence shows that a command has produced its result.
pub(super) fn main_result(request: &JobRequest, folder: &Path) -> PathBuf {
    folder.join(if matches!(request, JobRequest::Train(_)) { MODEL } else { REPORT })
}
