//! The list of all routes, and the layers around them.

use axum::{
    Extension, Router,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use super::{
    analyze, coding,
    connection::Client,
    datasets, document, health,
    index::{self, RoutePaths},
    jobs,
    kind::ProblemKind,
    problem::{self, Problem},
    receive, replay, request_id, restore, security,
    state::AppState,
    target, trace, track, trust, version,
};

/// Every route with its methods. A stopping service waits for the tracked ones. Pages of other origins cannot use the
/// guarded ones.
fn routes(state: &AppState) -> Vec<(&'static str, MethodRouter<AppState>)> {
    let tracked = from_fn_with_state(state.clone(), track::track);
    let guarded = from_fn_with_state(state.clone(), trust::guard);
    let job =
        |methods: MethodRouter<AppState>| methods.route_layer(tracked.clone()).route_layer(guarded.clone());
    vec![
        ("/restore", post(restore::restore).route_layer(tracked.clone())),
        ("/replay", post(replay::replay).route_layer(tracked.clone())),
        ("/analyze", post(analyze::analyze).route_layer(tracked.clone())),
        ("/datasets", get(datasets::list)),
        ("/datasets/{name}", get(datasets::show)),
        ("/jobs", get(jobs::list)),
        ("/jobs/optimize", job(post(jobs::optimize))),
        ("/jobs/train", job(post(jobs::train))),
        ("/jobs/evaluate", job(post(jobs::evaluate))),
        ("/jobs/{id}", get(jobs::show).merge(delete(jobs::delete).route_layer(guarded.clone()))),
        ("/jobs/{id}/events", get(jobs::events)),
        ("/jobs/{id}/results", get(jobs::results)),
        ("/jobs/{id}/cancel", job(post(jobs::cancel))),
        ("/jobs/{id}/retry", job(post(jobs::retry))),
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
        .layer(from_fn(target::check))
        .layer(from_fn(problem::name_request))
        .layer(from_fn(document::describe))
        .layer(coding::layer())
        .layer(from_fn(coding::negotiate))
        .layer(map_response(security::protect))
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
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let posted =
            receive::accepted(path).map(|types| [(receive::ACCEPT_POST, HeaderValue::from_static(types))]);
        return (StatusCode::NO_CONTENT, posted.map_or_else(HeaderMap::new, HeaderMap::from_iter))
            .into_response();
    }
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!(
        "{path} does not support {}; the Allow header lists its methods",
        problem::echo(method.as_str())
    );
    Problem::new(ProblemKind::MethodNotAllowed, detail).into_response()
}
