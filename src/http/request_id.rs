//! Ids of requests: a client's own if it is usable, else a new one, in logs, problems and `x-request-id`.

use axum::{extract::Request, middleware::Next, response::Response};

/// Longest id that is taken from a client.
const LENGTH_MAX: usize = 128;

/// Removes an id that is empty, long, or more than letters, digits and `-_.:`; a new one will be made.
pub(super) async fn forget_unusable(mut request: Request, next: Next) -> Response {
    let usable = |id: &[u8]| {
        (1..=LENGTH_MAX).contains(&id.len())
            && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    };
    if request.headers().get("x-request-id").is_some_and(|id| !usable(id.as_bytes())) {
        request.headers_mut().remove("x-request-id");
    }
    next.run(request).await
}
