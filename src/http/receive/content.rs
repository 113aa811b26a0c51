//! The content type and the coding of a body.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::super::{
    kind::ProblemKind,
    problem::{Problem, echo},
};

/// The content types of bodies with a picture, as the `Accept-Post` header of the Linked Data Platform lists them.
pub(super) const ACCEPT_POST: &str = "image/*, application/octet-stream, multipart/form-data";

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
    .header(HeaderName::from_static("accept-post"), HeaderValue::from_static(supported))
}
