//! Every route on one page, and what wraps them.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use super::{
    AppState, analyze, datasets, error::Kind, health, index, jobs, problem, problem::Problem, replay,
    request_id, restore, trace, under_way, version,
};

fn routes(state: &AppState) -> Vec<(&'static str, MethodRouter<AppState>)> {
    let counted = from_fn_with_state(state.clone(), under_way::count);
    vec![
        ("/restore", post(restore::restore).route_layer(counted.clone())),
        ("/replay", post(replay::replay).route_layer(counted.clone())),
        ("/analyze", post(analyze::analyze).route_layer(counted.clone())),
        ("/datasets", get(datasets::list)),
        ("/datasets/{name}", get(datasets::show)),
        ("/jobs", get(jobs::list)),
        ("/jobs/optimize", post(jobs::optimize).route_layer(counted.clone())),
        ("/jobs/train", post(jobs::train).route_layer(counted.clone())),
        ("/jobs/evaluate", post(jobs::evaluate).route_layer(counted.clone())),
        ("/jobs/{id}", get(jobs::show).delete(jobs::delete)),
        ("/jobs/{id}/events", get(jobs::events)),
        ("/jobs/{id}/results", get(jobs::results)),
        ("/jobs/{id}/cancel", post(jobs::cancel).route_layer(counted.clone())),
        ("/jobs/{id}/retry", post(jobs::retry).route_layer(counted)),
        ("/version", get(version::version)),
        ("/health/live", get(health::live)),
        ("/health/ready", get(health::ready)),
        ("/health/startup", get(health::startup)),
        ("/", get(index::index)),
        ("/openapi.yaml", get(index::openapi)),
    ]
}

/// The paths of all routes.
pub fn paths(state: &AppState) -> Vec<&'static str> {
    routes(state).into_iter().map(|(path, _)| path).collect()
}

/// The service. Layers run from the last to the first.
pub fn router(state: AppState) -> Router {
    let routes = routes(&state).into_iter();
    routes
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(unknown_route)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn(problem::name_request))
        .layer(map_response(no_sniffing))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(trace::layer())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(from_fn(request_id::forget_unusable))
        .with_state(state)
}

async fn unknown_route(uri: Uri) -> Problem {
    let detail = format!("there is no {}; GET / lists what there is", problem::echo(uri.path()));
    Problem::new(Kind::UnknownRoute, detail)
}

/// `OPTIONS` is answered by the methods of the path, which axum adds as `Allow`, like every method it does not have.
async fn other_method(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!(
        "{path} does not take {}; the Allow header has what it takes",
        problem::echo(method.as_str())
    );
    Problem::new(Kind::MethodNotAllowed, detail).into_response()
}

/// A picture from a stranger must not be taken for a page.
async fn no_sniffing(mut response: Response) -> Response {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
