//! `GET /version`, `GET /` and `GET /openapi.yaml`.

use serde_json::{Value, json};

use crate::support::{PREDICTOR, TestApp, header, ok};

async fn document(app: &TestApp, path: &str) -> Value {
    let response = ok(app.get(path)).await;
    assert_eq!(header(&response, "content-type"), "application/json");
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_version_names_program_definitions_and_model() {
    let app = TestApp::start().await;
    let version = document(&app, "/version").await;
    assert_eq!(version["program"], "pentimento");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["feature_schema"], "seed-14/1");
    assert_eq!(version["receipt_version"], pentimento_core::restoration::receipt::RECEIPT_VERSION);
    let model = &version["model"];
    assert_eq!(model["id"], PREDICTOR.id());
    assert_eq!(model["sha256"], PREDICTOR.sha256());
    assert_eq!(model["family"], "gradient_boosting");
    assert_eq!(model["card"]["bounds"]["strength_max"], 2.5);
    assert!(
        model["card"].get("fit_sources").is_none(),
        "what was fitted on can be long and is nobody's business"
    );
}

#[tokio::test]
async fn the_index_lists_every_route() {
    let app = TestApp::start().await;
    let index = document(&app, "/").await;
    assert_eq!(index["routes"], json!(pentimento::http::paths(&app.state)));
    assert_eq!(index["documentation"], "/openapi.yaml");
}

#[tokio::test]
async fn the_description_is_served_as_it_is_in_the_repository() {
    let app = TestApp::start().await;
    let response = ok(app.get("/openapi.yaml")).await;
    assert_eq!(header(&response, "content-type"), "application/yaml");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml");
    assert_eq!(response.text().await.unwrap(), std::fs::read_to_string(path).unwrap());
}
