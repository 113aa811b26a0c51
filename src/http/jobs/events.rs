//! `GET /jobs/{id}/events`: the events of a job as server-sent events, from the first one or after `Last-Event-ID`.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    super::{document::unsent, kind::ProblemKind, path::Segment, problem::Problem, state::AppState},
    known::known,
};
use crate::{jobs::service::Jobs, storage::StorageError};

/// Most events that are read from the database at a time.
const CHUNK: i64 = 256;
/// Period of reading the database while no change is reported.
const POLL_PERIOD: Duration = Duration::from_secs(1);
/// Period of the comments that keep a silent connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The sending half of an answer's stream of events.
type EventSender = mpsc::Sender<Result<Event, Infallible>>;

/// Answers with the stream of a job's events.
pub(in crate::http) async fn events(
    State(state): State<AppState>,
    Segment(id): Segment,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (jobs, job) = known(&state, &id).await?;
    let after = last_seen(&headers)?;
    // The client has seen every event. 204 makes an `EventSource` stop reconnecting.
    if job.state.is_final() && jobs.storage.events(&id, after, 1).await?.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if method == Method::HEAD {
        return Ok((
            [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")],
            unsent(),
        )
            .into_response());
    }
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        if let Err(error) = follow(&jobs, &id, after, &sender).await {
            tracing::warn!(%error, job = id, "events could not be read to their end");
        }
    });
    let mut response = Sse::new(ReceiverStream::new(receiver))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The number in `Last-Event-ID`, or 0 without one.
fn last_seen(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    let text = value.to_str().unwrap_or_default();
    let bad = || {
        Problem::new(ProblemKind::BadParameter, "Last-Event-ID is not the number of an event".to_owned())
            .parameter("Last-Event-ID")
            .value(text)
            .allowed("a whole number from 0")
    };
    text.parse().ok().filter(|number| *number >= 0).ok_or_else(bad)
}

/// Sends the stored events and all later ones, until the job has ended, the client has gone or the service stops.
async fn follow(jobs: &Arc<Jobs>, id: &str, mut after: i64, to: &EventSender) -> Result<(), StorageError> {
    let mut changes = jobs.storage.changes();
    let mut sent_pause = None;
    loop {
        changes.mark_unchanged();
        // The state is read before the events. If it is final, the events read afterwards include the last one.
        let ended = jobs.storage.job(id).await?.is_none_or(|job| job.state.is_final());
        loop {
            let events = jobs.storage.events(id, after, CHUNK).await?;
            let Some(last) = events.last() else { break };
            after = last.number;
            for event in events {
                let event = Event::default().id(event.number.to_string()).event(event.kind).data(event.data);
                if to.send(Ok(event)).await.is_err() {
                    return Ok(());
                }
            }
        }
        if ended {
            return Ok(());
        }
        // A pause is a state of this process that cannot be stored, since the disk takes no writes. Its event therefore
        // has no number.
        let pause = jobs.paused();
        if pause != sent_pause {
            let kind = if pause.is_some() { "paused" } else { "resumed" };
            let data = serde_json::json!({ "reason": pause }).to_string();
            if to.send(Ok(Event::default().event(kind).data(data))).await.is_err() {
                return Ok(());
            }
            sent_pause = pause;
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(POLL_PERIOD) => {}
            () = to.closed() => return Ok(()),
            () = jobs.stopping.cancelled() => return Ok(()),
        }
    }
}
