//! What handlers share.

use std::{sync::Arc, time::Duration};

use crate::{
    compute::{Compute, ComputeError, Place},
    imaging::codec::Limits,
    predictor::Predictor,
};

use super::{problem::Problem, under_way::UnderWay};

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
}

impl AppState {
    /// The state of one service.
    pub fn new(compute: Compute, predictor: Arc<Predictor>, limits: Limits, body_timeout: Duration) -> Self {
        Self { compute, predictor, limits, body_timeout, under_way: UnderWay::default() }
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
