//! The parts of an answer to several pictures, and the body `multipart/mixed` that they make.
//!
//! The crate `multipart-stream` writes the parts. What it leaves out is added here: the line break before each delimiter
//! but the first, and the closing delimiter (RFC 2046, section 5.1.1). Without them, most parsers see one part.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use http_of_multipart::{HeaderName as PartHeaderName, HeaderValue as PartHeaderValue};
use multipart_stream::{Part, serialize};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use ulid::Ulid;

use super::super::{
    accept::{ChosenBody, MULTIPART},
    in_flight::Outcome,
    problem::Problem,
};

/// The header with the number of the picture in the form, from 1.
const PICTURE_NUMBER: &str = "picture-number";
/// Characters of a file name that stay as they are in `filename*` (RFC 8187, `attr-char`).
const NAME_CHARACTERS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A part on its way to the client.
pub(super) type PartSender = mpsc::Sender<Result<Part, Infallible>>;

/// The number and the file name of a picture.
#[derive(Clone, Debug)]
pub(super) struct PictureLabel {
    /// Place among the form's pictures, from 1.
    pub(super) number: usize,
    /// The name that the client gave.
    pub(super) file_name: Option<String>,
}

/// The parts of one picture: the restored picture and its receipt, or a problem document.
pub(super) fn parts_of(label: &PictureLabel, outcome: Outcome, request_id: Option<&str>) -> Vec<Part> {
    match outcome {
        Ok((answer, timings)) => {
            let part = |body| {
                let extension = match body {
                    ChosenBody::Picture => answer.receipt.output.format.extension(),
                    ChosenBody::Receipt => "receipt.json",
                };
                part(&answer.headers(body, &timings), label, extension, answer.body(body))
            };
            vec![part(ChosenBody::Picture), part(ChosenBody::Receipt)]
        }
        Err(problem) => vec![problem_part(label, &problem, request_id)],
    }
}

/// The part with a problem document.
pub(super) fn problem_part(label: &PictureLabel, problem: &Problem, request_id: Option<&str>) -> Part {
    let mime = HeaderValue::from_static("application/problem+json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, mime)]);
    part(&headers, label, "problem.json", problem.to_json(request_id).into())
}

/// A part with these headers, the picture's number, and a file name with `extension`.
fn part(headers: &HeaderMap, label: &PictureLabel, extension: &str, body: Bytes) -> Part {
    let mut out = http_of_multipart::HeaderMap::new();
    let mut add = |name: &str, value: &[u8]| {
        let (name, value) = (PartHeaderName::from_bytes(name.as_bytes()), PartHeaderValue::from_bytes(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            out.insert(name, value);
        }
    };
    for (name, value) in headers {
        add(name.as_str(), value.as_bytes());
    }
    add(PICTURE_NUMBER, label.number.to_string().as_bytes());
    add("content-disposition", disposition(label, extension).as_bytes());
    Part { headers: out, body }
}

/// `Content-Disposition` with the picture's name and another extension. Names that are not plain ASCII are written as RFC
/// 8187 says.
fn disposition(label: &PictureLabel, extension: &str) -> String {
    let given = label.file_name.as_deref().unwrap_or_default();
    // A path of the client is no part of a name.
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem: String = stem.chars().filter(|c| !c.is_control()).take(200).collect();
    let stem = if stem.is_empty() { format!("picture-{}", label.number) } else { stem };
    let name = format!("{stem}.{extension}");
    if name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') || byte == b' ') {
        format!("attachment; filename=\"{name}\"")
    } else {
        format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&name, NAME_CHARACTERS))
    }
}

/// The response whose body is the parts that come from `parts`.
pub(super) fn response(parts: mpsc::Receiver<Result<Part, Infallible>>) -> Response {
    // 80 random bits: no picture contains the delimiter but by intent, and nobody knows it in advance.
    let boundary = format!("pentimento-{}", Ulid::generate());
    let stream = Framed {
        pieces: Box::pin(serialize(ReceiverStream::new(parts), &boundary)),
        boundary: boundary.clone(),
        n_pieces: 0,
        has_ended: false,
    };
    let mime = format!("{MULTIPART}; boundary={boundary}");
    let headers = [(header::CONTENT_TYPE, mime), (header::VARY, "Accept".to_owned())];
    (headers, Body::from_stream(stream)).into_response()
}

/// The pieces of `multipart-stream` with the line breaks and the closing delimiter that it leaves out.
///
/// It gives three pieces for each part: delimiter, head, content.
struct Framed<S> {
    pieces: Pin<Box<S>>,
    boundary: String,
    n_pieces: u64,
    has_ended: bool,
}

impl<S: Stream<Item = Result<Bytes, Infallible>>> Stream for Framed<S> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(piece) = self.pieces.as_mut().poll_next(cx) else { return Poll::Pending };
        let line_break = if self.n_pieces == 0 { "" } else { "\r\n" };
        let Some(piece) = piece else {
            self.has_ended = true;
            let end = format!("{line_break}--{}--\r\n", self.boundary);
            return Poll::Ready(Some(Ok(end.into())));
        };
        let is_delimiter = self.n_pieces.is_multiple_of(3);
        self.n_pieces += 1;
        Poll::Ready(Some(piece.map(|piece| match is_delimiter {
            true => Bytes::from([line_break.as_bytes(), &piece].concat()),
            false => piece,
        })))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::http::kind::ProblemKind;

    fn label(number: usize, file_name: &str) -> PictureLabel {
        PictureLabel { number, file_name: Some(file_name.to_owned()) }
    }

    #[test]
    fn names_keep_their_stem_and_lose_their_path() {
        assert_eq!(disposition(&label(1, "a b.tif"), "png"), "attachment; filename=\"a b.png\"");
        assert_eq!(disposition(&label(1, r"C:\scans\x.tif"), "jpg"), "attachment; filename=\"x.jpg\"");
        assert_eq!(disposition(&label(1, "../../etc/passwd"), "jpg"), "attachment; filename=\"passwd.jpg\"");
        assert_eq!(disposition(&label(3, ""), "jpg"), "attachment; filename=\"picture-3.jpg\"");
        assert_eq!(disposition(&label(1, "ä\".png"), "png"), "attachment; filename*=UTF-8''%C3%A4%22.png");
        assert_eq!(disposition(&label(1, "a\r\nb: c.png"), "png"), "attachment; filename=\"ab: c.png\"");
    }

    #[tokio::test]
    async fn every_part_stands_between_whole_delimiters() {
        let (sender, receiver) = mpsc::channel(9);
        let problem = Problem::new(ProblemKind::UnknownFormat, "no picture");
        for number in 1..=2 {
            sender.send(Ok(problem_part(&label(number, "x.png"), &problem, Some("id")))).await.unwrap();
        }
        drop(sender);
        let response = response(receiver);
        let mime = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let boundary = mime.split_once("boundary=").unwrap().1.to_owned();
        let body = String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
        assert!(body.starts_with(&format!("--{boundary}\r\n")), "{body}");
        assert!(body.ends_with(&format!("}}\r\n--{boundary}--\r\n")), "{body}");
        assert_eq!(body.matches(&format!("}}\r\n--{boundary}\r\n")).count(), 1, "{body}");
        assert_eq!(body.matches("picture-number: ").count(), 2, "{body}");
    }

    #[tokio::test]
    async fn an_answer_without_parts_has_a_closing_delimiter() {
        let (sender, receiver) = mpsc::channel(1);
        drop::<PartSender>(sender);
        let body = to_bytes(response(receiver).into_body(), 1000).await.unwrap();
        assert!(body.starts_with(b"--pentimento-") && body.ends_with(b"--\r\n"), "{body:?}");
    }
}
