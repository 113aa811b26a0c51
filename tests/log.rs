//! What a request leaves in the log: one line with its route and outcome, and nothing of what it sent.
//!
//! A binary of its own: tests without a subscriber in other threads would make the events' call sites believe that
//! nobody listens.

#[allow(dead_code)]
#[path = "api/support.rs"]
mod support;

use std::sync::{Arc, Mutex};

use support::{TestApp, damaged, header, ok, send};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

// The runtime of a test has one thread, so its subscriber sees the service too.
#[tokio::test]
async fn each_request_is_one_line_without_its_content() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start().await;
    ok(app.get("/version")).await;
    lines.take();

    let response = ok(app.post("/restore?sigma=1.2345", damaged("smallest"))).await;
    let logged = lines.take();
    assert_eq!(logged.len(), 1, "{logged:?}");
    let id = header(&response, "x-request-id");
    for said in ["POST", "/restore", "status=200", "latency_ms=", id] {
        assert!(logged[0].contains(said), "{said} in {logged:?}");
    }
    assert!(!logged[0].contains("1.2345") && !logged[0].contains("PNG"), "{logged:?}");

    let refused = send(app.get("/secret-name").header("x-request-id", "my-id")).await;
    assert_eq!(refused.status(), 404);
    let logged = lines.take();
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert!(logged[0].contains("status=404") && logged[0].contains("my-id"), "{logged:?}");
    assert!(!logged[0].contains("secret-name"), "{logged:?}");

    ok(app.get("/health/ready")).await;
    assert_eq!(lines.take(), Vec::<String>::new(), "probes are silent");
}
