//! `GET /health/…`: whether the service lives, has started and can take work. None of them waits for anything.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;

use crate::compute::ComputeError;

use super::{AppState, problem::Problem, response};

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

fn healthy(status: &'static str) -> Response {
    let mut response = response::json(&Health { status });
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The process answers.
pub(super) async fn live() -> Response {
    healthy("live")
}

/// The model is loaded: there is no [`AppState`] without one.
pub(super) async fn startup() -> Response {
    healthy("started")
}

/// New work would be admitted.
pub(super) async fn ready(State(state): State<AppState>) -> Result<Response, Problem> {
    if state.compute.is_closed() {
        return Err(state.refusal(ComputeError::Draining));
    }
    if !state.compute.has_room() {
        return Err(state.refusal(ComputeError::Full));
    }
    Ok(healthy("ready"))
}
