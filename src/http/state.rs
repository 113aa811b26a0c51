//! The state that all handlers share.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{
    error::no_jobs, problem::Problem, result_bodies::ResultBodies, running_requests::RunningRequests,
    trust::Trust,
};
use crate::{
    compute::{Compute, ComputeError, Place},
    jobs::service::{Availability, Jobs},
};
use pentimento_core::{imaging::codec::Limits, models::predictor::Predictor};

/// The state that a handler may use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The pixel pool and its admission.
    pub compute: Compute,
    /// The model that predicts.
    pub predictor: Arc<Predictor>,
    /// Limits of one picture.
    pub limits: Limits,
    /// Longest time in which a body must arrive.
    pub body_timeout: Duration,
    /// The requests that the service is working on.
    pub(super) running: RunningRequests,
    /// Who may change something.
    pub(super) trust: Trust,
    /// The jobs, or why they cannot be reached.
    availability: watch::Receiver<Availability>,
    /// Lengths and digests of the results of ended jobs.
    pub(super) result_bodies: ResultBodies,
}

impl AppState {
    /// The state of a service without jobs.
    pub fn new(compute: Compute, predictor: Arc<Predictor>, limits: Limits, body_timeout: Duration) -> Self {
        let (_, availability) = watch::channel(Availability::Closed("jobs were not opened".to_owned()));
        Self {
            compute,
            predictor,
            limits,
            body_timeout,
            running: RunningRequests::default(),
            trust: Trust::default(),
            availability,
            result_bodies: ResultBodies::default(),
        }
    }

    /// The same state with jobs. Handlers reach the jobs as soon as they are open.
    #[must_use]
    pub fn with_jobs(self, availability: watch::Receiver<Availability>) -> Self {
        Self { availability, ..self }
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

    /// Takes a place in the queue. A handler calls this before it reads the body.
    pub(super) fn admit(&self) -> Result<Place, Problem> {
        self.compute.admit().map_err(|refusal| self.refusal(refusal))
    }

    /// The problem of a request that got no place.
    pub(super) fn refusal(&self, refusal: ComputeError) -> Problem {
        let problem = Problem::from(refusal);
        match refusal {
            ComputeError::Full => problem.limit(self.compute.places_max() as u64),
            _ => problem,
        }
    }
}
