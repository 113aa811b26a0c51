//! Paths and queries of the service's jobs.

use anyhow::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::outcome::usage;

/// Bytes that a query escapes: all but letters, digits, `-`, `_` and `.`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Returns the path of a job, `/jobs/ID` and `more`.
pub(super) fn job_path(id: &str, more: &str) -> Result<String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(usage(format_args!("{id:?} is not the id of a job")));
    }
    Ok(format!("/jobs/{id}{more}"))
}

/// Returns a value for a query, percent-encoded.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_but_the_unreserved_ones_is_escaped() {
        assert_eq!(escaped("aZ09-_."), "aZ09-_.");
        assert_eq!(escaped("~ &=%/ä"), "%7E%20%26%3D%25%2F%C3%A4");
    }

    #[test]
    fn a_job_has_an_id_of_letters_and_digits() {
        assert_eq!(job_path("01AB", "/cancel").unwrap(), "/jobs/01AB/cancel");
        for id in ["", "../x", "a b"] {
            assert!(job_path(id, "").is_err(), "{id:?}");
        }
    }
}
