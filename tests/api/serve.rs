//! Stopping the service: new requests are refused, running ones finish or are cut.

use std::time::Duration;

use reqwest::header::CONNECTION;

use crate::support::{Setup, TestApp, check_problem, damaged, header, occupy, ok, problem, send, until};

fn one_at_a_time(drain_timeout: Duration) -> Setup {
    Setup { running_max: 1, waiting_max: 1, drain_timeout, ..Setup::default() }
}

/// A running request that waits until the test's own work ends.
async fn waiting_request(app: &TestApp) -> tokio::task::JoinHandle<reqwest::Response> {
    let request =
        app.post("/restore?color=on&sigma=1&strength=1", damaged("cast")).header(CONNECTION, "close");
    let request = tokio::spawn(send(request));
    until("the request waits", || !app.compute.has_room()).await;
    request
}

#[tokio::test]
async fn requests_under_way_finish_and_new_ones_are_refused() {
    let mut app = TestApp::with(one_at_a_time(crate::support::PATIENCE)).await;
    let expected = ok(app.post("/restore?color=on&sigma=1&strength=1", damaged("cast"))).await;
    let expected = expected.bytes().await.unwrap();
    until("a free place", || app.compute.has_room()).await;
    let (release, work) = occupy(&app.compute).await;
    let request = waiting_request(&app).await;
    app.stop();
    until("draining", || app.state.is_draining()).await;

    problem(app.post("/restore", damaged("cast")), 503, "draining").await;
    problem(app.get("/health/ready"), 503, "draining").await;
    assert_eq!(header(&send(app.get("/health/ready")).await, "retry-after"), "5");
    ok(app.get("/health/live")).await;

    drop(release);
    work.await.unwrap();
    let response = request.await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.unwrap() == expected);
    app.stopped().await;
}

#[tokio::test]
async fn requests_that_take_too_long_are_cut_with_an_answer() {
    let mut app = TestApp::with(one_at_a_time(Duration::from_millis(20))).await;
    let (release, work) = occupy(&app.compute).await;
    let request = waiting_request(&app).await;
    app.stop();
    let response = request.await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "5"));
    let answer: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    check_problem(&answer, 503, "draining");
    assert!(answer["detail"].as_str().unwrap().contains("could not finish"), "{answer}");
    let address = app.address;
    app.stopped().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is free");
    drop(release);
    work.await.unwrap();
}

#[tokio::test]
async fn an_idle_service_stops_at_once_despite_open_connections() {
    let mut app = TestApp::start().await;
    ok(app.get("/health/live")).await;
    let mut idle = app.connect().await;
    app.stop();
    app.stopped().await;
    assert!(idle.is_closed().await);
}
