//! The only bridge from tokio to the pixel pool: admission by two semaphores, then `spawn_blocking` into rayon.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::config::ComputeConfig;

/// A pool for pixel work with bounded numbers of running and waiting calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Compute {
    pool: Arc<ThreadPool>,
    /// One permit per call that runs or waits.
    places: Arc<Semaphore>,
    /// One permit per call that runs.
    running: Arc<Semaphore>,
    places_max: usize,
}

/// A call was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ComputeError {
    /// As many calls wait as may.
    #[error("the service is full")]
    Full,
    /// The service is stopping.
    #[error("the service is stopping")]
    Draining,
    /// The work panicked; the panic has been printed.
    #[error("the work failed by a fault of the program")]
    Panicked,
}

/// The right to be computed soon; dropping it gives the place back.
#[derive(Debug)]
pub struct Place {
    compute: Compute,
    place: OwnedSemaphorePermit,
}

impl Compute {
    /// # Errors
    /// When the system gives no threads.
    pub fn new(config: &ComputeConfig) -> Result<Self, ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(config.threads)
            .thread_name(|i| format!("pixels-{i}"))
            .build()?;
        let running_max = match config.running_max {
            0 => pool.current_num_threads(),
            n => n,
        };
        let places_max = running_max.saturating_add(config.waiting_max).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            pool: Arc::new(pool),
            places: Arc::new(Semaphore::new(places_max)),
            running: Arc::new(Semaphore::new(running_max.min(Semaphore::MAX_PERMITS))),
            places_max,
        })
    }

    /// Takes a place at once or refuses; to be called before a body is read, so that a full service reads nothing.
    ///
    /// # Errors
    /// [`ComputeError::Full`] and [`ComputeError::Draining`].
    pub fn admit(&self) -> Result<Place, ComputeError> {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => Ok(Place { compute: self.clone(), place }),
            Err(TryAcquireError::NoPermits) => Err(ComputeError::Full),
            Err(TryAcquireError::Closed) => Err(ComputeError::Draining),
        }
    }

    /// Refuses every further call.
    pub fn close(&self) {
        self.places.close();
    }

    /// Whether a call would be admitted now.
    pub fn has_room(&self) -> bool {
        !self.places.is_closed() && self.places.available_permits() > 0
    }

    /// Calls that may run and wait together.
    pub fn places_max(&self) -> usize {
        self.places_max
    }

    /// Whether [`Compute::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.places.is_closed()
    }

    /// Threads of the pool.
    pub fn n_threads(&self) -> usize {
        self.pool.current_num_threads()
    }
}

impl Place {
    /// Waits for a turn and runs `work` on the pixel pool. A caller that goes away while waiting costs nothing more;
    /// work that has begun runs to its end and keeps its place so long.
    ///
    /// # Errors
    /// [`ComputeError::Panicked`].
    pub async fn run<T, F>(self, work: F) -> Result<T, ComputeError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let Place { compute, place } = self;
        let turn = compute.running.acquire_owned().await.map_err(|_| ComputeError::Draining)?;
        let pool = compute.pool;
        tokio::task::spawn_blocking(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| pool.install(work)));
            drop((turn, place));
            outcome
        })
        .await
        .map_err(|_| ComputeError::Draining)?
        .map_err(|_| ComputeError::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compute(running_max: usize, waiting_max: usize) -> Compute {
        Compute::new(&ComputeConfig { threads: 1, running_max, waiting_max }).unwrap()
    }

    #[tokio::test]
    async fn a_full_service_refuses_at_once_and_recovers() {
        let compute = compute(1, 1);
        let (first, second) = (compute.admit().unwrap(), compute.admit().unwrap());
        assert_eq!(compute.admit().unwrap_err(), ComputeError::Full);
        assert_eq!(first.run(|| 7).await, Ok(7));
        drop(second);
        assert!(compute.has_room());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_the_place_back() {
        let compute = compute(1, 0);
        let outcome = compute.admit().unwrap().run(|| panic!("on purpose")).await;
        assert_eq!(outcome, Err::<(), _>(ComputeError::Panicked));
        assert_eq!(compute.admit().unwrap().run(rayon::current_num_threads).await, Ok(1));
    }

    #[tokio::test]
    async fn a_closed_service_refuses_new_work_and_finishes_the_old() {
        let compute = compute(1, 1);
        let old = compute.admit().unwrap();
        compute.close();
        assert_eq!(compute.admit().unwrap_err(), ComputeError::Draining);
        assert_eq!(old.run(|| 1).await, Ok(1));
    }
}
