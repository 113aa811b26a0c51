//! The problem document of a picture that a `restore` job cannot restore.

use serde_json::Value;

use super::super::{error::internal, kind::ProblemKind, problem::Problem};
use pentimento_core::restoration::RestoreError;

/// Returns the problem document that `POST /restore` answers with, for the process of a job. `None` is a panic.
pub fn restore_problem(error: Option<RestoreError>) -> Value {
    let problem = error.map_or_else(|| internal(&"a panic"), Problem::from);
    let document = serde_json::from_slice(&problem.to_json(None));
    let mut document: Value = document.expect("a problem document is JSON");
    // A job has no request whose id could be named.
    if document["type"] == ProblemKind::Internal.uri() {
        document["detail"] = "the cause has been logged under this job's id".into();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use pentimento_core::imaging::codec::{DecodeError, EncodeError, Format};

    #[test]
    fn a_picture_has_the_words_of_the_route_and_a_fault_has_none() {
        let error = DecodeError::TooManyPixels { width: 10, height: 10, max: 5 };
        let detail = error.to_string();
        let document = restore_problem(Some(error.into()));
        assert_eq!(document["type"], "/problems/too-many-pixels");
        assert_eq!((&document["status"], &document["detail"]), (&422.into(), &detail.into()));
        assert_eq!(document["setting"], "limits.pixels_max");
        let secret = EncodeError::Failed { format: Format::Png, reason: "row 7 at 0xdead".to_owned() };
        for document in [restore_problem(Some(secret.into())), restore_problem(None)] {
            assert_eq!(document["type"], "/problems/internal");
            assert!(!document.to_string().contains("row 7") && document.to_string().contains("job's id"));
        }
    }
}
