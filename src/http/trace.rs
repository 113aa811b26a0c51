//! One span and one log line per request: method, route, id, status, latency. The content of queries and bodies is never
//! logged.

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use tower_http::{
    classify::{ServerErrorsAsFailures, SharedClassifier},
    request_id::RequestId,
    trace::TraceLayer,
};
use tracing::{Level, Span};

/// The layer that logs requests.
type RequestTraceLayer = TraceLayer<
    SharedClassifier<ServerErrorsAsFailures>,
    fn(&Request) -> Span,
    (),
    fn(&Response, Duration, &Span),
    (),
    (),
    (),
>;

/// The layer that logs requests. It logs no failures, since faults are logged where they are found.
pub(super) fn layer() -> RequestTraceLayer {
    TraceLayer::new_for_http()
        .make_span_with(span as fn(&Request) -> Span)
        .on_request(())
        .on_response(answered as fn(&Response, Duration, &Span))
        .on_body_chunk(())
        .on_eos(())
        .on_failure(())
}

/// The span of a request. Health probes come every second, so theirs has a lower level.
fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    let method = request.method();
    if route.starts_with("/health/") {
        tracing::debug_span!("probe", %method, route, id)
    } else {
        tracing::info_span!("request", %method, route, id)
    }
}

/// Logs an answer at the level of its span.
fn answered(response: &Response, latency: Duration, span: &Span) {
    let (status, latency_ms) = (response.status().as_u16(), latency.as_secs_f64() * 1e3);
    if span.metadata().is_none_or(|span| *span.level() != Level::INFO) {
        tracing::debug!(status, latency_ms, "answered a probe");
    } else {
        tracing::info!(status, latency_ms, "answered");
    }
}
