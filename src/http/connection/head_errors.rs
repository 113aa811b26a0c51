//! Problem documents in place of hyper's empty answers to heads that cannot be parsed.
//!
//! hyper answers such a head by itself, before a handler sees the request, and has no hook for it. The stream recognises
//! that answer, because no handler has answered, and writes the problem document instead.

use axum::{extract::Request, http::StatusCode};
use tower_http::request_id::{MakeRequestId as _, MakeRequestUuid};

use super::super::{kind::ProblemKind, problem::Problem};

/// Returns the whole answer to write in place of `own`, if `own` is hyper's answer to a head that cannot be parsed.
pub(super) fn in_place_of(own: &[u8]) -> Option<Vec<u8>> {
    let status = StatusCode::from_bytes(own.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?;
    let (kind, detail) = match status {
        StatusCode::BAD_REQUEST => {
            (ProblemKind::MalformedRequest, "the head of the request is not valid HTTP/1.1")
        }
        StatusCode::URI_TOO_LONG => (ProblemKind::TargetTooLong, "the target has more than 65534 bytes"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => (
            ProblemKind::HeadTooLarge,
            "the head of the request has more than 64 KiB or more than 100 headers",
        ),
        _ => return None,
    };
    let id = MakeRequestUuid.make_request_id(&Request::new(()))?;
    let id = id.header_value().to_str().ok()?;
    let body = Problem::new(kind, detail).to_json(Some(id));
    let (status, length) = (kind.status(), body.len());
    tracing::info!(status = status.as_u16(), id, "answered a request whose head cannot be parsed");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n"
    );
    Some([head.into_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_to_broken_heads_are_replaced() {
        let answer = in_place_of(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
        assert!(body.contains("/problems/malformed-request"), "{answer}");
        for other in [&b"HTTP/1.1 100 Continue\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 4", b""] {
            assert!(in_place_of(other).is_none());
        }
    }
}
