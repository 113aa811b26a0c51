//! Requests of a stopping service: new ones are refused, running ones may be cut.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{problem::Problem, state::AppState};
use crate::compute::ComputeError;

/// Lets a request run until it ends or the stopping service orders to cut it.
///
/// A stopping service answers new requests and those that it cuts with 503.
pub(super) async fn track(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let draining = || Problem::from(ComputeError::Draining);
    if state.is_draining() {
        return draining().into_response();
    }
    tokio::select! {
        response = next.run(request) => response,
        () = state.cut_order.given() => {
            draining().detail("the service is stopping and could not finish this in time".to_owned()).into_response()
        }
    }
}
