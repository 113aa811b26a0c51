//! What handlers share.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    compute::{Compute, ComputeError, Place},
    jobs::service::{Availability, Jobs},
};
use pentimento_core::{imaging::codec::Limits, models::predictor::Predictor};

use super::{error::no_jobs, jobs::Measured, problem::Problem, under_way::UnderWay};

/// Everything a handler may use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The pixel pool and its admission.
    pub compute: Compute,
    /// The model that predicts.
    pub predictor: Arc<Predictor>,
    /// What one picture may cost.
    pub limits: Limits,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    pub(super) under_way: UnderWay,
    /// Jobs, or why there are none.
    availability: watch::Receiver<Availability>,
    pub(super) measured: Measured,
}

impl AppState {
    /// The state of one service that has no jobs.
    pub fn new(compute: Compute, predictor: Arc<Predictor>, limits: Limits, body_timeout: Duration) -> Self {
        let (_, availability) = watch::channel(Availability::Closed("jobs were not opened".to_owned()));
        Self {
            compute,
            predictor,
            limits,
            body_timeout,
            under_way: UnderWay::default(),
            availability,
            measured: Measured::default(),
        }
    }

    /// The same with jobs, as soon as they are open.
    #[must_use]
    pub fn with_jobs(self, availability: watch::Receiver<Availability>) -> Self {
        Self { availability, ..self }
    }

    /// Jobs, if they are open.
    pub(super) fn jobs(&self) -> Result<Arc<Jobs>, Problem> {
        match &*self.availability.borrow() {
            Availability::Open(jobs) => Ok(jobs.clone()),
            Availability::Closed(reason) => Err(no_jobs(reason)),
        }
    }

    /// A place in the queue, to be taken before the body is read.
    pub(super) fn admit(&self) -> Result<Place, Problem> {
        self.compute.admit().map_err(|refusal| self.refusal(refusal))
    }

    /// Why there is no place.
    pub(super) fn refusal(&self, refusal: ComputeError) -> Problem {
        let problem = Problem::from(refusal);
        match refusal {
            ComputeError::Full => problem.limit(self.compute.places_max() as u64),
            _ => problem,
        }
    }
}
