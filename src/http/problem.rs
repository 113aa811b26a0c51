//! Problem documents (RFC 9457), the form of every error.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use tower_http::request_id::RequestId;

use super::kind::ProblemKind;

/// Longest text of a client that a problem repeats, in characters.
const ECHO_CHARS_MAX: usize = 80;

/// An error in public words, with the headers of its answer.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    kind: ProblemKind,
    detail: String,
    members: Box<ProblemMembers>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The extension members of a problem document. Each is absent where it does not apply.
#[derive(Clone, Debug, Default, Serialize)]
struct ProblemMembers {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offers: Vec<&'static str>,
}

/// The problem document that an answer carries.
#[derive(Serialize)]
struct ProblemDocument<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    members: &'a ProblemMembers,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    /// A problem of this kind. `detail` says what was wrong this time.
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), members: Box::default(), headers: Vec::new() }
    }

    /// Replaces the detail.
    pub(super) fn detail(mut self, detail: String) -> Self {
        self.detail = detail;
        self
    }

    /// Names the limit that was exceeded.
    pub(super) fn limit(mut self, limit: u64) -> Self {
        self.members.limit = Some(limit);
        self
    }

    /// Names the value that was refused.
    pub(super) fn value(mut self, value: impl Into<Value>) -> Self {
        self.members.value = Some(match value.into() {
            Value::String(text) => Value::String(echo(&text)),
            other => other,
        });
        self
    }

    /// Names the setting that changes the limit.
    pub(super) fn setting(mut self, setting: &'static str) -> Self {
        self.members.setting = Some(setting);
        self
    }

    /// Names the parameter, part or header that was wrong.
    pub(super) fn parameter(mut self, name: &str) -> Self {
        self.members.parameter = Some(echo(name));
        self
    }

    /// Says what is allowed instead.
    pub(super) fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.members.allowed = Some(allowed.into());
        self
    }

    /// Names the known name nearest to an unknown one.
    pub(super) fn suggestion(mut self, suggestion: Option<&'static str>) -> Self {
        self.members.suggestion = suggestion;
        self
    }

    /// Lists the media types of the possible answers.
    pub(super) fn offers(mut self, offers: Vec<&'static str>) -> Self {
        self.members.offers = offers;
        self
    }

    /// Adds a header to the answer.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The problem document as JSON, with the id of its request.
    pub(super) fn to_json(&self, request_id: Option<&str>) -> Vec<u8> {
        let document = ProblemDocument {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            members: &self.members,
            request_id,
        };
        serde_json::to_vec(&document).expect("plain structures become JSON")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json(None)));
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the request's id into the problem document of its answer.
pub(super) async fn name_request(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let id = id.as_ref().and_then(|id| id.header_value().to_str().ok());
        *response.body_mut() = Body::from(problem.to_json(id));
    }
    response
}

/// A text of the client as a problem repeats it: at most [`ECHO_CHARS_MAX`] characters.
pub(super) fn echo(text: &str) -> String {
    match text.char_indices().nth(ECHO_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
