//! Health, methods and unknown routes.

use serde_json::{Value, json};

use crate::support::{Setup, TestApp, header, occupy, ok, problem, send};

async fn status(app: &TestApp, path: &str) -> Value {
    let response = ok(app.get(path)).await;
    assert_eq!(header(&response, "cache-control"), "no-store");
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_service_with_room_is_live_started_and_ready() {
    let app = TestApp::start().await;
    assert_eq!(status(&app, "/health/live").await, json!({ "status": "live" }));
    assert_eq!(status(&app, "/health/startup").await, json!({ "status": "started" }));
    assert_eq!(status(&app, "/health/ready").await, json!({ "status": "ready" }));
}

#[tokio::test]
async fn a_full_service_is_live_and_ready() {
    let app = TestApp::with(Setup { running_max: 1, waiting_max: 0, ..Setup::default() }).await;
    let (release, work) = occupy(&app.compute).await;
    assert_eq!(status(&app, "/health/live").await, json!({ "status": "live" }));
    problem(app.post("/restore", crate::support::damaged("smallest")), 503, "full").await;
    // A balancer that took the service out for a full queue would lose it.
    assert_eq!(status(&app, "/health/ready").await, json!({ "status": "ready" }));
    drop(release);
    work.await.unwrap();
    assert_eq!(status(&app, "/health/ready").await, json!({ "status": "ready" }));
}

#[tokio::test]
async fn a_stopping_service_is_live_and_not_ready() {
    let app = TestApp::start().await;
    app.compute.close();
    problem(app.get("/health/ready"), 503, "draining").await;
    ok(app.get("/health/live")).await;
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::start().await;
    let url = format!("http://{}", app.address);
    let response = ok(app.client.head(format!("{url}/health/live"))).await;
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "content-length"), "17");
    assert!(response.bytes().await.unwrap().is_empty());
    assert_eq!(send(app.client.head(format!("{url}/nowhere"))).await.status(), 404);
}

#[tokio::test]
async fn other_methods_get_the_list_of_methods() {
    let app = TestApp::start().await;
    for (path, allowed) in [("/restore", "POST"), ("/version", "GET,HEAD"), ("/health/live", "GET,HEAD")] {
        let url = format!("http://{}{path}", app.address);
        let refused = send(app.client.delete(&url)).await;
        assert_eq!((refused.status().as_u16(), header(&refused, "allow")), (405, allowed));
        let refused = problem(app.client.delete(&url), 405, "method-not-allowed").await;
        assert!(refused["detail"].as_str().unwrap().contains("DELETE"));
        let options = send(app.client.request(reqwest::Method::OPTIONS, &url)).await;
        assert_eq!((options.status().as_u16(), header(&options, "allow")), (204, allowed));
    }
}

#[tokio::test]
async fn unknown_routes_are_problems_too() {
    let app = TestApp::start().await;
    for path in ["/nowhere", "/restore/", "/health", "/problems"] {
        let refused = problem(app.get(path), 404, "unknown-route").await;
        assert!(refused["detail"].as_str().unwrap().contains(path));
    }
}

#[tokio::test]
async fn usable_request_ids_are_kept_and_others_replaced() {
    let app = TestApp::start().await;
    let id = async |given: &str| {
        let request = app.get("/nowhere").header("x-request-id", given);
        problem(request, 404, "unknown-route").await["request_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id("order-7:a_b.c").await, "order-7:a_b.c");
    for unusable in ["", "two words", "<script>", &"x".repeat(129)] {
        let made = id(unusable).await;
        assert!(made != unusable && made.len() == 36, "{made}");
    }
}
