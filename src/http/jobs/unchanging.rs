//! Answers with a body that does not change any more: entity tag, conditions and ranges.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        document::unsent,
        entity_tag::KnownVersions,
        headers::{CONTENT_DIGEST, REPR_DIGEST, content_digest},
        kind::ProblemKind,
        problem::Problem,
        result_bodies::BodyFacts,
    },
    range::{RequestedRange, requested},
};

/// Answers a request with the whole body, with a range of the body, or with 304 if the client already has the body.
///
/// `asked` is the head of the request, `headers` has the headers of every answer. `body(first, n)` returns the `n` bytes
/// from `first`; under `HEAD` it is not called. The entity tag is the digest of the whole body.
pub(super) fn unchanging(
    mut headers: HeaderMap,
    asked: &Parts,
    facts: &BodyFacts,
    body: impl FnOnce(u64, u64) -> Body,
) -> Result<Response, Problem> {
    let BodyFacts { length, ref sha256 } = *facts;
    let etag = format!("\"{sha256}\"");
    let text = |text: String| HeaderValue::try_from(text).expect("numbers and digests are ASCII");
    headers.insert(header::ETAG, text(etag.clone()));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if KnownVersions::of(&asked.headers).has(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers, unsent()).into_response());
    }
    if asked.method == Method::HEAD {
        headers.insert(REPR_DIGEST, content_digest(sha256));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        return Ok((headers, unsent()).into_response());
    }
    let (status, first, n) = match requested(&asked.headers, length, &etag) {
        RequestedRange::All => {
            headers.insert(CONTENT_DIGEST, content_digest(sha256));
            (StatusCode::OK, 0, length)
        }
        RequestedRange::Part(first, last) => {
            headers.insert(REPR_DIGEST, content_digest(sha256));
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
    Ok((status, headers, body(first, n)).into_response())
}
