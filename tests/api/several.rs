//! Several pictures in one request: one part with the picture and one with its receipt for each, or a problem.

use std::time::Duration;

use bytes::Bytes;
use multer::{Multipart, parse_boundary};
use pentimento_core::{digest::digest, imaging::codec::Format, restoration::receipt::Receipt};
use reqwest::{RequestBuilder, Response, multipart::Form};
use serde_json::Value;

use crate::{
    described,
    support::{
        PATIENCE, Setup, TestApp, as_format, check_problem, damaged, header, image_part, ok, problem, send,
    },
};

const GIVEN: &str = "/restore?color=on&sigma=1&strength=1";

/// A part of an answer.
pub struct AnswerPart {
    pub number: usize,
    pub mime: String,
    disposition: String,
    restoration: Option<String>,
    digest: Option<String>,
    pub body: Bytes,
}

impl AnswerPart {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The boundary of a `multipart/mixed` answer.
fn boundary(response: &Response) -> String {
    let mime = header(response, "content-type");
    let rest = mime.strip_prefix("multipart/mixed").unwrap_or_else(|| panic!("{mime}"));
    parse_boundary(format!("multipart/form-data{rest}")).unwrap()
}

/// Reads all parts with a parser that the service does not use for its answers.
async fn parts(response: Response) -> Vec<AnswerPart> {
    let boundary = boundary(&response);
    let body = response.bytes().await.unwrap();
    assert!(body.ends_with(format!("--{boundary}--\r\n").as_bytes()), "the closing delimiter");
    let stream = tokio_stream::once(Ok::<_, std::io::Error>(body));
    let mut form = Multipart::new(stream, boundary);
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.unwrap() {
        let text = |name: &str| field.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (number, mime) =
            (text("picture-number").unwrap().parse().unwrap(), text("content-type").unwrap());
        let (disposition, restoration) = (text("content-disposition").unwrap(), text("restoration"));
        let (digest, length) = (text("content-digest"), text("content-length").unwrap());
        let body = field.bytes().await.unwrap();
        assert_eq!(length, body.len().to_string());
        parts.push(AnswerPart { number, mime, disposition, restoration, digest, body });
    }
    parts
}

/// A form with these pictures and names.
pub fn form(pictures: &[(&str, Vec<u8>)]) -> Form {
    pictures.iter().fold(Form::new(), |form, (name, bytes)| {
        form.part("image", image_part(bytes.clone()).file_name((*name).to_owned()))
    })
}

pub async fn answered(request: RequestBuilder) -> Vec<AnswerPart> {
    parts(ok(request).await).await
}

#[tokio::test]
async fn every_picture_has_its_parts_and_a_bad_one_harms_no_other() {
    let app = TestApp::start().await;
    let pictures = [
        ("one.png", damaged("smallest")),
        ("notes.txt", b"no picture".to_vec()),
        ("dir/zwei \u{e4}.png", damaged("cast")),
    ];
    let parts = answered(app.post_form(GIVEN, form(&pictures))).await;
    let said: Vec<_> = parts.iter().map(|part| (part.number, part.mime.as_str())).collect();
    let (picture, receipt) = ("image/png", "application/json");
    assert_eq!(
        said,
        [(1, picture), (1, receipt), (2, "application/problem+json"), (3, picture), (3, receipt)]
    );
    check_problem(&parts[2].json(), 415, "unknown-format");
    assert_eq!(parts[0].disposition, "attachment; filename=\"one.png\"");
    assert_eq!(parts[1].disposition, "attachment; filename=\"one.receipt.json\"");
    assert_eq!(parts[3].disposition, "attachment; filename*=UTF-8''zwei%20%C3%A4.png");
    for (at, input) in [(0, &pictures[0].1), (3, &pictures[2].1)] {
        let alone = ok(app.post(GIVEN, input.clone())).await;
        assert_eq!(parts[at].restoration.as_deref(), Some(header(&alone, "restoration")));
        assert_eq!(parts[at].digest.as_deref(), Some(header(&alone, "content-digest")));
        assert_eq!(parts[at].body, alone.bytes().await.unwrap());
        let receipt: Receipt = serde_json::from_slice(&parts[at + 1].body).unwrap();
        described::check(&parts[at + 1].json(), "Receipt");
        assert_eq!(receipt.output.sha256, digest(&parts[at].body));
        let replay = Form::new()
            .part("receipt", image_part(parts[at + 1].body.to_vec()))
            .part("image", image_part(input.clone()));
        assert_eq!(ok(app.post_form("/replay", replay)).await.bytes().await.unwrap(), parts[at].body);
    }
}

#[tokio::test]
async fn predictions_and_forms_with_parameters_work_like_single_requests() {
    let app = TestApp::start().await;
    let form = || {
        Form::new()
            .text("format", "webp")
            .part("image", image_part(damaged("cast")))
            .part("image", image_part(damaged("smallest")))
    };
    let parts = answered(app.post_form("/restore?order=ready", form())).await;
    let mut numbers: Vec<_> =
        parts.iter().filter(|part| part.mime == "image/webp").map(|part| part.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    for (number, name) in [(1, "cast"), (2, "smallest")] {
        let alone = ok(app.post("/restore?format=webp", damaged(name))).await.bytes().await.unwrap();
        let part = parts.iter().find(|part| part.number == number && part.mime == "image/webp").unwrap();
        assert_eq!(part.body, alone, "{name}");
    }
    problem(app.post_form("/restore?order=size", form()), 422, "bad-parameter").await;
}

#[tokio::test]
async fn one_picture_comes_with_its_receipt_if_parts_are_preferred() {
    let app = TestApp::start().await;
    let asked = app.post(GIVEN, damaged("cast")).header("accept", "multipart/mixed");
    let parts = answered(asked).await;
    assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(parts[0].disposition, "attachment; filename=\"picture-1.png\"");
    // Any type is accepted: the picture alone is the answer.
    let alone = ok(app.post(GIVEN, damaged("cast"))).await;
    assert_eq!(header(&alone, "content-type"), "image/png");
    assert_eq!(alone.bytes().await.unwrap(), parts[0].body);
    let two = form(&[("a", damaged("smallest")), ("b", damaged("smallest"))]);
    let refused = app.post_form(GIVEN, two).header("accept", "image/*");
    assert_eq!(problem(refused, 406, "not-acceptable").await["offers"][0], "multipart/mixed");
}

#[tokio::test]
async fn parameters_come_before_the_second_picture() {
    let app = TestApp::start().await;
    let late = form(&[("a", damaged("smallest")), ("b", damaged("smallest"))]).text("metadata", "keep");
    let parts = answered(app.post_form(GIVEN, late)).await;
    let last = parts.last().unwrap();
    assert_eq!((parts.len(), last.number), (5, 3));
    check_problem(&last.json(), 422, "unknown-parameter");
}

#[tokio::test]
async fn a_form_has_an_end_and_a_cut_form_says_so() {
    let app = TestApp::start().await;
    let many = vec![("x.gif", b"GIF89a".to_vec()); 150];
    let parts = answered(app.post_form(GIVEN, form(&many))).await;
    check_problem(&parts.last().unwrap().json(), 422, "too-many-pictures");
    assert_eq!(parts.len(), 101);
    let part = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nGIF89a\r\n";
    let cut = format!("{part}{part}--b\r\nContent-Disposition: form-data; na");
    let cut = app.post(GIVEN, cut).header("content-type", "multipart/form-data; boundary=b");
    let parts = answered(cut).await;
    check_problem(&parts.last().unwrap().json(), 400, "malformed-form");
}

#[tokio::test]
async fn answers_come_while_pictures_are_sent() {
    let app = TestApp::start().await;
    let picture = damaged("smallest");
    let part = |picture: &[u8]| {
        let head = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        [head.as_bytes(), picture, b"\r\n"].concat()
    };
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let request = app.post(GIVEN, body).header("content-type", "multipart/form-data; boundary=b");
    let asking = tokio::spawn(send(request));
    sender.send(Ok(part(&picture))).await.unwrap();
    sender.send(Ok(part(&picture)[..90].to_vec())).await.unwrap();
    // The second picture has begun and is not whole.
    let mut response = tokio::time::timeout(PATIENCE, asking).await.expect("an answer").unwrap();
    let boundary = boundary(&response);
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("a.receipt.json") {
        let piece = tokio::time::timeout(PATIENCE, response.chunk()).await.expect("the first picture");
        seen.extend(piece.unwrap().expect("more of the answer"));
    }
    sender.send(Ok(part(&picture)[90..].to_vec())).await.unwrap();
    sender.send(Ok(b"--b--\r\n".to_vec())).await.unwrap();
    drop(sender);
    while let Some(piece) = response.chunk().await.unwrap() {
        seen.extend(piece);
    }
    assert!(seen.ends_with(format!("--{boundary}--\r\n").as_bytes()));
    assert_eq!(String::from_utf8_lossy(&seen).matches("picture-number: 2").count(), 2);
}

#[tokio::test]
async fn a_client_that_reads_only_at_the_end_reaches_the_end() {
    // Unread answers may take a quarter of two thirds of this: 2.8 MB, fewer than four answers. The sockets take some more, but
    // not 75 MB of pictures.
    let app = TestApp::with(Setup { memory_bytes: 16_800_000, ..Setup::default() }).await;
    let part = [
        b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n".as_slice(),
        &as_format(&damaged("cast"), Format::Bmp),
        b"\r\n",
    ]
    .concat();
    let n = 95;
    let length = n * part.len() + b"--b--\r\n".len();
    let mut client = app.connect().await;
    let head = format!(
        "POST /restore?color=on&sigma=1&strength=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
    );
    client.send(head).await;
    let sending = async {
        for _ in 0..n {
            client.send(&part).await;
        }
        client.send(b"--b--\r\n").await;
    };
    tokio::time::timeout(2 * PATIENCE, sending).await.expect("the form is taken to its end");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = client.rest().await;
    let text = String::from_utf8_lossy(&answer);
    let (pictures, refused) = (text.matches("image/bmp").count(), text.matches("answers-not-read").count());
    assert!(pictures >= 1 && refused >= 1, "{pictures} pictures, {refused} refused");
    assert_eq!(pictures + refused, n);
    assert!(text.trim_end_matches("\r\n0\r\n\r\n").ends_with("--\r\n"), "{}", &text[text.len() - 60..]);
}
