//! The bytes of a body as they arrive, with a deadline, a least pace, and memory for what is kept.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::Request,
    http::{HeaderMap, header},
};
use tokio::time::{Instant, timeout_at};
use tokio_stream::StreamExt as _;

use super::super::{
    connection::{Client, Pace, Receiving},
    error::BodyError,
    state::AppState,
};
use crate::memory::Reservation;

/// Bytes by which the memory of a body grows at least.
const STEP_BYTES: u64 = 256 << 10;
/// How long a body waits for memory before it is refused.
const MEMORY_PATIENCE: Duration = Duration::from_secs(2);

/// A body that is being read.
pub(in crate::http) struct BodyReader {
    data: BodyDataStream,
    receiving: Receiving,
    pace: Pace,
    timeout: Duration,
    deadline: Instant,
    memory: Reservation,
    /// The length that the request announces.
    announced: Option<u64>,
}

impl BodyReader {
    /// Begins to read the body of a request.
    pub(in crate::http) fn new(request: Request, state: &AppState) -> Self {
        let (parts, body) = request.into_parts();
        Self::of_body(body, &parts.headers, &Client::of(&parts.extensions), state)
    }

    fn of_body(body: Body, headers: &HeaderMap, client: &Client, state: &AppState) -> Self {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        Self {
            data: body.into_data_stream(),
            receiving: client.receive(),
            pace: Pace::new(state.server.rate_min),
            timeout: state.server.body_timeout,
            deadline: Instant::now() + state.server.body_timeout,
            memory: state.memory.bodies.nothing(),
            announced: length.and_then(|length| length.parse().ok()),
        }
    }

    /// The length that the request announces.
    pub(super) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// Refuses a body whose announced length is above `max` bytes, or can never fit into the memory for bodies.
    pub(super) fn check_announced(&self, max: u64) -> Result<(), BodyError> {
        match self.announced {
            Some(got) if got > max => Err(BodyError::TooLarge { got: Some(got), max }),
            _ => Ok(()),
        }
    }

    /// The next bytes of the body, or `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let began = Instant::now();
        let slowest = began + self.pace.left();
        let Ok(read) = timeout_at(slowest.min(self.deadline), self.data.next()).await else {
            let max_ms = self.timeout.as_millis().try_into().unwrap_or(u64::MAX);
            return Err(if slowest < self.deadline { BodyError::TooSlow } else { BodyError::Timeout { max_ms } });
        };
        let Some(bytes) = read.transpose().map_err(|error| BodyError::Incomplete(error.to_string()))? else {
            return Ok(None);
        };
        self.pace.moved(bytes.len(), began.elapsed());
        self.receiving.count(bytes.len());
        Ok(Some(bytes))
    }

    /// Reserves memory so that `kept` bytes of the body are covered.
    pub(super) async fn keep(&mut self, kept: usize) -> Result<(), BodyError> {
        let (kept, max) = (kept as u64, self.memory_max());
        if kept > max {
            return Err(BodyError::NeverFits { needed: self.announced.unwrap_or(kept).max(kept), max });
        }
        if kept <= self.memory.bytes() {
            return Ok(());
        }
        let began = Instant::now();
        let wanted = kept.next_multiple_of(STEP_BYTES).min(max);
        let got = self.memory.grow_to(wanted, MEMORY_PATIENCE).await;
        // The client cannot help a wait for memory.
        self.deadline += began.elapsed();
        if got { Ok(()) } else { Err(BodyError::NoMemory { max }) }
    }

    /// Takes the reserved memory, and starts the deadline again for a next picture.
    pub(super) fn take_memory(&mut self) -> Reservation {
        self.deadline = Instant::now() + self.timeout;
        let nothing = self.memory.pool().nothing();
        std::mem::replace(&mut self.memory, nothing)
    }

    /// All memory for bodies.
    fn memory_max(&self) -> u64 {
        self.memory.pool().bytes_max()
    }
}
