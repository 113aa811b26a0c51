//! Answers with a body that does not change any more: entity tag, conditions and ranges.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        headers::{CONTENT_DIGEST, content_digest},
        kind::ProblemKind,
        problem::Problem,
        result_bodies::BodyFacts,
    },
    range::{RequestedRange, is_known, requested},
};

/// Answers a request with the whole body, with a range of the body, or with 304 if the client already has the body.
///
/// `asked` has the headers of the request, `headers` those of every answer. `body(first, n)` returns the `n` bytes from
/// `first`. The entity tag is the digest of the whole body.
pub(super) fn unchanging(
    mut headers: HeaderMap,
    asked: &HeaderMap,
    facts: &BodyFacts,
    body: impl FnOnce(u64, u64) -> Body,
) -> Result<Response, Problem> {
    let BodyFacts { length, ref sha256 } = *facts;
    let etag = format!("\"{sha256}\"");
    let text = |text: String| HeaderValue::try_from(text).expect("numbers and digests are ASCII");
    headers.insert(header::ETAG, text(etag.clone()));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_known(asked, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let (status, first, n) = match requested(asked, length, &etag) {
        RequestedRange::All => {
            headers.insert(CONTENT_DIGEST, content_digest(sha256));
            (StatusCode::OK, 0, length)
        }
        RequestedRange::Part(first, last) => {
            headers.insert(header::CONTENT_RANGE, text(format!("bytes {first}-{last}/{length}")));
            (StatusCode::PARTIAL_CONTENT, first, last - first + 1)
        }
        RequestedRange::Outside => {
            return Err(Problem::new(
                ProblemKind::RangeOutside,
                format!("the range begins after the end: the body has {length} bytes"),
            )
            .limit(length)
            .header(header::CONTENT_RANGE, text(format!("bytes */{length}"))));
        }
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(n));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    Ok((status, headers, body(first, n)).into_response())
}
