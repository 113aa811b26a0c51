//! What every answer with a document (JSON, YAML, text) carries: a digest, and under a `GET` an entity tag. A document is
//! short, so its bytes are held until its head is written.

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use pentimento_core::digest::digest;

use super::{
    coding::is_compressible,
    entity_tag::KnownVersions,
    error::internal,
    headers::{CONTENT_DIGEST, REPR_DIGEST, add_vary, content_digest},
};

/// Longest document, in bytes. A longer answer passes without a digest and a tag.
const DOCUMENT_BYTES_MAX: u64 = 8 << 20;

/// The facts of a request that decide about the headers of its answer.
struct Asked {
    is_head: bool,
    /// Whether the method is `GET` or `HEAD`.
    reads: bool,
    known: KnownVersions,
}

/// Adds the digest and the tag to the answer. Answers 304 if the client has this version.
pub(super) async fn describe(request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let asked = Asked {
        is_head,
        reads: is_head || request.method() == Method::GET,
        known: KnownVersions::of(request.headers()),
    };
    let mut response = next.run(request).await;
    if is_compressible(response.headers()) {
        add_vary(response.headers_mut(), "Accept-Encoding");
    }
    let found = asked.reads && response.status() == StatusCode::OK;
    if found && !response.headers().contains_key(header::CACHE_CONTROL) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    if !is_short_document(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, DOCUMENT_BYTES_MAX as usize).await {
        Ok(bytes) => bytes,
        Err(error) => return internal(&error).into_response(),
    };
    let sha256 = digest(&bytes);
    // The content of an answer to `HEAD` is empty, so only the representation has a digest (RFC 9530, appendix B.2).
    let name = if asked.is_head { REPR_DIGEST } else { CONTENT_DIGEST };
    parts.headers.insert(&name, content_digest(&sha256));
    if found && is_stored(&parts.headers) {
        let etag = format!("\"{sha256}\"");
        let is_known = asked.known.has(&etag);
        parts.headers.insert(header::ETAG, HeaderValue::try_from(etag).expect("digests are ASCII"));
        if is_known {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(header::CONTENT_LENGTH);
            parts.headers.remove(name);
            return Response::from_parts(parts, unsent());
        }
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether the answer is a document whose length is known and bearable, and that has no digest yet.
fn is_short_document(response: &Response) -> bool {
    let headers = response.headers();
    let length = response.body().size_hint().exact();
    is_compressible(headers)
        && !headers.contains_key(CONTENT_DIGEST)
        && !headers.contains_key(REPR_DIGEST)
        && length.is_some_and(|length| length <= DOCUMENT_BYTES_MAX)
}

/// Whether a client may store the answer.
fn is_stored(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_none_or(|value| value != "no-store")
}

/// The body of an answer that has a head only. Its length is unknown, so no `Content-Length: 0` is written for the
/// representation.
pub(super) fn unsent() -> Body {
    Body::from_stream(tokio_stream::empty::<Result<Bytes, std::convert::Infallible>>())
}
