//! `POST /replay`: the same bytes from a receipt, and all refusals.

use pentimento_core::{imaging::codec::Format, restoration::receipt::Receipt};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{TestApp, as_format, damaged, form_with_image, golden, header, image_part, ok, problem};

async fn receipt(app: &TestApp, query: &str, body: &[u8]) -> Value {
    let request = app.post(&format!("/restore{query}"), body.to_vec()).header("accept", "application/json");
    serde_json::from_slice(&ok(request).await.bytes().await.unwrap()).unwrap()
}

fn form(receipt: &Value, body: &[u8]) -> Form {
    form_with_image(body.to_vec()).text("receipt", receipt.to_string())
}

#[tokio::test]
async fn a_receipt_and_its_input_give_the_same_bytes() {
    let app = TestApp::start().await;
    for format in Format::ALL {
        let body = as_format(&damaged("cast-blur"), format);
        for query in
            ["", "?color=on&sigma=1.37&strength=2.31", "?color=off&strength=0", "?format=webp&quality=60"]
        {
            let restored = ok(app.post(&format!("/restore{query}"), body.clone())).await;
            let receipt = receipt(&app, query, &body).await;
            let replayed = ok(app.post_form("/replay", form(&receipt, &body))).await;
            for name in ["content-type", "content-digest", "restoration", "vary"] {
                assert_eq!(header(&replayed, name), header(&restored, name));
            }
            let steps = header(&replayed, "server-timing");
            let steps: Vec<_> = steps.split(", ").map(|step| step.split(';').next().unwrap()).collect();
            assert_eq!(steps, ["receive", "wait", "verify", "decode", "restore", "encode", "total"]);
            assert!(replayed.bytes().await.unwrap() == restored.bytes().await.unwrap(), "{format} {query}");
        }
    }
}

#[tokio::test]
async fn a_replay_can_answer_its_receipt() {
    let app = TestApp::start().await;
    let body = damaged("dark");
    let receipt = receipt(&app, "", &body).await;
    let answer =
        ok(app.post_form("/replay", form(&receipt, &body)).header("accept", "application/json")).await;
    assert_eq!(serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap(), receipt);
}

#[tokio::test]
async fn a_model_name_that_no_header_can_hold_stays_out_of_it() {
    let app = TestApp::start().await;
    let body = damaged("smallest");
    let mut receipt = receipt(&app, "", &body).await;
    for id in ["é", "a\r\nx-evil: 1", "\u{0}"] {
        receipt["model"]["id"] = json!(id);
        let replayed = ok(app.post_form("/replay", form(&receipt, &body))).await;
        assert!(!header(&replayed, "restoration").contains("model"), "{id:?}");
        assert!(replayed.headers().get("x-evil").is_none());
    }
}

#[tokio::test]
async fn the_form_may_name_its_parts_in_any_order() {
    let app = TestApp::start().await;
    let body = damaged("smallest");
    let receipt = receipt(&app, "", &body).await;
    let part = Part::bytes(receipt.to_string().into_bytes()).mime_str("application/json").unwrap();
    let form = Form::new().part("receipt", part).part("image", image_part(body));
    ok(app.post_form("/replay", form)).await;
}

#[tokio::test]
async fn receipts_that_do_not_fit_are_refused_each_by_its_type() {
    let app = TestApp::start().await;
    let body = damaged("smallest");
    let good = receipt(&app, "?color=on&sigma=1&strength=1", &body).await;
    let refused = async |pointer: &str, value: Value, slug: &str| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        problem(app.post_form("/replay", form(&bad, &body)), 422, slug).await
    };
    let version = refused("/receipt_version", json!(9), "receipt-version").await;
    assert_eq!(version["value"], 9);
    refused("/method", json!("magic"), "receipt-method").await;
    refused("/parameters/sigma", json!(99.0), "bad-receipt").await;
    refused("/parameters/sigma", json!("wide"), "bad-receipt").await;
    refused("/coefficients/white_balance_gains", json!([1.0]), "bad-receipt").await;
    refused("/output/route", json!("input_bytes"), "bad-receipt").await;
    refused("/output/pixels_sha256", json!("00"), "replay-differs").await;
    refused("/output/sha256", json!("00"), "replay-differs").await;
    refused("/parameters/strength", json!(1.5), "replay-differs").await;

    let other = damaged("odd-size");
    let wrong = problem(app.post_form("/replay", form(&good, &other)), 422, "wrong-input").await;
    assert_eq!(wrong["value"], pentimento_core::digest::digest(&other));
    // The unchanged receipt is accepted, so every refusal above is due to the change.
    ok(app.post_form("/replay", form(&good, &body))).await;
}

#[tokio::test]
async fn forms_without_a_whole_receipt_are_refused() {
    let app = TestApp::start().await;
    let body = damaged("smallest");
    let good = receipt(&app, "", &body).await;
    let missing = problem(app.post_form("/replay", form_with_image(body.clone())), 422, "missing-part").await;
    assert_eq!(missing["parameter"], "receipt");
    let missing = app.post_form("/replay", Form::new().text("receipt", good.to_string()));
    assert_eq!(problem(missing, 422, "missing-part").await["parameter"], "image");

    // The receipt of a later release is refused for its version, not for its other fields.
    let mut later = good.clone();
    (later["receipt_version"], later["layers"]) = (json!(2), json!([]));
    let later = problem(app.post_form("/replay", form(&later, &body)), 422, "receipt-version").await;
    assert_eq!(later["value"], 2);
    let mut unknown = good.clone();
    unknown["sharpness"] = json!(1);
    let unknown = problem(app.post_form("/replay", form(&unknown, &body)), 422, "bad-receipt").await;
    assert!(unknown["detail"].as_str().unwrap().contains("sharpness"));
    let text = form_with_image(body.clone()).text("receipt", "not JSON");
    problem(app.post_form("/replay", text), 422, "bad-receipt").await;

    let padded = form_with_image(body.clone()).text("receipt", format!("{good}{}", " ".repeat(64 << 10)));
    let long = problem(app.post_form("/replay", padded), 413, "part-too-large").await;
    assert_eq!((&long["limit"], &long["parameter"]), (&json!(65536), &json!("receipt")));

    let extra = form(&good, &body).text("sigma", "1");
    assert_eq!(
        problem(app.post_form("/replay", extra), 422, "unknown-parameter").await["parameter"],
        "sigma"
    );
    let query = app.post_form("/replay?sigma=1", form(&good, &body));
    assert_eq!(problem(query, 422, "unknown-parameter").await["allowed"], "none");
    let raw = problem(app.post("/replay", body.clone()), 415, "unsupported-media-type").await;
    assert_eq!(raw["allowed"], "multipart/form-data");
    let accept = app.post_form("/replay", form(&good, &body)).header("accept", "image/webp");
    let offers = problem(accept, 406, "not-acceptable").await["offers"].clone();
    assert_eq!(offers, json!(["image/png", "application/json"]));
}

#[tokio::test]
async fn the_golden_picture_comes_again_from_a_receipt() {
    let app = TestApp::start().await;
    let body = damaged("blur");
    let receipt = receipt(&app, "?color=on&sigma=0.9&strength=0.25", &body).await;
    let typed: Receipt = serde_json::from_value(receipt.clone()).unwrap();
    assert!(typed.model.is_none() && typed.features.is_none());
    let replayed = ok(app.post_form("/replay", form(&receipt, &body))).await.bytes().await.unwrap();
    let expected = crate::support::decode(&golden("restored/blur.c1.g0.9.t0.25.png"));
    assert!(crate::support::decode(&replayed) == expected);
}
