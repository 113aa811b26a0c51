//! `GET /` and `GET /openapi.yaml`: what there is.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{AppState, response, router};

/// The description of every route, hand-written; a test compares it with the router.
const OPENAPI: &str = include_str!("../../openapi.yaml");

#[derive(Serialize)]
struct Index {
    program: &'static str,
    version: &'static str,
    description: &'static str,
    documentation: &'static str,
    routes: Vec<&'static str>,
}

pub(super) async fn index(State(state): State<AppState>) -> Response {
    response::json(&Index {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: env!("CARGO_PKG_DESCRIPTION"),
        documentation: "/openapi.yaml",
        routes: router::paths(&state),
    })
}

pub(super) async fn openapi() -> Response {
    // The media type of RFC 9512.
    ([(header::CONTENT_TYPE, "application/yaml")], OPENAPI).into_response()
}
