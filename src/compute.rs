//! The bridge from tokio to the pixel pool, the only one.
//!
//! ```text
//!  admit()          takes one of running_max + waiting_max places, or refuses at once
//!  Place::run()     waits for one of running_max turns, then for memory
//!  spawn_blocking   moves to a thread that may block
//!  pool.install     works on the rayon pool
//! ```
//!
//! Small pictures have a lane of their own: as many turns as large ones, on threads of their own. They so do not wait for
//! pictures that take a hundred times as long. The threads of the other pool have a lower priority than that lane and than the threads that
//! answer requests.
//!
//! Pixel work on a tokio thread would block all requests of that thread. One semaphore bounds the calls that compute, the
//! other the calls that compute or wait. A request takes its place after its body has arrived, so that a slow client takes
//! none.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::{
    config::ComputeConfig,
    memory::{MemoryPool, Reservation, TooLarge},
    system,
};

/// Most memory of a small picture's work, in bytes: about a megapixel.
const SMALL_BYTES_MAX: u64 = 12 << 20;
/// Niceness of the pool's threads, which all large pictures share.
const POOL_NICENESS: i32 = 5;
/// Weight of the newest call in the mean time of a call.
const NEWEST_WEIGHT: f64 = 0.1;

/// A pool for pixel work with bounded numbers of running and waiting calls. Clones share the pool.
#[derive(Clone, Debug)]
pub struct Compute {
    pool: Arc<ThreadPool>,
    /// The lane of small pictures, if there is one.
    small: Option<SmallLane>,
    /// One permit per call that runs or waits.
    places: Arc<Semaphore>,
    /// One permit per call that runs.
    running: Arc<Semaphore>,
    places_max: usize,
    running_max: usize,
    /// Mean time of the latest calls. `None` before the first.
    call_time: Arc<Mutex<Option<Duration>>>,
}

/// The lane of small pictures: one turn per thread.
#[derive(Clone, Debug)]
struct SmallLane {
    pool: Arc<ThreadPool>,
    /// One permit per call that runs in the lane.
    turn: Arc<Semaphore>,
}

impl SmallLane {
    fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let pool =
            ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("small-{i}")).build()?;
        Ok(Self { turn: Arc::new(Semaphore::new(pool.current_num_threads())), pool: Arc::new(pool) })
    }
}

/// A turn: the permit and the pool on which the work runs.
type Turn = (OwnedSemaphorePermit, Arc<ThreadPool>);

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
    /// The work can never get the memory that it needs.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
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
            // Without the lower priority everything is the same, only slower to answer under load.
            .start_handler(|_| drop(system::add_thread_niceness(POOL_NICENESS)))
            .build()?;
        // A number that the operator chose is the number of calls at the same time.
        let small = if config.running_max == 0 { Some(SmallLane::new(config.threads)?) } else { None };
        let running_max = match config.running_max {
            0 => pool.current_num_threads(),
            n => n.min(Semaphore::MAX_PERMITS),
        };
        let places_max = running_max.saturating_add(config.waiting_max).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            pool: Arc::new(pool),
            small,
            places: Arc::new(Semaphore::new(places_max)),
            running: Arc::new(Semaphore::new(running_max)),
            places_max,
            running_max,
            call_time: Arc::default(),
        })
    }

    /// Takes a place, or refuses at once.
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

    /// Waits for a place.
    ///
    /// # Errors
    /// [`ComputeError::Draining`] after [`Compute::close`].
    pub async fn wait_for_place(&self) -> Result<Place, ComputeError> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| ComputeError::Draining)?;
        Ok(Place { compute: self.clone(), place })
    }

    /// Checks that [`Compute::admit`] would give a place now. A full service so refuses a request before its body is read.
    ///
    /// # Errors
    /// Same errors as [`Compute::admit`].
    pub fn check_room(&self) -> Result<(), ComputeError> {
        self.admit().map(drop)
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

    /// Number of calls that run at the same time.
    pub fn running_max(&self) -> usize {
        self.running_max
    }

    /// Whether [`Compute::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.places.is_closed()
    }

    /// Number of threads of the pool.
    pub fn n_threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The time until a new call would have its turn: the calls with a place, times the mean time of the latest calls,
    /// divided by the calls that run at the same time.
    pub fn time_to_turn(&self) -> Duration {
        let n_places = self.places_max - self.places.available_permits().min(self.places_max);
        let mean = self.call_time.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).unwrap_or_default();
        mean.mul_f64(n_places as f64 / self.running_max.max(1) as f64)
    }

    /// Waits for a turn of work that takes `bytes` of memory. `None` when the runtime shuts down.
    async fn turn(&self, bytes: u64) -> Option<Turn> {
        let (turns, pool) = match self.small.as_ref().filter(|_| bytes <= SMALL_BYTES_MAX) {
            Some(lane) => (&lane.turn, &lane.pool),
            None => (&self.running, &self.pool),
        };
        Some((turns.clone().acquire_owned().await.ok()?, pool.clone()))
    }

    /// Adds a call's time to the mean.
    fn record(&self, took: Duration) {
        let mut mean = self.call_time.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *mean = Some(match *mean {
            Some(mean) => mean.mul_f64(1.0 - NEWEST_WEIGHT) + took.mul_f64(NEWEST_WEIGHT),
            None => took,
        });
    }
}

impl Place {
    /// Waits for a turn, then for `bytes` of `memory`, and runs `work` on the pixel pool. Returns its result with the
    /// memory.
    ///
    /// Dropping the future while it waits frees the place. Work that has started runs to its end, also after the future
    /// is dropped, and keeps its place and its memory until then.
    ///
    /// # Errors
    /// [`ComputeError::Panicked`] when `work` panics, [`ComputeError::TooLarge`] if `memory` has fewer bytes,
    /// [`ComputeError::Draining`] when the runtime shuts down.
    pub async fn run<T, F>(
        self,
        memory: &MemoryPool,
        bytes: u64,
        work: F,
    ) -> Result<(T, Reservation), ComputeError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        memory.check(bytes)?;
        let Place { compute, place } = self;
        let (turn, pool) = compute.turn(bytes).await.ok_or(ComputeError::Draining)?;
        let memory = memory.reserve(bytes).await?;
        tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| pool.install(work)));
            compute.record(began.elapsed());
            drop((turn, place));
            outcome.map(|result| (result, memory))
        })
        .await
        .map_err(|_| ComputeError::Draining)?
        .map_err(|_| ComputeError::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryBudget;

    fn compute(running_max: usize, waiting_max: usize) -> (Compute, MemoryPool) {
        let config = ComputeConfig { threads: 1, running_max, waiting_max, ..ComputeConfig::default() };
        (Compute::new(&config).unwrap(), MemoryBudget::new(3 << 20).work)
    }

    #[tokio::test]
    async fn a_full_service_refuses_at_once_and_recovers() {
        let (compute, memory) = compute(1, 1);
        let (first, second) = (compute.admit().unwrap(), compute.admit().unwrap());
        assert_eq!(compute.admit().unwrap_err(), ComputeError::Full);
        assert_eq!(first.run(&memory, 0, || 7).await.unwrap().0, 7);
        drop(second);
        assert!(compute.has_room());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_the_place_back() {
        let (compute, memory) = compute(1, 0);
        let outcome = compute.admit().unwrap().run(&memory, 1 << 20, || panic!("on purpose")).await;
        assert_eq!(outcome.map(|(n, _): ((), _)| n), Err(ComputeError::Panicked));
        assert_eq!(memory.free(), memory.bytes_max());
        let threads = compute.admit().unwrap().run(&memory, 0, rayon::current_num_threads).await;
        assert_eq!(threads.unwrap().0, 1);
    }

    #[tokio::test]
    async fn a_closed_service_refuses_new_work_and_finishes_the_old() {
        let (compute, memory) = compute(1, 1);
        let old = compute.admit().unwrap();
        compute.close();
        assert_eq!(compute.admit().unwrap_err(), ComputeError::Draining);
        assert_eq!(old.run(&memory, 0, || 1).await.unwrap().0, 1);
    }

    #[tokio::test]
    async fn work_waits_for_memory_and_what_never_fits_is_refused() {
        let (compute, memory) = compute(1, 1);
        let place = compute.admit().unwrap();
        let refused = place.run(&memory, 3 << 20, || ()).await.map(drop).unwrap_err();
        assert_eq!(refused, ComputeError::TooLarge(TooLarge { needed: 3 << 20, max: 2 << 20 }));
        let held = memory.reserve(2 << 20).await.unwrap();
        let mut waiting = std::pin::pin!(compute.admit().unwrap().run(&memory, 4096, || 5));
        assert!(tokio::time::timeout(Duration::from_millis(30), waiting.as_mut()).await.is_err());
        drop(held);
        assert_eq!(waiting.await.unwrap().0, 5);
    }

    #[tokio::test]
    async fn a_small_picture_does_not_wait_for_large_ones() {
        let config = ComputeConfig { threads: 1, waiting_max: 9, ..ComputeConfig::default() };
        let (compute, memory) = (Compute::new(&config).unwrap(), MemoryBudget::new(99 << 20).work);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let large = compute.admit().unwrap();
        let pool = memory.clone();
        let large = tokio::spawn(async move {
            large.run(&pool, SMALL_BYTES_MAX + 1, move || released.recv().is_err()).await.unwrap().0
        });
        tokio::task::yield_now().await;
        let small =
            compute.admit().unwrap().run(&memory, 4096, || std::thread::current().name() == Some("small-0"));
        let small = tokio::time::timeout(Duration::from_secs(60), small).await.expect("it does not wait");
        small.unwrap();
        drop(release);
        assert!(large.await.unwrap());
    }

    #[tokio::test]
    async fn the_time_to_a_turn_grows_with_the_queue() {
        let (compute, memory) = compute(1, 9);
        assert_eq!(compute.time_to_turn(), Duration::ZERO);
        let sleep = || std::thread::sleep(Duration::from_millis(20));
        compute.admit().unwrap().run(&memory, 0, sleep).await.unwrap();
        let places: Vec<_> = (0..10).map(|_| compute.admit().unwrap()).collect();
        assert!(compute.time_to_turn() >= Duration::from_millis(200));
        drop(places);
    }
}
