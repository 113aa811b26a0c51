//! Content negotiation through the service. The unit tests of `src/http/accept.rs` test its rules.

use pentimento_core::{digest::digest, imaging::codec::Format, restoration::receipt::Receipt};
use serde_json::json;

use crate::support::{TestApp, as_format, damaged, header, ok, problem};

#[tokio::test]
async fn the_accepted_format_is_made() {
    let app = TestApp::start().await;
    let png = damaged("smallest");
    for (accept, query, expected) in [
        ("*/*", "", "image/png"),
        ("image/*", "", "image/png"),
        ("image/webp", "", "image/webp"),
        ("image/tiff;q=0.5, image/bmp;q=0.9", "", "image/bmp"),
        ("image/avif,image/webp,image/*,*/*;q=0.8", "", "image/png"),
        ("image/*", "?format=jpeg", "image/jpeg"),
        ("application/json", "", "application/json"),
        ("application/json;q=0.1, image/png;q=0.2", "", "image/png"),
        ("application/json, */*", "", "image/png"),
    ] {
        let request = app.post(&format!("/restore{query}"), png.clone()).header("accept", accept);
        let response = ok(request).await;
        assert_eq!(header(&response, "content-type"), expected, "{accept}");
        let bytes = response.bytes().await.unwrap();
        assert_eq!(Format::sniff(&bytes).map_or("application/json", Format::mime), expected, "{accept}");
    }
}

#[tokio::test]
async fn the_receipt_is_of_the_picture_that_would_be_answered() {
    let app = TestApp::start().await;
    let jpeg = as_format(&damaged("smallest"), Format::Jpeg);
    let picture = ok(app.post("/restore", jpeg.clone()).header("accept", "image/webp")).await;
    let picture = picture.bytes().await.unwrap();
    let accept = "application/json, image/webp;q=0.5";
    let answer = ok(app.post("/restore", jpeg.clone()).header("accept", accept)).await.bytes().await.unwrap();
    let receipt: Receipt = serde_json::from_slice(&answer).unwrap();
    assert_eq!((receipt.output.format, receipt.output.sha256), (Format::WebP, digest(&picture)));
}

#[tokio::test]
async fn possible_answers_are_listed() {
    let app = TestApp::start().await;
    let refused = app.post("/restore", damaged("smallest")).header("accept", "image/gif, text/html");
    let offers = problem(refused, 406, "not-acceptable").await["offers"].clone();
    let all = [
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/tiff",
        "image/bmp",
        "image/jxl",
        "image/avif",
        "application/json",
    ];
    assert_eq!(offers, json!(all));
    let refused = app.post("/restore?format=jpeg", damaged("smallest")).header("accept", "image/png");
    let offers = problem(refused, 406, "not-acceptable").await["offers"].clone();
    assert_eq!(offers, json!(["image/jpeg", "application/json"]));
}
