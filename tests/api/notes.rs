//! Notes on pictures and `lenient`: in receipts, headers, analyses, rolls, jobs' requests and replays.

use pentimento::config::RestoreConfig;
use serde_json::{Value, json};

use crate::{
    described,
    support::{Setup, TestApp, damaged, form_with_image, header, ok, problem},
};

async fn receipt(app: &TestApp, query: &str, body: &[u8]) -> Value {
    let request = app.post(&format!("/restore{query}"), body.to_vec()).header("accept", "application/json");
    let receipt = serde_json::from_slice(&ok(request).await.bytes().await.unwrap()).unwrap();
    described::check(&receipt, "Receipt");
    receipt
}

/// A picture with bytes after its end.
fn with_trailer() -> Vec<u8> {
    [damaged("cast"), b"xyz".to_vec()].concat()
}

const GIVEN: &str = "?color=on&sigma=1&strength=1";
const LEFT_OUT: &str = "3 bytes after the end of the picture";

#[tokio::test]
async fn what_was_left_out_stands_in_receipt_and_header() {
    let app = TestApp::start().await;
    let record = receipt(&app, GIVEN, &with_trailer()).await;
    assert_eq!(record["notes"], json!([{ "kind": "left_out", "text": LEFT_OUT }]));
    let answer = ok(app.post(&format!("/restore{GIVEN}"), with_trailer())).await;
    let shown = header(&answer, "restoration").to_owned();
    assert!(shown.ends_with(&format!("notes=(\"left out: {LEFT_OUT}\")")), "{shown}");
    let form = form_with_image(with_trailer()).text("receipt", record.to_string());
    let replayed = ok(app.post_form("/replay", form)).await;
    assert_eq!(header(&replayed, "restoration"), shown);
    assert_eq!(replayed.bytes().await.unwrap(), answer.bytes().await.unwrap());
    let seen = ok(app.post("/analyze", with_trailer())).await.bytes().await.unwrap();
    let seen: Value = serde_json::from_slice(&seen).unwrap();
    described::check(&seen, "Analysis");
    assert_eq!(seen["notes"], record["notes"]);
    // The input's own bytes have lost nothing.
    let same = receipt(&app, "?color=off&strength=0", &with_trailer()).await;
    assert_eq!((&same["output"]["route"], same.get("notes")), (&json!("input_bytes"), None));
}

#[tokio::test]
async fn a_receipt_of_strangers_makes_a_valid_header() {
    let app = TestApp::start().await;
    let mut record = receipt(&app, GIVEN, &damaged("cast")).await;
    let note = |text: &str| json!({ "kind": "not_kept", "text": text });
    let mut notes = vec![note("é\r\nSet-Cookie: x=\"1\"\\ \u{1F600}"), note(&"long ".repeat(10_000))];
    notes.extend((0..100).map(|i| note(&i.to_string())));
    record["notes"] = notes.into();
    let form = form_with_image(damaged("cast")).text("receipt", record.to_string());
    let answer = ok(app.post_form("/replay", form)).await;
    let shown = header(&answer, "restoration");
    assert!(shown.contains(r#"("not kept: ???Set-Cookie: x=\"1\"\\ ?""#), "{shown}");
    assert!(shown.contains(r#"long long..." "#) && shown.len() < 2000, "{shown}");
}

#[tokio::test]
async fn a_cut_file_is_refused_unless_the_client_is_lenient() {
    let app = TestApp::start().await;
    let whole = damaged("cast");
    let cut = whole[..whole.len() / 2].to_vec();
    for path in ["/restore", "/analyze", "/restore?lenient=false"] {
        let refused = problem(app.post(path, cut.clone()), 422, "broken-picture").await;
        assert!(refused["detail"].as_str().unwrap().ends_with("lenient restores what is there"), "{refused}");
    }
    let refused = problem(app.post("/restore?lenient=maybe", cut.clone()), 422, "bad-parameter").await;
    assert_eq!(refused["allowed"], "true, false");
    let query = format!("{GIVEN}&lenient=true");
    let record = receipt(&app, &query, &cut).await;
    assert_eq!(record["lenient"], true);
    let kinds: Vec<_> = record["notes"].as_array().unwrap().iter().map(|note| &note["kind"]).collect();
    assert_eq!(kinds, ["tolerated", "tolerated"], "{record}");
    let answer = ok(app.post(&format!("/restore{query}"), cut.clone())).await.bytes().await.unwrap();
    let form = form_with_image(cut.clone()).text("receipt", record.to_string());
    assert_eq!(ok(app.post_form("/replay", form)).await.bytes().await.unwrap(), answer);
    let form = form_with_image(cut.clone()).text("lenient", "true");
    ok(app.post_form("/restore", form)).await;
    ok(app.post("/analyze?lenient=true", cut.clone())).await;
    let defaults = RestoreConfig { lenient: true, ..RestoreConfig::default() };
    let lenient = TestApp::with(Setup { defaults, ..Setup::default() }).await;
    assert_eq!(receipt(&lenient, GIVEN, &cut).await, record);
    problem(lenient.post("/restore?lenient=false", cut), 422, "broken-picture").await;
    // Of a whole file nothing was tolerated.
    let record = receipt(&app, &query, &whole).await;
    assert_eq!((&record["lenient"], record.get("notes")), (&json!(true), None));
}

#[tokio::test]
async fn a_picture_too_small_for_a_prediction_stays_untouched_with_the_reason() {
    let app = TestApp::start().await;
    let small = crate::body::png(4, 4, false);
    let record = receipt(&app, "", &small).await;
    assert_eq!((&record["output"]["route"], &record["model"]), (&json!("input_bytes"), &Value::Null));
    assert_eq!(record["notes"][0]["kind"], "untouched");
    assert!(record["notes"][0]["text"].as_str().unwrap().starts_with("4×4 px are too few"), "{record}");
    let answer = ok(app.post("/restore", small.clone())).await;
    let shown = header(&answer, "restoration");
    assert!(shown.contains("untouched, ") && shown.contains("\"untouched: 4x4 px are too few"), "{shown}");
    assert!(shown.ends_with("give color, sigma and strength to restore the picture\")"), "{shown}");
    assert_eq!(answer.bytes().await.unwrap(), small);
    let form = form_with_image(small.clone()).text("receipt", record.to_string());
    assert_eq!(ok(app.post_form("/replay", form)).await.bytes().await.unwrap(), small);
    // A picture that is made of it in another format has the same reason.
    let record = receipt(&app, "?format=bmp", &small).await;
    assert_eq!(
        (&record["output"]["route"], &record["notes"][0]["kind"]),
        (&json!("encoded"), &json!("untouched"))
    );
    // Nothing can be said about it.
    problem(app.post("/analyze", small), 422, "picture-too-small").await;
}
