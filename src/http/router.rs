//! The list of all routes, and the layers around them.

use axum::{
    Extension, Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use super::{
    analyze,
    connection::Client,
    datasets, health,
    index::{self, RoutePaths},
    jobs,
    kind::ProblemKind,
    problem::{self, Problem},
    replay, request_id, restore,
    state::AppState,
    trace, track, version,
};

/// Every route with its methods. A stopping service waits for the tracked ones.
fn routes(state: &AppState) -> Vec<(&'static str, MethodRouter<AppState>)> {
    let tracked = from_fn_with_state(state.clone(), track::track);
    vec![
        ("/restore", post(restore::restore).route_layer(tracked.clone())),
        ("/replay", post(replay::replay).route_layer(tracked.clone())),
        ("/analyze", post(analyze::analyze).route_layer(tracked.clone())),
        ("/datasets", get(datasets::list)),
        ("/datasets/{name}", get(datasets::show)),
        ("/jobs", get(jobs::list)),
        ("/jobs/optimize", post(jobs::optimize).route_layer(tracked.clone())),
        ("/jobs/train", post(jobs::train).route_layer(tracked.clone())),
        ("/jobs/evaluate", post(jobs::evaluate).route_layer(tracked.clone())),
        ("/jobs/{id}", get(jobs::show).delete(jobs::delete)),
        ("/jobs/{id}/events", get(jobs::events)),
        ("/jobs/{id}/results", get(jobs::results)),
        ("/jobs/{id}/cancel", post(jobs::cancel).route_layer(tracked.clone())),
        ("/jobs/{id}/retry", post(jobs::retry).route_layer(tracked)),
        ("/version", get(version::version)),
        ("/health/live", get(health::live)),
        ("/health/ready", get(health::ready)),
        ("/health/startup", get(health::startup)),
        ("/", get(index::index)),
        ("/openapi.yaml", get(index::openapi)),
    ]
}

/// Returns the routes of a listener that serves the health and nothing else.
pub(super) fn health_router(state: AppState) -> Router {
    let routes = routes(&state).into_iter().filter(|(path, _)| path.starts_with("/health/"));
    layered(routes.collect(), state)
}

/// The paths of all routes.
pub fn paths(state: &AppState) -> Vec<&'static str> {
    routes(state).into_iter().map(|(path, _)| path).collect()
}

/// Returns the service: all routes inside their layers. The layers below run from the last to the first.
pub fn router(state: AppState) -> Router {
    layered(routes(&state), state)
}

/// The routes inside their layers.
fn layered(routes: Vec<(&'static str, MethodRouter<AppState>)>, state: AppState) -> Router {
    let paths = RoutePaths(routes.iter().map(|(path, _)| *path).collect());
    routes
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(unknown_route)
        .method_not_allowed_fallback(other_method)
        .layer(Extension(paths))
        .layer(from_fn(refuse_extra))
        .layer(from_fn(problem::name_request))
        .layer(map_response(no_sniffing))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(trace::layer())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(from_fn(request_id::forget_unusable))
        .with_state(state)
}

/// Refuses a request on a connection that is one more than allowed, unless it asks for the health.
async fn refuse_extra(request: Request, next: Next) -> Response {
    if !Client::of(request.extensions()).is_extra() || request.uri().path().starts_with("/health/") {
        return next.run(request).await;
    }
    Problem::new(ProblemKind::Full, "every connection is taken; try again shortly")
        .setting("server.connections_max")
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
        .header(header::CONNECTION, HeaderValue::from_static("close"))
        .into_response()
}

/// Answers a request for a path without a route.
async fn unknown_route(uri: Uri) -> Problem {
    let detail = format!("there is no {}; GET / lists the routes", problem::echo(uri.path()));
    Problem::new(ProblemKind::UnknownRoute, detail)
}

/// Answers a method that the path does not have. axum adds the path's methods as `Allow`, so `OPTIONS` gets an empty
/// answer.
async fn other_method(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!(
        "{path} does not support {}; the Allow header lists its methods",
        problem::echo(method.as_str())
    );
    Problem::new(ProblemKind::MethodNotAllowed, detail).into_response()
}

/// Forbids browsers to guess the content type, so that no client's picture is shown as a page.
async fn no_sniffing(mut response: Response) -> Response {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
