//! The state that all handlers share.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{
    callers::Callers, connection::Connections, cut_order::CutOrder, error::no_jobs, in_flight::InFlight,
    problem::Problem, result_bodies::ResultBodies, trust::Trust,
};
use crate::{
    compute::Compute,
    config::RestoreConfig,
    jobs::service::{Availability, Jobs},
    memory::MemoryBudget,
};
use pentimento_core::{imaging::codec::Limits, models::predictor::Predictor};

/// Bounds on requests: their number and their times.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Longest time in which a body, or one picture of a form, must arrive.
    pub body_timeout: Duration,
    /// Longest time from the end of the body to the answer.
    pub request_timeout: Duration,
    /// Fewest bytes per second of a body.
    pub rate_min: u64,
    /// Most bodies that arrive at the same time.
    pub receiving_max: usize,
    /// Most answers with pictures that are sent at the same time.
    pub sending_max: usize,
    /// Most requests of one caller at the same time.
    pub caller_max: usize,
    /// Most pictures of one form.
    pub pictures_max: usize,
}

/// The state that a handler may use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The pixel pool and its admission.
    pub compute: Compute,
    /// The model that predicts.
    pub predictor: Arc<Predictor>,
    /// Limits of one picture.
    pub limits: Limits,
    /// What holds for pictures about which the client says nothing.
    pub(super) defaults: RestoreConfig,
    /// The memory of requests.
    pub memory: MemoryBudget,
    /// Bounds on requests.
    pub(super) server: RequestLimits,
    /// The order to end the requests that take too long.
    pub(super) cut_order: CutOrder,
    /// Set when the service is about to stop.
    stopping: CancellationToken,
    /// Set when the service takes no new requests.
    draining: CancellationToken,
    /// The open connections.
    pub(super) connections: Connections,
    /// The requests of each caller in work.
    pub(super) callers: Callers,
    /// The bodies that arrive from each caller.
    pub(super) senders: Callers,
    /// One permit per body that arrives.
    pub(super) receiving: Arc<Semaphore>,
    /// One permit per answer that is sent.
    pub(super) sending: Arc<Semaphore>,
    /// The restorations that are being worked on.
    pub(super) in_flight: InFlight,
    /// Who may change something.
    pub(super) trust: Trust,
    /// The jobs, or why they cannot be reached.
    availability: watch::Receiver<Availability>,
    /// Lengths and digests of the results of ended jobs.
    pub(super) result_bodies: ResultBodies,
}

impl AppState {
    /// The state of a service without jobs.
    pub fn new(
        compute: Compute,
        predictor: Arc<Predictor>,
        limits: Limits,
        memory: MemoryBudget,
        server: RequestLimits,
    ) -> Self {
        let (_, availability) = watch::channel(Availability::Closed("jobs were not opened".to_owned()));
        let connections = Connections::default();
        let (unread, slow) = (connections.clone(), connections.clone());
        memory.work.on_shortage(move || {
            unread.cut_longest_unread();
        });
        memory.bodies.on_shortage(move || {
            // An answer that is the input's own bytes holds the memory of its body.
            if !slow.cut_slowest_body(server.rate_min) {
                slow.cut_longest_unread();
            }
        });
        Self {
            compute,
            predictor,
            limits,
            defaults: RestoreConfig::default(),
            memory,
            cut_order: CutOrder::default(),
            stopping: CancellationToken::new(),
            draining: CancellationToken::new(),
            connections,
            callers: Callers::new(server.caller_max),
            senders: Callers::new((server.receiving_max * 3).div_ceil(4)),
            receiving: Arc::new(Semaphore::new(server.receiving_max.min(Semaphore::MAX_PERMITS))),
            sending: Arc::new(Semaphore::new(server.sending_max.min(Semaphore::MAX_PERMITS))),
            server,
            in_flight: InFlight::default(),
            trust: Trust::default(),
            availability,
            result_bodies: ResultBodies::default(),
        }
    }

    /// The same state with settings for pictures about which the client says nothing.
    #[must_use]
    pub fn with_defaults(self, defaults: RestoreConfig) -> Self {
        Self { defaults, ..self }
    }

    /// The same state with jobs. Handlers reach the jobs as soon as they are open.
    #[must_use]
    pub fn with_jobs(self, availability: watch::Receiver<Availability>) -> Self {
        Self { availability, ..self }
    }

    /// The service is about to stop: it is no longer ready, and still takes new requests.
    pub(super) fn announce_stop(&self) {
        self.stopping.cancel();
    }

    /// The service takes no new requests. Those under way go on, also if their bodies are still arriving.
    pub(super) fn drain(&self) {
        self.draining.cancel();
    }

    /// Whether the service takes no new requests.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled() || self.compute.is_closed()
    }

    /// Whether the service is about to stop, or stops.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled() || self.is_draining()
    }

    /// The same state with hosts and origins that may change something, besides loopback names and IP addresses.
    #[must_use]
    pub fn with_trust(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// The jobs, if they are open.
    pub(super) fn jobs(&self) -> Result<Arc<Jobs>, Problem> {
        match &*self.availability.borrow() {
            Availability::Open(jobs) => Ok(jobs.clone()),
            Availability::Closed(reason) => Err(no_jobs(reason)),
        }
    }
}
