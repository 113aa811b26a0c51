//! `POST /restore` with `Prefer: respond-async` (RFC 7240): the pictures of the request become a job.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

use super::{
    super::{error::internal, problem::Problem, state::AppState},
    submit::{accepted, key},
};
use crate::jobs::restore_request::{RestorePictures, UploadedPicture};
use pentimento_core::{digest::digest, imaging::codec::Format, restoration::RestoreRequest};

/// The preference for a job (RFC 7240, section 4.1).
const RESPOND_ASYNC: &str = "respond-async";
/// The header that names the preferences that were followed.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Longest stored file name, in characters.
const NAME_CHARS_MAX: usize = 120;

/// A picture of a request, before it is stored.
#[derive(Clone, Debug)]
pub(in crate::http) struct Upload {
    /// The picture's bytes.
    pub(in crate::http) bytes: Bytes,
    /// The client's file name, if there is one.
    pub(in crate::http) file_name: Option<String>,
    /// Format of the output; the input's if open.
    pub(in crate::http) format: Option<Format>,
}

/// Whether the client prefers a job over an answer that takes its time.
pub(in crate::http) fn wants_async(headers: &HeaderMap) -> bool {
    let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| Unquoted { rest: line }).any(|preference| {
        // Parameters change nothing, and an empty value counts as none.
        let name = preference.split(';').next().unwrap_or_default();
        let (name, value) = name.split_once('=').unwrap_or((name, ""));
        name.trim().eq_ignore_ascii_case(RESPOND_ASYNC) && matches!(value.trim(), "" | "\"\"")
    })
}

/// The elements of a list, split at the commas outside of quoted strings.
struct Unquoted<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Unquoted<'a> {
    type Item = &'a str;
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = self.rest.bytes().position(|byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = is_quoted,
                b'"' => is_quoted = !is_quoted,
                _ => {}
            }
            byte == b',' && !is_quoted
        });
        let (element, rest) = end.map_or((self.rest, ""), |at| (&self.rest[..at], &self.rest[at + 1..]));
        self.rest = rest;
        Some(element)
    }
}

/// Makes a job of the pictures, with one task per picture. Answers with 202, the job's address and its document. The
/// pictures and the job are on disk then. All have the parameters, quality and metadata of
/// `request`, and the formats of their own.
pub(in crate::http) async fn submit_pictures(
    state: &AppState,
    headers: &HeaderMap,
    uploads: Vec<Upload>,
    request: &RestoreRequest,
) -> Result<Response, Problem> {
    let jobs = state.jobs()?;
    let key = key(headers)?;
    let bytes = uploads.iter().map(|upload| upload.bytes.clone()).collect();
    // Digests of large pictures take longer than a handler may block its thread.
    let described = tokio::task::spawn_blocking(move || {
        (1..).zip(&uploads).map(|(number, upload)| describe(number, upload)).collect()
    });
    let pictures = described.await.map_err(|error| internal(&error))?;
    let job = jobs.submit_pictures(RestorePictures::new(pictures, request), bytes, key).await?;
    let mut response = accepted(&jobs, job).await?;
    let headers = response.headers_mut();
    headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Prefer"));
    Ok(response)
}

/// What the job's request says about a picture. `number` counts the pictures of the request from 1.
fn describe(number: usize, upload: &Upload) -> UploadedPicture {
    let name = upload.file_name.as_deref().and_then(plain_name);
    UploadedPicture {
        name: name.unwrap_or_else(|| format!("picture {number}")),
        sha256: digest(&upload.bytes),
        size_bytes: upload.bytes.len() as u64,
        format: upload.format,
    }
}

/// The last part of a client's path, without control characters. `None` if nothing is left. The name is shown, and is
/// never part of a path here.
fn plain_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefer(lines: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("prefer", line.parse().unwrap());
        }
        wants_async(&headers)
    }

    #[test]
    fn the_preference_is_found_among_others() {
        for lines in [
            &["respond-async"][..],
            &["Respond-Async, wait=10"],
            &["wait=10 ,\trespond-async ; foo=bar"],
            &["return=minimal", "respond-async"],
            &["respond-async=\"\""],
            &["note=\"a, \\\" b\", respond-async"],
        ] {
            assert!(prefer(lines), "{lines:?}");
        }
        for lines in [
            &[][..],
            &[""],
            &["wait=10"],
            &["respond-asynchronously"],
            &["note=\"respond-async, respond-async\""],
            &["note=\"\\\", respond-async\""],
            &["respond-async=no"],
            &[", ,"],
        ] {
            assert!(!prefer(lines), "{lines:?}");
        }
    }

    #[test]
    fn names_keep_their_last_part() {
        assert_eq!(plain_name("C:\\scans\\a b.jpg").unwrap(), "a b.jpg");
        assert_eq!(plain_name("../../etc/pass\u{0}wd\r\n").unwrap(), "passwd");
        assert_eq!(plain_name(&"é".repeat(500)).unwrap().chars().count(), NAME_CHARS_MAX);
        assert_eq!((plain_name(""), plain_name("a/ \n")), (None, None));
    }
}
