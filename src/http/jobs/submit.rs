//! `POST /jobs/optimize`, `/jobs/train` and `/jobs/evaluate`: submitting a job. An accepted job is on disk.

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        kind::ProblemKind,
        parameters::{Given, repeated},
        problem::Problem,
        receive, response,
        state::AppState,
    },
    document::job_document,
};
use crate::{
    jobs::{request, service::Jobs},
    storage::{Job, JobKind},
};

/// The header that names a request, in the case of its draft.
const KEY_HEADER: &str = "Idempotency-Key";
/// Longest idempotency key, in characters.
const KEY_LENGTH_MAX: usize = 255;

/// Submits a search of a dataset.
pub(in crate::http) async fn optimize(state: State<AppState>, request: Request) -> Result<Response, Problem> {
    submit(state, request, JobKind::Optimize).await
}

/// Submits the training of a model.
pub(in crate::http) async fn train(state: State<AppState>, request: Request) -> Result<Response, Problem> {
    submit(state, request, JobKind::Train).await
}

/// Submits the evaluation of a model.
pub(in crate::http) async fn evaluate(state: State<AppState>, request: Request) -> Result<Response, Problem> {
    submit(state, request, JobKind::Evaluate).await
}

/// Submits a job of this kind and answers with its document.
async fn submit(State(state): State<AppState>, request: Request, kind: JobKind) -> Result<Response, Problem> {
    Given::in_query(request.uri(), &[])?;
    let jobs = state.jobs()?;
    let key = key(request.headers())?;
    let body: Bytes = receive::json(request, &state).await?;
    let job = jobs.submit(request::JobRequest::parse(kind, &body)?, key).await?;
    accepted(&jobs, job).await
}

/// The answer to the request that made `job`: its address and its document.
pub(super) async fn accepted(jobs: &Jobs, job: Job) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(format!("/jobs/{}", job.id)).expect("ids are ASCII");
    let document = job_document(jobs, job, true).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], response::json(&document)).into_response())
}

/// The `Idempotency-Key`, which names the request. It stands in quotes, as the header's draft requires (a string of RFC 9651,
/// here without quotes and backslashes inside), or is a bare word. Both forms of a word are the same key.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(KEY_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(repeated(KEY_HEADER));
    }
    let text = value.to_str().unwrap_or_default();
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let is_key = |byte: u8| match quoted {
        Some(_) => (byte.is_ascii_graphic() || byte == b' ') && byte != b'"' && byte != b'\\',
        None => byte.is_ascii_graphic(),
    };
    let bare = quoted.unwrap_or(text);
    let is_bare_quote = quoted.is_none() && text.starts_with('"');
    if (1..=KEY_LENGTH_MAX).contains(&bare.len()) && bare.bytes().all(is_key) && !is_bare_quote {
        return Ok(Some(bare.to_owned()));
    }
    let allowed =
        format!("1 to {KEY_LENGTH_MAX} visible ASCII characters, or such a text with spaces in quotes");
    Err(Problem::new(ProblemKind::BadParameter, format!("{KEY_HEADER} is not allowed: it is {allowed}"))
        .parameter(KEY_HEADER)
        .allowed(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_documented_pattern() {
        // ^("[ !#-\[\]-~]{1,255}"|[!#-~][!-~]{0,254})$
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(KEY_HEADER, text.parse().unwrap());
            key(&headers).ok().flatten()
        };
        let (longest, longer) = ("x".repeat(255), "x".repeat(256));
        for (text, key) in [
            ("k", "k"),
            ("\"k\"", "k"),
            ("\"two words\"", "two words"),
            ("a\"b\\c", "a\"b\\c"),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            (&longest, &longest),
            (&format!("\"{longest}\""), &longest),
        ] {
            assert_eq!(read(text).as_deref(), Some(key), "{text}");
        }
        for bad in ["", "two words", "\"", "\"\"", "\"k", "\"a\"b\"", "\"a\\b\"", "\t", "\u{e9}", &longer] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let mut twice = HeaderMap::new();
        twice.append(KEY_HEADER, "a".parse().unwrap());
        twice.append(KEY_HEADER, "a".parse().unwrap());
        assert!(key(&twice).is_err());
    }
}
