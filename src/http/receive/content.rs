//! The content type and the coding of a body.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::super::{
    kind::ProblemKind,
    problem::{Problem, echo},
};

/// The header of the Linked Data Platform that lists the content types of bodies.
pub(in crate::http) const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
/// The content types of bodies with a picture, as [`ACCEPT_POST`] lists them.
pub(super) const PICTURE_TYPES: &str = "image/*, application/octet-stream, multipart/form-data";
/// The content type of forms.
pub(super) const FORM_TYPE: &str = "multipart/form-data";
/// The content type of requests for jobs.
const JSON_TYPE: &str = "application/json";

/// The content types of bodies that a route takes, if it takes a body.
pub(in crate::http) fn accepted(route: &str) -> Option<&'static str> {
    match route {
        "/restore" | "/analyze" => Some(PICTURE_TYPES),
        "/replay" => Some(FORM_TYPE),
        "/jobs/optimize" | "/jobs/train" | "/jobs/evaluate" => Some(JSON_TYPE),
        _ => None,
    }
}

/// Refuses a content type other than JSON. A request without a body has none.
pub(in crate::http) fn only_json(headers: &HeaderMap) -> Result<(), Problem> {
    let is_json = |text: &&str| {
        text.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(JSON_TYPE))
    };
    let mut types =
        headers.get_all(header::CONTENT_TYPE).iter().map(|text| text.to_str().unwrap_or_default());
    types.find(|text| !is_json(text)).map_or(Ok(()), |other| Err(not_json(other)))
}

/// The problem of a body whose content type is not JSON.
pub(super) fn not_json(got: &str) -> Problem {
    let got_shown = echo(got);
    unsupported(got, JSON_TYPE).detail(format!(
        "Content-Type {got_shown:?} is not supported; send JSON, with curl by -H 'Content-Type: application/json'"
    ))
}

/// The kind of a body by its content type.
pub(in crate::http) enum ContentType {
    Form,
    Picture,
    Other(String),
}

/// The kind of a body. The content type only separates a picture from a form; the bytes decide the picture's format.
pub(in crate::http) fn content_type(headers: &HeaderMap) -> ContentType {
    let Some(text) = headers.get(header::CONTENT_TYPE) else { return ContentType::Picture };
    let text = text.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "multipart/form-data" => ContentType::Form,
        // `curl --data-binary` sends the second type if the caller names none.
        "application/octet-stream" | "application/x-www-form-urlencoded" => ContentType::Picture,
        image if image.starts_with("image/") => ContentType::Picture,
        _ => ContentType::Other(text.to_owned()),
    }
}

/// Refuses compressed bodies, which would look like broken pictures.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING).map(|coding| coding.to_str().unwrap_or_default()) {
        None | Some("identity") => Ok(()),
        Some(coding) => Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            format!("Content-Encoding {:?} is not supported; send the picture uncompressed", echo(coding)),
        )
        .parameter("Content-Encoding")
        .value(coding)),
    }
}

/// The problem of a content type that is none of `supported`.
pub(super) fn unsupported(got: &str, supported: &'static str) -> Problem {
    Problem::new(
        ProblemKind::UnsupportedMediaType,
        format!("Content-Type {:?} is not supported; send one of {supported}", echo(got)),
    )
    .parameter("Content-Type")
    .value(got)
    .allowed(supported)
    .header(ACCEPT_POST, HeaderValue::from_static(supported))
}
