//! The bytes of a body as they arrive, with a deadline and a least pace, and the memory for what is kept of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{BodyDataStream, Bytes},
    extract::Request,
    http::header,
};
use tokio::time::{Instant, timeout_at};
use tokio_stream::StreamExt as _;

use super::super::{
    connection::{Client, Pace, Receiving},
    error::BodyError,
    state::AppState,
};
use crate::memory::{MemoryPool, Reservation};

/// Bytes by which the memory of a body grows at least.
const STEP_BYTES: u64 = 256 << 10;
/// How long a body waits for memory before it is refused.
const MEMORY_PATIENCE: Duration = Duration::from_secs(2);

/// The deadline of a body. The reader and the memory share it, because they are used at different places of a form.
#[derive(Debug)]
struct BodyClock {
    began: Instant,
    timeout: Duration,
    /// Milliseconds from `began` to the deadline.
    deadline_ms: AtomicU64,
}

impl BodyClock {
    fn deadline(&self) -> Instant {
        self.began + Duration::from_millis(self.deadline_ms.load(Ordering::Relaxed))
    }

    /// Moves the deadline by a time that is not the client's.
    fn extend(&self, by: Duration) {
        self.deadline_ms.fetch_add(by.as_millis() as u64, Ordering::Relaxed);
    }

    /// Begins the time of a next picture.
    fn restart(&self) {
        let deadline = self.began.elapsed() + self.timeout;
        self.deadline_ms.store(deadline.as_millis() as u64, Ordering::Relaxed);
    }
}

/// A body that is being read.
pub(super) struct BodyReader {
    data: BodyDataStream,
    receiving: Receiving,
    pace: Pace,
    clock: Arc<BodyClock>,
}

/// The memory for what is kept of a body.
pub(super) struct BodyMemory {
    memory: Reservation,
    pool: MemoryPool,
    clock: Arc<BodyClock>,
}

/// Begins to read the body of a request. Also returns the length that the request announces.
pub(super) fn begin(request: Request, state: &AppState) -> (BodyReader, BodyMemory, Option<u64>) {
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = length.and_then(|length| length.parse().ok());
    let timeout = state.server.body_timeout;
    let deadline_ms = AtomicU64::new(timeout.as_millis().try_into().unwrap_or(u64::MAX / 2));
    let clock = Arc::new(BodyClock { began: Instant::now(), timeout, deadline_ms });
    let reader = BodyReader {
        data: body.into_data_stream(),
        receiving: Client::of(&parts.extensions).receive(),
        pace: Pace::new(state.server.rate_min),
        clock: clock.clone(),
    };
    let pool = state.memory.bodies.clone();
    (reader, BodyMemory { memory: pool.nothing(), pool, clock }, announced)
}

/// Refuses a body whose announced length is above `max` bytes.
pub(super) fn check_announced(announced: Option<u64>, max: u64) -> Result<(), BodyError> {
    match announced {
        Some(got) if got > max => Err(BodyError::TooLarge { got: Some(got), max }),
        _ => Ok(()),
    }
}

impl BodyReader {
    /// The next bytes of the body, or `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let began = Instant::now();
        self.receiving.begin_waiting();
        let slowest = began + self.pace.left();
        let read = loop {
            let deadline = self.clock.deadline();
            match timeout_at(slowest.min(deadline), self.data.next()).await {
                Ok(read) => break read,
                Err(_) if Instant::now() >= slowest => return Err(BodyError::TooSlow),
                // The deadline may have moved meanwhile.
                Err(_) if self.clock.deadline() > deadline => {}
                Err(_) => {
                    let max_ms = self.clock.timeout.as_millis().try_into().unwrap_or(u64::MAX);
                    return Err(BodyError::Timeout { max_ms });
                }
            }
        };
        let Some(bytes) = read.transpose().map_err(|error| BodyError::Incomplete(error.to_string()))? else {
            return Ok(None);
        };
        self.pace.moved(bytes.len(), began.elapsed());
        self.receiving.end_waiting(bytes.len());
        Ok(Some(bytes))
    }
}

impl BodyMemory {
    /// Refuses a body that can never fit into the memory for bodies.
    pub(super) fn check(&self, needed: u64) -> Result<(), BodyError> {
        match self.pool.check(needed) {
            Ok(()) => Ok(()),
            Err(too_large) => Err(BodyError::NeverFits { needed, max: too_large.max }),
        }
    }

    /// Reserves memory for `kept` bytes.
    pub(super) async fn keep(&mut self, kept: usize) -> Result<(), BodyError> {
        let kept = kept as u64;
        self.check(kept)?;
        if kept <= self.memory.bytes() {
            return Ok(());
        }
        let (began, max) = (Instant::now(), self.pool.bytes_max());
        let wanted = kept.next_multiple_of(STEP_BYTES).min(max);
        let got = self.memory.grow_to(wanted, MEMORY_PATIENCE).await;
        // The client cannot help a wait for memory.
        self.clock.extend(began.elapsed());
        if got { Ok(()) } else { Err(BodyError::NoMemory { max }) }
    }

    /// Takes the reserved memory, and begins the time of a next picture.
    pub(super) fn take(&mut self) -> Reservation {
        self.clock.restart();
        std::mem::replace(&mut self.memory, self.pool.nothing())
    }
}
