//! `tone` and `assume`: in queries, forms, settings, receipts, headers and replays.

use pentimento::config::RestoreConfig;
use pentimento_core::{
    imaging::{Tone, codec::Format},
    models::Assume,
    restoration::receipt::Receipt,
};
use serde_json::{Value, json};

use crate::{
    described,
    support::{Setup, TestApp, as_format, damaged, decode, form_with_image, header, ok, problem},
};

async fn receipt(app: &TestApp, query: &str, body: &[u8]) -> Value {
    let request = app.post(&format!("/restore{query}"), body.to_vec()).header("accept", "application/json");
    let receipt = serde_json::from_slice(&ok(request).await.bytes().await.unwrap()).unwrap();
    described::check(&receipt, "Receipt");
    receipt
}

fn with_built_in(defaults: RestoreConfig) -> Setup {
    Setup { is_built_in: true, defaults, ..Setup::default() }
}

#[tokio::test]
async fn tone_keep_is_recorded_shown_and_replayed() {
    let app = TestApp::start().await;
    let query = "?color_method=stretch&strength=0&tone=keep";
    for format in Format::ALL {
        let body = as_format(&damaged("cast"), format);
        let restored = ok(app.post(&format!("/restore{query}"), body.clone())).await;
        assert!(header(&restored, "restoration").contains("color-method=stretch, tone=keep"), "{format}");
        let receipt = receipt(&app, query, &body).await;
        assert_eq!(receipt["parameters"]["tone"], "keep");
        let names: Vec<_> = receipt["coefficients"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["color_transform"]);
        let form = form_with_image(body.clone()).text("receipt", receipt.to_string());
        let replayed = ok(app.post_form("/replay", form)).await;
        assert_eq!(header(&replayed, "restoration"), header(&restored, "restoration"));
        assert!(replayed.bytes().await.unwrap() == restored.bytes().await.unwrap(), "{format}");
        // Coefficients of another tone are no coefficients of this one.
        let mut edited = receipt;
        edited["parameters"].as_object_mut().unwrap().remove("tone");
        let form = form_with_image(body).text("receipt", edited.to_string());
        let refused = problem(app.post_form("/replay", form), 422, "bad-receipt").await;
        assert!(refused["detail"].as_str().unwrap().contains("gains"), "{refused}");
    }
}

#[tokio::test]
async fn tone_keep_changes_colours_and_not_the_luma() {
    let app = TestApp::start().await;
    let body = damaged("cast");
    let restored = async |query: &str| {
        decode(&ok(app.post(&format!("/restore{query}"), body.clone())).await.bytes().await.unwrap())
    };
    let before = decode(&body);
    let [plain, kept] =
        [restored("?color=on&strength=0").await, restored("?color=on&strength=0&tone=keep").await];
    let luma = |p: &[u8]| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
    assert!(kept != before && kept != plain);
    let pairs = kept.samples().chunks(3).zip(before.samples().chunks(3));
    let free: Vec<_> = pairs.filter(|(kept, _)| kept.iter().all(|v| (1..255).contains(v))).collect();
    assert!(free.len() > 20_000, "{}", free.len());
    assert!(free.iter().all(|(kept, before)| (luma(kept) - luma(before)).abs() <= 0.501));
    // Without a colour correction the tone says nothing.
    assert!(restored("?color=off&strength=0&tone=keep").await == before);
}

#[tokio::test]
async fn an_assumption_is_recorded_shown_and_followed() {
    let app = TestApp::with(with_built_in(RestoreConfig::default())).await;
    for name in ["cast", "blur", "undamaged", "noise"] {
        let body = damaged(name);
        let plain = receipt(&app, "", &body).await;
        assert_eq!(plain, receipt(&app, "?assume=auto&tone=auto", &body).await);
        assert!(plain.get("assume").is_none() && plain["parameters"].get("tone").is_none());
        for assume in ["damaged", "faded", "fine"] {
            let query = format!("?assume={assume}");
            let said = receipt(&app, &query, &body).await;
            assert_eq!(said["assume"], assume);
            // The model sees the same picture.
            assert_eq!(said["features"], plain["features"]);
            let answer = ok(app.post(&format!("/restore{query}"), body.clone())).await;
            assert!(header(&answer, "restoration").contains(&format!("assume={assume}")));
            let seen = ok(app.post(&format!("/analyze{query}"), body.clone())).await.bytes().await.unwrap();
            let seen: Value = serde_json::from_slice(&seen).unwrap();
            described::check(&seen, "Analysis");
            assert_eq!(seen["prediction"]["assume"], assume);
            assert_eq!(seen["prediction"]["parameters"], said["parameters"]);
            let is_untouched = |receipt: &Value| receipt["output"]["route"] == "input_bytes";
            match assume {
                "fine" => assert!(is_untouched(&said) || !is_untouched(&plain), "{name}"),
                "damaged" => assert!(!is_untouched(&said) || is_untouched(&plain), "{name}"),
                _ => {
                    let parameters = &said["parameters"];
                    assert_eq!((&parameters["strength"], parameters.get("denoise")), (&json!(0.0), None));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_request_wins_over_the_settings() {
    let defaults = RestoreConfig { assume: Assume::Faded, tone: Tone::Keep, ..RestoreConfig::default() };
    let app = TestApp::with(with_built_in(defaults)).await;
    let body = damaged("cast");
    let said = receipt(&app, "?color_method=levels", &body).await;
    assert_eq!((&said["assume"], &said["parameters"]["tone"]), (&json!("faded"), &json!("keep")));
    let said = receipt(&app, "?color_method=levels&assume=auto&tone=auto", &body).await;
    assert_eq!((said.get("assume"), said["parameters"].get("tone")), (None, None));
    let form = form_with_image(body.clone()).text("tone", "auto").text("assume", "fine");
    let answer = ok(app.post_form("/restore?color_method=levels&strength=0", form)).await;
    let shown = header(&answer, "restoration");
    assert!(shown.contains("assume=fine") && !shown.contains("tone"), "{shown}");
    // A replay follows its receipt and no setting.
    let plain = receipt(&app, "?color_method=levels&assume=auto&tone=auto", &body).await;
    let form = form_with_image(body).text("receipt", plain.to_string());
    let again = ok(app.post_form("/replay", form).header("accept", "application/json")).await;
    let again: Receipt = serde_json::from_slice(&again.bytes().await.unwrap()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), plain);
}

#[tokio::test]
async fn a_classic_model_refuses_what_it_cannot_follow() {
    let app = TestApp::start().await;
    for path in ["/restore?assume=damaged", "/analyze?assume=fine", "/restore?color=on&assume=faded"] {
        let refused = problem(app.post(path, damaged("cast")), 422, "bad-parameter").await;
        assert_eq!((&refused["parameter"], &refused["allowed"]), (&json!("assume"), &json!("auto")));
        assert_eq!(refused["setting"], "model.path");
        assert!(refused["detail"].as_str().unwrap().contains("classic kind"), "{refused}");
    }
    // Nothing is left to predict, so nothing depends on the assumption.
    let given = receipt(&app, "?color=on&sigma=1&strength=1&assume=damaged", &damaged("cast")).await;
    assert_eq!((&given["assume"], &given["model"]), (&json!("damaged"), &Value::Null));
}
