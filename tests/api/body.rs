//! Bodies that are accepted, too large, too slow, broken or unknown.

use std::time::Duration;

use pentimento_core::imaging::{
    Channels, Image,
    codec::{self, Encoding, Format, Limits, Metadata},
};
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::support::{
    Setup, TestApp, as_format, check_problem, damaged, decode, form_with_image, header, image_part, ok,
    problem, send,
};

const EXPLICIT: &str = "/restore?color=on&sigma=1&strength=1";

pub fn png(width: usize, height: usize, alpha: bool) -> Vec<u8> {
    let samples = (0..width * height * 3).map(|i| (i * 7) as u8).collect();
    let alpha = alpha.then(|| vec![100; width * height]);
    let image = Image::new(width, height, Channels::Rgb, samples, alpha).unwrap();
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    codec::encode(&image, &Metadata::default(), &encoding).unwrap()
}

fn limited(limits: Limits) -> Setup {
    Setup { limits, ..Setup::default() }
}

#[tokio::test]
async fn every_way_to_send_a_picture_gives_the_same() {
    let app = TestApp::start().await;
    let body = damaged("smallest");
    let expected = ok(app.post(EXPLICIT, body.clone())).await.bytes().await.unwrap();
    let curl = "application/x-www-form-urlencoded";
    for content_type in
        ["image/png", "IMAGE/Gif", "image/x-anything; charset=x", "application/octet-stream", curl]
    {
        let request = app.post(EXPLICIT, body.clone()).header("content-type", content_type);
        assert!(ok(request).await.bytes().await.unwrap() == expected, "{content_type}");
    }
    let form = ok(app.post_form(EXPLICIT, form_with_image(body))).await.bytes().await.unwrap();
    assert!(form == expected);
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let app = TestApp::start().await;
    for content_type in ["text/plain", "application/json", "multipart/mixed"] {
        let request = || app.post(EXPLICIT, damaged("smallest")).header("content-type", content_type);
        let refused = problem(request(), 415, "unsupported-media-type").await;
        assert_eq!(
            (&refused["parameter"], &refused["value"]),
            (&json!("Content-Type"), &json!(content_type))
        );
        let taken = "image/*, application/octet-stream, multipart/form-data";
        assert_eq!(header(&send(request()).await, "accept-post"), taken);
    }
    let coded = app.post(EXPLICIT, damaged("smallest")).header("content-encoding", "gzip");
    assert_eq!(problem(coded, 415, "unsupported-media-type").await["parameter"], "Content-Encoding");
}

#[tokio::test]
async fn forms_must_hold_known_parts_only() {
    let app = TestApp::start().await;
    let body = || damaged("smallest");
    let missing =
        problem(app.post_form(EXPLICIT, Form::new().text("metadata", "keep")), 422, "missing-part").await;
    assert_eq!(missing["parameter"], "image");
    let empty = app.post_form(EXPLICIT, form_with_image(Vec::new()));
    assert_eq!(problem(empty, 422, "missing-part").await["parameter"], "image");
    let two = app.post_form("/analyze", form_with_image(body()).part("image", image_part(body())));
    assert_eq!(problem(two, 422, "repeated-parameter").await["parameter"], "image");
    let unknown = app.post_form(EXPLICIT, Form::new().part("imgae", image_part(body())));
    assert_eq!(problem(unknown, 422, "unknown-parameter").await["suggestion"], "image");
    let nameless = b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n".to_vec();
    let nameless = app.post(EXPLICIT, nameless).header("content-type", "multipart/form-data; boundary=b");
    problem(nameless, 422, "unknown-parameter").await;
    for (content_type, body) in [
        ("multipart/form-data", "--b--\r\n"),
        ("multipart/form-data; boundary=b", "no boundary in here"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\ncut",
        ),
    ] {
        problem(app.post(EXPLICIT, body).header("content-type", content_type), 400, "malformed-form").await;
    }
}

#[tokio::test]
async fn a_missing_picture_and_an_unknown_format_are_different_problems() {
    let app = TestApp::start().await;
    assert_eq!(problem(app.post(EXPLICIT, ""), 422, "missing-part").await["parameter"], "image");
    for path in ["/restore", "/analyze", EXPLICIT] {
        let text = app.post(path, "GIF88a.............").header("content-type", "image/gif");
        problem(text, 415, "unknown-format").await;
        let heic =
            app.post(path, &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..]).header("content-type", "image/heic");
        let refused = problem(heic, 415, "unknown-format").await;
        assert!(refused["detail"].as_str().unwrap().contains("HEIC"), "{refused}");
    }
}

#[tokio::test]
async fn broken_and_unsupported_pictures_are_refused_by_name() {
    let app = TestApp::start().await;
    for format in Format::ALL {
        let whole = as_format(&damaged("odd-size"), format);
        let cut = whole[..whole.len() / 2].to_vec();
        problem(app.post(EXPLICIT, cut), 422, "broken-picture").await;
    }
    // A golden PNG with the chunk of an animation after its header, with a valid check sum.
    let still = damaged("smallest");
    let chunk = [&b"acTL\0\0\0\x02"[..], &[0; 4]].concat();
    let sum = crc32fast::hash(&chunk).to_be_bytes();
    let animated = [&still[..33], &8u32.to_be_bytes(), &chunk, &sum, &still[33..]].concat();
    let refused = problem(app.post(EXPLICIT, animated), 422, "unsupported-property").await;
    assert!(refused["value"].as_str().unwrap().contains("animation"), "{refused}");
}

#[tokio::test]
async fn limits_name_value_and_setting() {
    let app = TestApp::with(limited(Limits { pixels_max: 64 * 61 - 1, ..Limits::default() })).await;
    let refused = problem(app.post(EXPLICIT, damaged("smallest")), 422, "too-many-pixels").await;
    assert_eq!(refused["value"], 64 * 61);
    assert_eq!((&refused["limit"], &refused["setting"]), (&json!(64 * 61 - 1), &json!("limits.pixels_max")));

    let app = TestApp::with(limited(Limits { decoded_bytes_max: 1000, ..Limits::default() })).await;
    let refused = problem(app.post(EXPLICIT, damaged("smallest")), 422, "too-much-memory").await;
    assert!(refused["value"].as_u64().unwrap() > 1000);
    assert_eq!((&refused["limit"], &refused["setting"]), (&json!(1000), &json!("limits.decoded_bytes_max")));
}

#[tokio::test]
async fn small_pictures_need_explicit_parameters() {
    let app = TestApp::start().await;
    let refused = problem(app.post("/restore?color=on", png(6, 9, false)), 422, "picture-too-small").await;
    assert_eq!((&refused["value"], &refused["limit"]), (&json!(6), &json!(7)));
    assert!(refused["detail"].as_str().unwrap().contains("give color, sigma and strength"));
    for (width, height) in [(1, 1), (6, 9)] {
        let restored = ok(app.post(EXPLICIT, png(width, height, false))).await.bytes().await.unwrap();
        assert_eq!((decode(&restored).width(), decode(&restored).height()), (width, height));
    }
}

#[tokio::test]
async fn pictures_that_the_output_format_cannot_hold_are_refused() {
    let app = TestApp::start().await;
    let refused = app.post("/restore?color=on&sigma=1&strength=1&format=jpeg", png(9, 9, true));
    assert_eq!(problem(refused, 422, "alpha-into-jpeg").await["parameter"], "format");
    let refused = app.post("/restore?color=off&strength=0&format=webp", png(17000, 1, false));
    let refused = problem(refused, 422, "too-large-for-format").await;
    assert_eq!((&refused["value"], &refused["limit"]), (&json!(17000), &json!(16383)));
}

#[tokio::test]
async fn metadata_that_do_not_fit_are_refused_and_can_be_left_out() {
    let app = TestApp::start().await;
    let xmp = format!("<x:xmpmeta xmlns:x='adobe:ns:meta/'>{}</x:xmpmeta>", " ".repeat(70_000));
    let metadata = Metadata { xmp: Some(xmp.clone().into_bytes()), ..Metadata::default() };
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    let picture = codec::encode(&decode(&damaged("smallest")), &metadata, &encoding).unwrap();
    let path = "/restore?color=on&sigma=1&strength=1&format=jpeg";
    let refused = problem(app.post(path, picture.clone()), 422, "metadata-too-large").await;
    assert_eq!((&refused["parameter"], &refused["value"]), (&json!("metadata"), &json!(xmp.len())));
    assert!(
        refused["limit"].as_u64().unwrap() < 70_000 && refused["detail"].as_str().unwrap().contains("strip")
    );
    ok(app.post(&format!("{path}&metadata=strip"), picture)).await;
}

#[tokio::test]
async fn pictures_of_several_megabytes_pass() {
    let app = TestApp::start().await;
    let samples = (0..1_000_000).flat_map(|i: u32| [i as u8, (i >> 4) as u8, (i >> 8) as u8]).collect();
    let image = Image::new(1000, 1000, Channels::Rgb, samples, None).unwrap();
    let encoding = Encoding { format: Format::Bmp, quality: None, subsampling: None, lossless: true };
    let body = codec::encode(&image, &Metadata::default(), &encoding).unwrap();
    assert!(body.len() > 3_000_000);
    let path = "/restore?color=off&strength=0";
    for request in [app.post(path, body.clone()), app.post_form(path, form_with_image(body.clone()))] {
        assert!(ok(request).await.bytes().await.unwrap() == body);
    }
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_unread() {
    let app = TestApp::with(limited(Limits { input_bytes_max: 1000, ..Limits::default() })).await;
    let mut client = app.connect().await;
    // The client sends no byte of the body, and the service sends no 100 Continue.
    let head = "POST /restore HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n";
    client.send(head).await;
    let (head, body) = client.answer().await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    let refused: Value = serde_json::from_slice(&body).unwrap();
    check_problem(&refused, 413, "body-too-large");
    assert_eq!((&refused["value"], &refused["limit"]), (&json!(1001), &json!(1000)));
    assert_eq!(refused["setting"], "limits.input_bytes_max");
}

#[tokio::test]
async fn a_streamed_body_stops_at_the_limit() {
    let app = TestApp::with(limited(Limits { input_bytes_max: 1000, ..Limits::default() })).await;
    let mut client = app.connect().await;
    client.send("POST /restore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    // 1 001 bytes in two chunks; the end never comes.
    client.send(format!("3e8\r\n{}\r\n1\r\nx\r\n", "x".repeat(1000))).await;
    let (head, body) = client.answer().await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    let refused: Value = serde_json::from_slice(&body).unwrap();
    check_problem(&refused, 413, "body-too-large");
    assert_eq!((&refused["limit"], &refused["setting"]), (&json!(1000), &json!("limits.input_bytes_max")));
}

#[tokio::test]
async fn the_limit_is_of_the_picture_and_forms_may_be_framed() {
    let body = damaged("smallest");
    let limits = Limits { input_bytes_max: body.len() as u64, ..Limits::default() };
    let app = TestApp::with(limited(limits)).await;
    ok(app.post(EXPLICIT, body.clone())).await;
    ok(app.post_form(EXPLICIT, form_with_image(body.clone()).text("metadata", "keep"))).await;
    let longer = [body.as_slice(), b"x"].concat();
    for request in [app.post(EXPLICIT, longer.clone()), app.post_form(EXPLICIT, form_with_image(longer))] {
        let refused = problem(request, 413, "body-too-large").await;
        assert_eq!(refused["limit"], body.len());
    }
    // A form that may hold one picture only ends at the limit of forms.
    let mut client = app.connect().await;
    let length = body.len() + (1 << 20) + 1;
    let head = "POST /replay HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n";
    client.send(format!("{head}Content-Length: {length}\r\n\r\n")).await;
    let refused: Value = serde_json::from_slice(&client.answer().await.1).unwrap();
    check_problem(&refused, 413, "body-too-large");
    assert_eq!(refused["value"], length);
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let body_timeout = Duration::from_millis(50);
    let app = TestApp::with(Setup { body_timeout, running_max: 1, waiting_max: 0, ..Setup::default() }).await;
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
    for content_type in ["", multipart] {
        let mut client = app.connect().await;
        client
            .send(format!("POST /restore HTTP/1.1\r\nHost: x\r\n{content_type}Content-Length: 10\r\n\r\nabc"))
            .await;
        let (head, body) = client.answer().await;
        assert!(head.starts_with("http/1.1 408 ") && head.contains("connection: close"), "{head}");
        let refused: Value = serde_json::from_slice(&body).unwrap();
        check_problem(&refused, 408, "body-timeout");
        assert_eq!((&refused["limit"], &refused["setting"]), (&json!(50), &json!("server.body_timeout_ms")));
        assert!(client.is_closed().await);
        assert!(app.compute.has_room(), "the place is free again");
    }
}

#[tokio::test]
async fn broken_framing_is_an_incomplete_body() {
    let app = TestApp::start().await;
    for content_type in ["image/png", "multipart/form-data; boundary=b"] {
        let mut client = app.connect().await;
        let head = "POST /restore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
        client.send(format!("{head}Content-Type: {content_type}\r\n\r\nno number\r\n")).await;
        let (head, body) = client.answer().await;
        assert!(head.starts_with("http/1.1 400 "), "{head}");
        check_problem(&serde_json::from_slice(&body).unwrap(), 400, "incomplete-body");
    }
}
