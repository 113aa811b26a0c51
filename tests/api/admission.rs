//! Admission: a full service refuses at once without reading the body, and every place becomes free again.

use serde_json::{Value, json};

use crate::support::{
    Setup, TestApp, check_problem, damaged, form_with_image, header, occupy, ok, problem, send, until,
};

fn places(running_max: usize, waiting_max: usize) -> Setup {
    Setup { running_max, waiting_max, ..Setup::default() }
}

#[tokio::test]
async fn a_full_service_refuses_with_a_time_to_retry() {
    let app = TestApp::with(places(1, 1)).await;
    let held = [app.compute.admit().unwrap(), app.compute.admit().unwrap()];
    for path in ["/restore", "/analyze"] {
        let refused = problem(app.post(path, damaged("smallest")), 503, "full").await;
        assert_eq!((&refused["limit"], &refused["setting"]), (&json!(2), &json!("compute.waiting_max")));
        assert_eq!(header(&send(app.post(path, damaged("smallest"))).await, "retry-after"), "1");
    }
    problem(app.post_form("/replay", form_with_image(damaged("smallest"))), 503, "full").await;
    ok(app.get("/health/live")).await;
    ok(app.get("/version")).await;
    drop(held);
    ok(app.post("/restore", damaged("smallest"))).await;
}

#[tokio::test]
async fn a_full_service_reads_nothing() {
    let app = TestApp::with(places(1, 0)).await;
    let held = app.compute.admit().unwrap();
    let mut client = app.connect().await;
    let head = "POST /restore HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n";
    client.send(head).await;
    let (head, body) = client.answer().await;
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    let refused: Value = serde_json::from_slice(&body).unwrap();
    check_problem(&refused, 503, "full");
    drop(held);
    // With a free place, the service accepts the same head, so the head was not the cause of the refusal above.
    let mut client = app.connect().await;
    client
        .send("POST /restore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert!(client.answer().await.0.starts_with("http/1.1 100 "));
    client.send("GIF").await;
    assert!(client.answer().await.0.starts_with("http/1.1 415 "));
}

#[tokio::test]
async fn errors_in_the_head_are_refused_without_a_place() {
    let app = TestApp::with(places(1, 0)).await;
    let _held = app.compute.admit().unwrap();
    problem(app.post("/restore?sigma=0", damaged("smallest")), 422, "bad-parameter").await;
    problem(app.post("/replay?x=1", damaged("smallest")), 422, "unknown-parameter").await;
}

#[tokio::test]
async fn every_answer_gives_its_place_back() {
    let app = TestApp::with(places(1, 0)).await;
    for (path, body, status) in [
        ("/restore", damaged("smallest"), 200),
        ("/restore", b"GIF".to_vec(), 415),
        ("/restore", Vec::new(), 422),
        ("/restore", damaged("smallest")[..500].to_vec(), 422),
        ("/analyze", damaged("smallest"), 200),
        ("/replay", damaged("smallest"), 415),
    ] {
        assert_eq!(send(app.post(path, body)).await.status(), status, "{path}");
        // The pool frees the place a moment after it has sent the answer.
        until("a free place", || app.compute.has_room()).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_place() {
    let app = TestApp::with(places(1, 1)).await;
    let (release, work) = occupy(&app.compute).await;
    let picture = damaged("smallest");
    // A client takes a place only when its body has arrived.
    let mut slow = app.connect().await;
    slow.send("POST /restore HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc").await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(app.compute.has_room());
    for body in [&picture[..], &picture[..]] {
        let mut client = app.connect().await;
        client
            .send(format!("POST /restore HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", picture.len()))
            .await;
        client.send(body).await;
        until("a place taken", || !app.compute.has_room()).await;
        drop(client);
        until("a place free again", || app.compute.has_room()).await;
    }
    drop(release);
    work.await.unwrap();
}
