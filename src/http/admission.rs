//! Admission: the slots of receiving, working and sending, and the share of each caller.
//!
//! ```text
//!  receive()   a slot for a body; refuses if the queue is full
//!  share()     one of the caller's requests, after the body has arrived
//!  admit()     a place in the queue
//!  send()      a slot for an answer
//! ```

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    callers::CallersRequest, connection::Client, kind::ProblemKind, problem::Problem, state::AppState,
};
use crate::compute::{ComputeError, Place};

/// How long a request waits for a slot while others are cut.
const SLOT_PATIENCE: Duration = Duration::from_secs(1);
/// Longest `Retry-After`, in seconds.
const RETRY_MAX_S: u64 = 60;

/// The right to read a body. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct ReceivingSlot {
    _slot: OwnedSemaphorePermit,
    _sender: CallersRequest,
}

/// Bytes of an answer that keep their slot until the last byte is written.
struct SlottedBytes {
    bytes: Bytes,
    _slot: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for SlottedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AppState {
    /// Takes a slot for a body. Refuses if the queue is full already, or the caller has its share, so that the body is not
    /// read in vain.
    pub(super) async fn receive(&self, client: &Client) -> Result<ReceivingSlot, Problem> {
        self.compute.check_room().map_err(|refusal| self.refusal(refusal))?;
        self.share(client)?;
        let sender = self.senders.enter(client.address()).ok_or_else(|| {
            share_is_taken("bodies arriving", self.senders.max(), "compute.receiving_max", self.retry_after())
        })?;
        let slot = slot(&self.receiving, || self.connections.cut_slowest_body(self.server.rate_min)).await;
        let slot = slot.ok_or_else(|| {
            self.full("too many bodies are arriving", self.server.receiving_max, "compute.receiving_max")
        })?;
        Ok(ReceivingSlot { _slot: slot, _sender: sender })
    }

    /// Counts a request of this caller, after its body has arrived. A slow client so takes nothing of its share.
    pub(super) fn share(&self, client: &Client) -> Result<CallersRequest, Problem> {
        self.callers.enter(client.address()).ok_or_else(|| {
            share_is_taken(
                "requests under way",
                self.callers.max(),
                "compute.caller_places_max",
                self.retry_after(),
            )
        })
    }

    /// Takes a place in the queue.
    pub(super) fn admit(&self) -> Result<Place, Problem> {
        self.compute.admit().map_err(|refusal| self.refusal(refusal))
    }

    /// Takes a slot for an answer. The slot is free again when the last reference to the returned bytes is dropped.
    pub(super) async fn send(&self, bytes: Bytes) -> Result<Bytes, Problem> {
        let slot = slot(&self.sending, || self.connections.cut_longest_unread()).await;
        let slot = slot.ok_or_else(|| {
            self.full("too many answers are being sent", self.server.sending_max, "compute.sending_max")
        })?;
        Ok(Bytes::from_owner(SlottedBytes { bytes, _slot: slot }))
    }

    /// The problem of work that was refused.
    pub(super) fn refusal(&self, refusal: ComputeError) -> Problem {
        let problem = Problem::from(refusal);
        match refusal {
            ComputeError::Full => problem
                .limit(self.compute.places_max() as u64)
                .header(header::RETRY_AFTER, self.retry_after()),
            _ => problem,
        }
    }

    /// The seconds after which a refused client should try again: the time that the queue takes, from the measured time of
    /// the latest calls.
    pub(super) fn retry_after(&self) -> HeaderValue {
        let seconds = self.compute.time_to_turn().as_secs_f64().ceil() as u64;
        HeaderValue::from(seconds.clamp(1, RETRY_MAX_S))
    }

    fn full(&self, what: &str, max: usize, setting: &'static str) -> Problem {
        Problem::new(ProblemKind::Full, format!("{what}; try again shortly"))
            .limit(max as u64)
            .setting(setting)
            .header(header::RETRY_AFTER, self.retry_after())
    }
}

/// The problem of a caller that has `max` of something.
fn share_is_taken(what: &str, max: usize, setting: &'static str, retry_after: HeaderValue) -> Problem {
    let detail = format!("this address has {max} {what}; wait for their answers");
    Problem::new(ProblemKind::CallerShare, detail)
        .limit(max as u64)
        .setting(setting)
        .header(header::RETRY_AFTER, retry_after)
}

/// Takes a permit. If there is none, `make_room` may cut a connection that holds one, and the permit has a second to come
/// back.
async fn slot(slots: &Arc<Semaphore>, make_room: impl Fn() -> bool) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = slots.clone().try_acquire_owned() {
        return Some(permit);
    }
    if !make_room() {
        return None;
    }
    tokio::time::timeout(SLOT_PATIENCE, slots.clone().acquire_owned()).await.ok()?.ok()
}
