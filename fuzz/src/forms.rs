//! Bodies of requests, sent to the router in pieces.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use pentimento::{
    compute::Compute,
    config::ComputeConfig,
    http::{AppState, RequestLimits, router},
    memory::MemoryBudget,
};
use pentimento_core::{imaging::codec::Limits, models::predictor::Predictor};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// Longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Sends a form to a route. The first byte chooses the route and the accepted type, the second one the pieces. The rest is the
/// body; its boundary is `x`.
pub fn forms(bytes: &[u8]) {
    let [choice, seed, body @ ..] = bytes else { return };
    let path = ["/restore", "/replay", "/analyze", "/restore?order=ready"][usize::from(choice % 4)];
    let accept = if choice & 4 == 0 { "*/*" } else { "multipart/mixed" };
    let content_type = if choice & 8 == 0 { "multipart/form-data; boundary=x" } else { "image/png" };
    let pieces: Vec<_> = pieces(body, *seed).into_iter().map(Ok::<_, std::io::Error>).collect();
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, content_type)
        .header(header::ACCEPT, accept)
        .body(Body::from_stream(tokio_stream::iter(pieces)))
        .expect("a request");
    let (runtime, state) = service();
    runtime.block_on(async {
        let answered = tokio::time::timeout(PATIENCE, async {
            let answer = router(state.clone()).oneshot(request).await.expect("the router never fails");
            let status = answer.status();
            let body = to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await;
            (status, body.expect("the answer is complete"))
        });
        let (status, body) = answered.await.expect("an answer in time");
        assert!(status.as_u16() < 500, "{status}: {}", String::from_utf8_lossy(&body));
    });
}

/// Cuts a body into pieces whose lengths follow from the seed. Many are of one byte.
fn pieces(body: &[u8], seed: u8) -> Vec<Vec<u8>> {
    let (mut rest, mut state, mut pieces) = (body, u32::from(seed) | 1, Vec::new());
    if seed == 0 {
        return vec![body.to_vec()];
    }
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = match state >> 28 {
            0..=5 => 1,
            6..=12 => 1 + (state >> 20 & 31) as usize,
            _ => 1 + (state >> 16 & 2047) as usize,
        };
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces
}

/// The service and what it runs on.
fn service() -> &'static (Runtime, AppState) {
    static SERVICE: OnceLock<(Runtime, AppState)> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let config =
            ComputeConfig { threads: 1, running_max: 1, waiting_max: 64, ..ComputeConfig::default() };
        let compute = Compute::new(&config).expect("a pool");
        let limits = Limits { input_bytes_max: 1 << 16, pixels_max: 1 << 14, ..super::LIMITS };
        let server = RequestLimits {
            body_timeout: PATIENCE,
            request_timeout: PATIENCE,
            rate_min: 1,
            receiving_max: 64,
            sending_max: 64,
            caller_max: 64,
            pictures_max: 8,
        };
        let predictor = Arc::new(Predictor::classic());
        let state = AppState::new(compute, predictor, limits, MemoryBudget::new(1 << 30), server);
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        (runtime, state)
    })
}
