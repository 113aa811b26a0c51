//! Ids of requests, which appear in logs, problems and `x-request-id`. A client may send its own;
//! otherwise the service makes a new one.

use axum::{extract::Request, middleware::Next, response::Response};

/// Longest id of a client, in bytes.
const LENGTH_MAX: usize = 128;

/// Removes a client's id that is empty, too long, has bytes other than letters, digits and `-_.:`, or is one of several.
/// The next layer then makes a new id.
pub(super) async fn forget_unusable(mut request: Request, next: Next) -> Response {
    let usable = |id: &[u8]| {
        (1..=LENGTH_MAX).contains(&id.len())
            && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    };
    let mut ids = request.headers().get_all("x-request-id").iter();
    let (first, second) = (ids.next(), ids.next());
    if first.is_some_and(|id| second.is_some() || !usable(id.as_bytes())) {
        request.headers_mut().remove("x-request-id");
    }
    next.run(request).await
}
