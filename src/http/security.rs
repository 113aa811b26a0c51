//! Headers that forbid browsers what no answer needs.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

/// The headers of every answer.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    // Browsers do not guess the content type, so no client's picture is shown as a page.
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Should an answer be shown as a page nevertheless, it runs no script, loads nothing and stands in no frame.
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // Pages of other origins embed no answer.
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds the headers to an answer.
pub(super) async fn protect(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS);
    response
}
