//! What the first lines of every request must say: the host it is for, and a target of a bearable length. Targets that are
//! no path have their answers here.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{
    authority::Authority,
    coding::NoCoding,
    kind::ProblemKind,
    problem::{Problem, echo},
};

/// Longest target of a request, in bytes. RFC 9112, section 3, recommends at least 8 000.
const TARGET_BYTES_MAX: usize = 8192;
/// The methods of the service, for answers about the service as a whole.
const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,POST,DELETE,OPTIONS");

/// Refuses a request whose first lines are wrong. Answers `OPTIONS *`.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if let Err(problem) = check_host(&request).and_then(|()| check_target(&request)) {
        return problem.into_response();
    }
    if request.method() == Method::OPTIONS && request.uri().path() == "*" {
        return (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response();
    }
    next.run(request).await
}

/// Refuses a request without exactly one valid `Host` (RFC 9112, section 3.2). HTTP/1.0 needs none.
fn check_host(request: &Request) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let bad = |detail: &str| Problem::new(ProblemKind::BadHost, detail).parameter("Host");
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        (None, _) => Err(bad("the request has no Host header")),
        (Some(_), Some(_)) => Err(bad("the request has several Host headers")),
        (Some(host), None) => {
            let text = String::from_utf8_lossy(host.as_bytes());
            match Authority::parse(&text) {
                Some(_) => Ok(()),
                None => Err(bad("the Host header is no HOST or HOST:PORT").value(text.as_ref())),
            }
        }
    }
}

/// Refuses a target that is too long, of another scheme, or that asks for a tunnel.
fn check_target(request: &Request) -> Result<(), Problem> {
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if length > TARGET_BYTES_MAX {
        let detail = format!("the target has {length} bytes; at most {TARGET_BYTES_MAX} are read");
        return Err(Problem::new(ProblemKind::TargetTooLong, detail)
            .value(length as u64)
            .limit(TARGET_BYTES_MAX as u64));
    }
    if request.method() == Method::CONNECT {
        let detail = "this service is no proxy and opens no tunnel";
        return Err(Problem::new(ProblemKind::MethodNotAllowed, detail).header(header::ALLOW, METHODS));
    }
    if let Some(scheme) = uri.scheme_str().filter(|scheme| !matches!(*scheme, "http" | "https")) {
        let detail = format!("the target has the scheme {:?}; this service answers for http", echo(scheme));
        return Err(Problem::new(ProblemKind::MisdirectedHost, detail).value(scheme));
    }
    match request.extensions().get::<NoCoding>() {
        Some(NoCoding) => Err(super::coding::not_acceptable()),
        None => Ok(()),
    }
}
