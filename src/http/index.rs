//! `GET /` and `GET /openapi.yaml`: the list of routes and their description.

use std::sync::Arc;

use axum::{
    Extension,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::response;

/// The description of every route. It is written by hand; a test compares it with the router.
const OPENAPI: &str = include_str!("../../openapi.yaml");

/// The paths of all routes. The router adds them to every request.
#[derive(Clone, Debug)]
pub(super) struct RoutePaths(pub(super) Arc<[&'static str]>);

/// The answer's body of `GET /`.
#[derive(Serialize)]
struct Index<'a> {
    program: &'static str,
    version: &'static str,
    description: &'static str,
    documentation: &'static str,
    routes: &'a [&'static str],
}

/// Lists the routes.
pub(super) async fn index(Extension(paths): Extension<RoutePaths>) -> Response {
    response::json(&Index {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: env!("CARGO_PKG_DESCRIPTION"),
        documentation: "/openapi.yaml",
        routes: &paths.0,
    })
}

/// Answers with `openapi.yaml`.
pub(super) async fn openapi() -> Response {
    // The media type of RFC 9512.
    ([(header::CONTENT_TYPE, "application/yaml")], OPENAPI).into_response()
}
