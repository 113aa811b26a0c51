//! Tracking requests, so that a stopping service can finish or cut them.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{problem::Problem, state::AppState};
use crate::compute::ComputeError;

/// Counts a request while its handler runs.
///
/// A stopping service refuses new requests with 503. It answers a running request with 503 when that request is cut.
pub(super) async fn track(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let draining = || Problem::from(ComputeError::Draining);
    if state.compute.is_closed() {
        return draining().into_response();
    }
    let _running = state.running.enter();
    tokio::select! {
        response = next.run(request) => response,
        () = state.running.wait_until_cut() => {
            draining().detail("the service is stopping and could not finish this in time".to_owned()).into_response()
        }
    }
}
