//! Reading the bodies of requests: a picture, a form with a picture and more, or JSON. Every body has limits in bytes
//! and in time.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request, multipart::Field},
    http::{HeaderMap, HeaderName, HeaderValue, header},
};

use super::{
    digests,
    error::BodyError,
    kind::ProblemKind,
    parameters::{Given, repeated, unknown},
    problem::{Problem, echo},
    state::AppState,
};

/// Most bytes of a form besides its picture: framing, receipt and parameters.
const FORM_OVERHEAD_BYTES_MAX: u64 = 1 << 20;
/// Longest receipt, in bytes. Real receipts have about 2 000 bytes.
const RECEIPT_BYTES_MAX: u64 = 64 << 10;
/// Longest request for a job, in bytes. A groups file of some hundred thousand pictures fits.
const JSON_BYTES_MAX: u64 = 16 << 20;
/// Longest text of a parameter in a form, in bytes.
const PARAMETER_BYTES_MAX: u64 = 1 << 10;

const IMAGE: &str = "image";
const RECEIPT: &str = "receipt";

/// The header of the Linked Data Platform that lists the content types of bodies.
pub(super) const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
/// The content types of bodies with a picture, as [`ACCEPT_POST`] lists them.
const PICTURE_TYPES: &str = "image/*, application/octet-stream, multipart/form-data";
/// The content type of forms.
const FORM_TYPE: &str = "multipart/form-data";
/// The content type of requests for jobs.
const JSON_TYPE: &str = "application/json";

/// The content types of bodies that a route takes, if it takes a body.
pub(super) fn accepted(route: &str) -> Option<&'static str> {
    match route {
        "/restore" | "/analyze" => Some(PICTURE_TYPES),
        "/replay" => Some(FORM_TYPE),
        "/jobs/optimize" | "/jobs/train" | "/jobs/evaluate" => Some(JSON_TYPE),
        _ => None,
    }
}

/// Reads the picture of a restoration or analysis. Adds the parameters of a form to those `given` in the query.
pub(super) async fn picture(request: Request, state: &AppState, given: &mut Given) -> Result<Bytes, Problem> {
    check_encoding(request.headers())?;
    let reading = async {
        match content_type(request.headers()) {
            ContentType::Form => picture_and_parameters(request, state, given).await,
            ContentType::Picture => raw(request, state.limits.input_bytes_max).await,
            ContentType::Other(other) => Err(unsupported(&other, PICTURE_TYPES)),
        }
    };
    let picture = in_time(state.body_timeout, reading).await?;
    if picture.is_empty() { Err(missing(IMAGE)) } else { Ok(picture) }
}

/// Reads the two parts of a replay: the receipt and the picture.
pub(super) async fn receipt_and_picture(
    request: Request,
    state: &AppState,
) -> Result<(Bytes, Bytes), Problem> {
    check_encoding(request.headers())?;
    let reading = async {
        match content_type(request.headers()) {
            ContentType::Form => form(request, state, &[RECEIPT, IMAGE]).await,
            ContentType::Picture => Err(unsupported("no form", FORM_TYPE)),
            ContentType::Other(other) => Err(unsupported(&other, FORM_TYPE)),
        }
    };
    let mut parts = in_time(state.body_timeout, reading).await?;
    let mut take = |name| {
        let at = parts.iter().position(|(part, _)| *part == name).ok_or_else(|| missing(name))?;
        Ok::<_, Problem>(parts.swap_remove(at).1)
    };
    Ok((take(RECEIPT)?, take(IMAGE)?))
}

/// Reads a JSON body and verifies its digest. A page of another origin cannot send this content type without asking.
pub(super) async fn json(request: Request, state: &AppState) -> Result<Bytes, Problem> {
    check_encoding(request.headers())?;
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        return Err(not_json("none"));
    }
    only_json(request.headers())?;
    let expected = digests::expected(request.headers())?;
    let body = raw(request, JSON_BYTES_MAX.min(state.limits.input_bytes_max));
    let body = in_time(state.body_timeout, body).await?;
    expected.map_or(Ok(()), |expected| expected.check(&body))?;
    Ok(body)
}

/// Refuses a content type other than JSON. A request without a body has none.
pub(super) fn only_json(headers: &HeaderMap) -> Result<(), Problem> {
    let is_json = |text: &&str| {
        text.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(JSON_TYPE))
    };
    let mut types =
        headers.get_all(header::CONTENT_TYPE).iter().map(|text| text.to_str().unwrap_or_default());
    types.find(|text| !is_json(text)).map_or(Ok(()), |other| Err(not_json(other)))
}

/// The problem of a body whose content type is not JSON.
fn not_json(got: &str) -> Problem {
    let got_shown = echo(got);
    unsupported(got, JSON_TYPE).detail(format!(
        "Content-Type {got_shown:?} is not supported; send JSON, with curl by -H 'Content-Type: application/json'"
    ))
}

/// Reads a form with a picture and parameters.
async fn picture_and_parameters(
    request: Request,
    state: &AppState,
    given: &mut Given,
) -> Result<Bytes, Problem> {
    let known: Vec<_> = std::iter::once(IMAGE).chain(given.known().iter().copied()).collect();
    let mut picture = None;
    for (name, bytes) in form(request, state, &known).await? {
        if name == IMAGE {
            picture = Some(bytes);
        } else {
            given.add(name, String::from_utf8_lossy(&bytes).into_owned())?;
        }
    }
    picture.ok_or_else(|| missing(IMAGE))
}

/// Reads a whole body of at most `bytes_max` bytes.
async fn raw(mut request: Request, bytes_max: u64) -> Result<Bytes, Problem> {
    limit(&mut request, bytes_max)?;
    let read = Bytes::from_request(request, &()).await;
    Ok(read.map_err(|rejection| BodyError::of_bytes(&rejection, bytes_max))?)
}

/// Reads the parts of a form. Each part has a `known` name, occurs at most once and has a limit of its own.
async fn form(
    mut request: Request,
    state: &AppState,
    known: &[&'static str],
) -> Result<Vec<(&'static str, Bytes)>, Problem> {
    let form_bytes_max = state.limits.input_bytes_max.saturating_add(FORM_OVERHEAD_BYTES_MAX);
    limit(&mut request, form_bytes_max)?;
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|rejection| BodyError::Form(rejection.body_text()))?;
    let mut parts: Vec<(&'static str, Bytes)> = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|e| BodyError::of_form(&e, form_bytes_max))? {
        let given = field.name().unwrap_or_default();
        let name = known.iter().copied().find(|name| *name == given);
        let name = name.ok_or_else(|| unknown(given, "part", known))?;
        if parts.iter().any(|(earlier, _)| *earlier == name) {
            return Err(repeated(name));
        }
        parts.push((name, part(field, name, state, form_bytes_max).await?));
    }
    Ok(parts)
}

/// Reads the bytes of one part, up to the limit of its name.
async fn part(
    mut field: Field<'_>,
    name: &str,
    state: &AppState,
    form_bytes_max: u64,
) -> Result<Bytes, Problem> {
    let bytes_max = match name {
        IMAGE => state.limits.input_bytes_max,
        RECEIPT => RECEIPT_BYTES_MAX,
        _ => PARAMETER_BYTES_MAX,
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|e| BodyError::of_form(&e, form_bytes_max))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > bytes_max {
            let too_long = format!("the part {name:?} is too long; at most {bytes_max} bytes are read");
            return Err(match name {
                IMAGE => BodyError::TooLarge { got: None, max: bytes_max }.into(),
                _ => Problem::new(ProblemKind::PartTooLarge, too_long).parameter(name).limit(bytes_max),
            });
        }
    }
    Ok(bytes.into())
}

/// Refuses a body whose `Content-Length` is above `bytes_max`, before reading it. Limits any other body to `bytes_max`
/// bytes.
fn limit(request: &mut Request, bytes_max: u64) -> Result<(), BodyError> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match announced.and_then(|length| length.parse().ok()) {
        Some(got) if got > bytes_max => return Err(BodyError::TooLarge { got: Some(got), max: bytes_max }),
        _ => DefaultBodyLimit::max(usize::try_from(bytes_max).unwrap_or(usize::MAX)).apply(request),
    }
    Ok(())
}

/// Gives up `reading` after `timeout`.
async fn in_time<T>(
    timeout: Duration,
    reading: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let max_ms = timeout.as_millis().try_into().unwrap_or(u64::MAX);
    tokio::time::timeout(timeout, reading).await.unwrap_or_else(|_| Err(BodyError::Timeout { max_ms }.into()))
}

/// The kind of a body by its content type.
enum ContentType {
    Form,
    Picture,
    Other(String),
}

/// The kind of a body. The content type only separates a picture from a form; the bytes decide the picture's format.
fn content_type(headers: &HeaderMap) -> ContentType {
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
fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
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
fn unsupported(got: &str, supported: &'static str) -> Problem {
    Problem::new(
        ProblemKind::UnsupportedMediaType,
        format!("Content-Type {:?} is not supported; send one of {supported}", echo(got)),
    )
    .parameter("Content-Type")
    .value(got)
    .allowed(supported)
    .header(ACCEPT_POST, HeaderValue::from_static(supported))
}

/// The problem of a part that is missing or empty.
fn missing(part: &str) -> Problem {
    let detail = match part {
        IMAGE => "there is no picture: send it as the body, or as the part \"image\" of a form".to_owned(),
        part => format!("the part {part:?} is missing in the form"),
    };
    Problem::new(ProblemKind::MissingPart, detail).parameter(part)
}
