//! The bodies of each route.

use axum::{body::Bytes, extract::Request, http::header};

use super::{
    super::{
        digests,
        error::BodyError,
        kind::ProblemKind,
        parameters::{Given, repeated, unknown},
        problem::Problem,
        state::AppState,
    },
    content::{
        ContentType, FORM_TYPE, PICTURE_TYPES, check_encoding, content_type, not_json, only_json, unsupported,
    },
    form::{Form, FormPart},
    reader,
};
use crate::memory::{held, held_with_all};

/// Most bytes of a form besides its picture: framing, receipt and parameters.
const FORM_OVERHEAD_BYTES_MAX: u64 = 1 << 20;
/// Longest receipt, in bytes. Real receipts have about 2 000 bytes.
const RECEIPT_BYTES_MAX: u64 = 64 << 10;
/// Longest request for a job, in bytes. A groups file of a hundred thousand pictures fits.
const JSON_BYTES_MAX: u64 = 4 << 20;
/// Memory of a parsed JSON document by its length. Objects of short strings take the most.
const JSON_MEMORY_FACTOR: usize = 16;
/// Longest text of a parameter in a form, in bytes.
const PARAMETER_BYTES_MAX: u64 = 1 << 10;

/// The part with a picture.
pub(in crate::http) const IMAGE: &str = "image";
const RECEIPT: &str = "receipt";

/// A picture as a client sent it.
pub(in crate::http) struct SentPicture {
    pub(in crate::http) bytes: Bytes,
    /// The name of its file, if the client gave one.
    pub(in crate::http) file_name: Option<String>,
}

/// The pictures of a restoration.
pub(in crate::http) enum SentPictures {
    One(SentPicture),
    /// Several pictures.
    Several(Box<PictureForm>),
}

/// A form with several pictures. The second and later ones have not been read.
pub(in crate::http) struct PictureForm {
    pub(in crate::http) first: SentPicture,
    pub(in crate::http) second: FormPart,
    pub(in crate::http) form: Form,
}

/// Reads the pictures of a restoration, up to the beginning of the second. Adds the parameters of a form to those `given`
/// in the query.
pub(in crate::http) async fn pictures(
    request: Request,
    state: &AppState,
    given: &mut Given,
) -> Result<SentPictures, Problem> {
    check_encoding(request.headers())?;
    let sent = match content_type(request.headers()) {
        ContentType::Form => pictures_and_parameters(request, state, given).await?,
        ContentType::Picture => {
            let bytes = raw(request, state, state.limits.input_bytes_max, 1).await?;
            SentPictures::One(SentPicture { bytes, file_name: None })
        }
        ContentType::Other(other) => return Err(unsupported(&other, PICTURE_TYPES)),
    };
    match &sent {
        SentPictures::One(picture) if picture.bytes.is_empty() => Err(missing(IMAGE)),
        _ => Ok(sent),
    }
}

/// Reads the only picture of a request.
pub(in crate::http) async fn picture(
    request: Request,
    state: &AppState,
    given: &mut Given,
) -> Result<SentPicture, Problem> {
    match pictures(request, state, given).await? {
        SentPictures::One(picture) => Ok(picture),
        SentPictures::Several(_) => Err(repeated(IMAGE)),
    }
}

/// Reads the two parts of a replay: the receipt and the picture.
pub(in crate::http) async fn receipt_and_picture(
    request: Request,
    state: &AppState,
) -> Result<(Bytes, Bytes), Problem> {
    check_encoding(request.headers())?;
    match content_type(request.headers()) {
        ContentType::Form => {}
        ContentType::Picture => return Err(unsupported("no form", FORM_TYPE)),
        ContentType::Other(other) => return Err(unsupported(&other, FORM_TYPE)),
    }
    let mut form = form(request, state, false)?;
    let (mut receipt, mut picture) = (None, None);
    while let Some(part) = form.next().await? {
        let name = known_name(&part, &[RECEIPT, IMAGE])?;
        let slot = if name == RECEIPT { &mut receipt } else { &mut picture };
        if slot.is_some() {
            return Err(repeated(name));
        }
        *slot = Some(content(part, name, state).await?);
    }
    Ok((receipt.ok_or_else(|| missing(RECEIPT))?, picture.ok_or_else(|| missing(IMAGE))?))
}

/// Reads a JSON body and verifies its digest. A page of another origin cannot send this content type without asking.
pub(in crate::http) async fn json(request: Request, state: &AppState) -> Result<Bytes, Problem> {
    check_encoding(request.headers())?;
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        return Err(not_json("none"));
    }
    only_json(request.headers())?;
    let max = JSON_BYTES_MAX.min(state.limits.input_bytes_max);
    raw(request, state, max, JSON_MEMORY_FACTOR).await
}

/// Reads a form with pictures and parameters, up to the beginning of the second picture.
async fn pictures_and_parameters(
    request: Request,
    state: &AppState,
    given: &mut Given,
) -> Result<SentPictures, Problem> {
    let known: Vec<_> = std::iter::once(IMAGE).chain(given.known().iter().copied()).collect();
    let mut form = form(request, state, true)?;
    let mut first = None;
    while let Some(part) = form.next().await? {
        match (known_name(&part, &known)?, first.take()) {
            (IMAGE, Some(first)) => {
                return Ok(SentPictures::Several(Box::new(PictureForm { first, second: part, form })));
            }
            (IMAGE, None) => {
                let file_name = part.file_name();
                first = Some(SentPicture { bytes: content(part, IMAGE, state).await?, file_name });
            }
            (name, earlier) => {
                first = earlier;
                let bytes = content(part, name, state).await?;
                given.add(name, String::from_utf8_lossy(&bytes).into_owned())?;
            }
        }
    }
    first.map(SentPictures::One).ok_or_else(|| missing(IMAGE))
}

/// Begins to read a form. The length of a form with several pictures is not limited; each of its pictures is.
fn form(request: Request, state: &AppState, several: bool) -> Result<Form, Problem> {
    let max = state.limits.input_bytes_max.saturating_add(FORM_OVERHEAD_BYTES_MAX);
    let form = Form::new(request, state)?;
    if !several {
        form.check_announced(max)?;
    }
    Ok(form)
}

/// The known name of a part.
fn known_name(part: &FormPart, known: &[&'static str]) -> Result<&'static str, Problem> {
    let name = known.iter().copied().find(|name| *name == part.name());
    name.ok_or_else(|| unknown(part.name(), "part", known))
}

/// Reads the content of a part, up to the limit of its name.
async fn content(mut part: FormPart, name: &str, state: &AppState) -> Result<Bytes, Problem> {
    let max = match name {
        IMAGE => state.limits.input_bytes_max,
        RECEIPT => RECEIPT_BYTES_MAX,
        _ => PARAMETER_BYTES_MAX,
    };
    match part.read(max).await? {
        Some((bytes, memory)) => Ok(held(bytes, memory)),
        None if name == IMAGE => Err(BodyError::TooLarge { got: None, max }.into()),
        None => {
            let detail = format!("the part {name:?} is too long; at most {max} bytes are read");
            Err(Problem::new(ProblemKind::PartTooLarge, detail).parameter(name).limit(max))
        }
    }
}

/// Reads a whole body of at most `max` bytes and verifies its digest. Reserves `factor` times its length.
async fn raw(request: Request, state: &AppState, max: u64, factor: usize) -> Result<Bytes, Problem> {
    let expected = digests::expected(request.headers())?;
    let (mut body, mut memory, announced) = reader::begin(request, state);
    reader::check_announced(announced, max)?;
    let announced = announced.unwrap_or(0);
    memory.check(announced.saturating_mul(factor as u64))?;
    // The system gives no memory for these bytes before they are written.
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    while let Some(piece) = body.next().await? {
        let length = bytes.len() + piece.len();
        if length as u64 > max {
            return Err(BodyError::TooLarge { got: None, max }.into());
        }
        memory.keep(length.saturating_mul(factor)).await?;
        bytes.extend_from_slice(&piece);
    }
    expected.map_or(Ok(()), |expected| expected.check(&bytes))?;
    bytes.shrink_to_fit();
    // What is parsed out of the bytes needs the memory as long as the bytes.
    Ok(if factor > 1 { held_with_all(bytes, memory.take()) } else { held(bytes, memory.take()) })
}

/// The problem of a part that is missing or empty.
fn missing(part: &str) -> Problem {
    let detail = match part {
        IMAGE => "there is no picture: send it as the body, or as the part \"image\" of a form".to_owned(),
        part => format!("the part {part:?} is missing in the form"),
    };
    Problem::new(ProblemKind::MissingPart, detail).parameter(part)
}
