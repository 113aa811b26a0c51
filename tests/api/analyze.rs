//! `POST /analyze`: the features of the golden reference, and the prediction that a restoration follows.

use pentimento_core::{imaging::codec::Format, restoration::receipt::Receipt};
use serde_json::{Value, json};

use crate::support::{PREDICTOR, TestApp, as_format, damaged, form_with_image, golden, header, ok, problem};

async fn analyze(app: &TestApp, query: &str, body: Vec<u8>) -> Value {
    let response = ok(app.post(&format!("/analyze{query}"), body)).await;
    assert_eq!(header(&response, "content-type"), "application/json");
    assert!(header(&response, "server-timing").contains("features;dur="));
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_features_are_those_of_the_reference() {
    let app = TestApp::start().await;
    let truth: Value = serde_json::from_slice(&golden("reference.json")).unwrap();
    let mut n = 0;
    for (name, pair) in truth["pairs"].as_object().unwrap() {
        let seen = analyze(&app, "", damaged(name)).await;
        assert_eq!(seen["features"]["schema"], "seed-14/1");
        for (feature, expected) in pair["features"].as_object().unwrap() {
            let Some(expected) = expected.as_f64() else { continue };
            let got = seen["features"]["values"][feature].as_f64().unwrap();
            assert!(
                (got - expected).abs() <= 1e-3 * expected.abs().max(1.0),
                "{name} {feature}: {got} {expected}"
            );
            n += 1;
        }
    }
    assert!(n >= 15 * 13, "{n}");
}

#[tokio::test]
async fn the_analysis_predicts_what_a_restoration_applies() {
    let app = TestApp::start().await;
    let body = as_format(&damaged("cast"), Format::WebP);
    let seen = analyze(&app, "?sigma=1.5", body.clone()).await;
    assert_eq!(
        (&seen["width"], &seen["height"], &seen["format"]),
        (&json!(240), &json!(180), &json!("webp"))
    );
    assert_eq!(seen["model"], json!({ "id": PREDICTOR.id(), "sha256": PREDICTOR.sha256() }));
    let answer = ok(app.post("/restore?sigma=1.5", body).header("accept", "application/json")).await;
    let receipt: Receipt = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(seen["prediction"]["parameters"], serde_json::to_value(receipt.parameters).unwrap());
    assert_eq!(seen["features"], serde_json::to_value(receipt.features).unwrap());
    let (raw, model) = (&seen["prediction"]["raw"], receipt.model.unwrap());
    assert_eq!(raw, &json!({ "color": model.color, "sigma": model.sigma, "strength": model.strength }));
    assert_eq!(seen["prediction"]["parameters"]["sigma"], 1.5);
}

#[tokio::test]
async fn a_form_gives_the_same_as_a_raw_picture() {
    let app = TestApp::start().await;
    let form = form_with_image(damaged("dark")).text("color", "off");
    let by_form = ok(app.post_form("/analyze", form)).await.bytes().await.unwrap();
    let by_query = analyze(&app, "?color=off", damaged("dark")).await;
    assert_eq!(serde_json::from_slice::<Value>(&by_form).unwrap(), by_query);
}

#[tokio::test]
async fn only_parameters_of_an_analysis_are_known() {
    let app = TestApp::start().await;
    let refused = problem(app.post("/analyze?format=png", damaged("dark")), 422, "unknown-parameter").await;
    assert_eq!(refused["parameter"], "format");
    assert_eq!(refused["allowed"], "color, sigma, strength, color_method, tone, assume, lenient, page");
    let refused = app.post("/analyze", damaged("dark")).header("accept", "image/png");
    assert_eq!(problem(refused, 406, "not-acceptable").await["offers"], json!(["application/json"]));
}
