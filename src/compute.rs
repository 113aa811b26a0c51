//! The bridge from tokio to the pixel pool, the only one.
//!
//! ```text
//!  admit()          takes one of running_max + waiting_max places, or refuses at once
//!  Place::run()     waits for one of running_max turns
//!  spawn_blocking   moves to a thread that may block
//!  pool.install     works on the rayon pool
//! ```
//!
//! Pixel work on a tokio thread would block all requests of that thread. One semaphore bounds the calls that compute, the
//! other the calls that compute or wait.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::config::ComputeConfig;

/// A pool for pixel work with bounded numbers of running and waiting calls. Clones share the pool.
#[derive(Clone, Debug)]
pub struct Compute {
    pool: Arc<ThreadPool>,
    /// One permit per call that runs or waits.
    places: Arc<Semaphore>,
    /// One permit per call that runs.
    running: Arc<Semaphore>,
    places_max: usize,
}

/// Why a call was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ComputeError {
    /// All places are taken by running and waiting calls.
    #[error("the service is full")]
    Full,
    /// The service is stopping.
    #[error("the service is stopping")]
    Draining,
    /// The work panicked. Rust's panic hook has printed the panic.
    #[error("a fault of the program (panic) ended the work")]
    Panicked,
}

/// A place among the running and waiting calls. Dropping it frees the place.
#[derive(Debug)]
pub struct Place {
    compute: Compute,
    place: OwnedSemaphorePermit,
}

impl Compute {
    /// Starts the threads of the pool.
    ///
    /// # Errors
    /// When the system refuses to start a thread.
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

    /// Takes a place, or refuses at once. Call it before reading a request's body: a full service then reads nothing.
    ///
    /// # Errors
    /// [`ComputeError::Full`] without a free place, [`ComputeError::Draining`] after [`Compute::close`].
    pub fn admit(&self) -> Result<Place, ComputeError> {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => Ok(Place { compute: self.clone(), place }),
            Err(TryAcquireError::NoPermits) => Err(ComputeError::Full),
            Err(TryAcquireError::Closed) => Err(ComputeError::Draining),
        }
    }

    /// Refuses all further calls. Calls with a place go on.
    pub fn close(&self) {
        self.places.close();
    }

    /// Whether [`Compute::admit`] would give a place now.
    pub fn has_room(&self) -> bool {
        !self.places.is_closed() && self.places.available_permits() > 0
    }

    /// Number of places: of running and waiting calls together.
    pub fn places_max(&self) -> usize {
        self.places_max
    }

    /// Whether [`Compute::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.places.is_closed()
    }

    /// Number of threads of the pool.
    pub fn n_threads(&self) -> usize {
        self.pool.current_num_threads()
    }
}

impl Place {
    /// Waits for a turn and runs `work` on the pixel pool.
    ///
    /// Dropping the future while it waits frees the place. Work that has started runs to its end, also after the future
    /// is dropped, and keeps its place until then.
    ///
    /// # Errors
    /// [`ComputeError::Panicked`] when `work` panics, [`ComputeError::Draining`] when the runtime shuts down.
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
