//! `GET /health/…`: whether the service is alive, has started and takes new work. These handlers wait for nothing.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;

use crate::compute::ComputeError;

use super::{problem::Problem, response, state::AppState};

/// The answer's body.
#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The answer of a healthy service.
fn healthy(status: &'static str) -> Response {
    let mut response = response::json(&Health { status });
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Always answers 200: the process is alive.
pub(super) async fn live() -> Response {
    healthy("live")
}

/// Always answers 200: the service has started, because no [`AppState`] exists before the model is loaded.
pub(super) async fn startup() -> Response {
    healthy("started")
}

/// Answers 200 unless the service is stopping. A full queue is no reason to send clients elsewhere.
pub(super) async fn ready(State(state): State<AppState>) -> Result<Response, Problem> {
    if state.is_stopping() {
        return Err(state.refusal(ComputeError::Draining));
    }
    Ok(healthy("ready"))
}
