//! The budget: two pools of memory, and reservations in them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of one permit. Reservations are rounded up to whole units.
const UNIT_BYTES: u64 = 4096;
/// Part of the budget for bodies: one third. The rest is for work and answers.
const BODIES_DIVISOR: u64 = 3;
/// Period in which a waiting reservation asks again for relief.
const RELIEF_PERIOD: Duration = Duration::from_millis(200);

/// A request can never get the memory that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the request takes up to {needed} bytes of memory; at most {max} bytes are allowed")]
pub struct TooLarge {
    /// Bytes that the request needs.
    pub needed: u64,
    /// All bytes of the pool.
    pub max: u64,
}

/// The memory that requests may use. Cheap to clone; clones share the pools.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    /// Memory for the bodies of requests.
    pub bodies: MemoryPool,
    /// Memory for working on requests, and for their answers.
    pub work: MemoryPool,
}

impl MemoryBudget {
    /// Divides `bytes` between the two pools.
    pub fn new(bytes: u64) -> Self {
        let bodies = bytes / BODIES_DIVISOR;
        Self { bodies: MemoryPool::new(bodies), work: MemoryPool::new(bytes - bodies) }
    }
}

/// A way to make memory free, for example by cutting answers that nobody reads.
type Relief = Box<dyn Fn() + Send + Sync>;

/// One part of the budget. Waiting reservations are served in their order.
#[derive(Clone)]
pub struct MemoryPool {
    permits: Arc<Semaphore>,
    units_max: u32,
    relief: Arc<OnceLock<Relief>>,
}

impl fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPool").field("free", &self.free()).field("max", &self.bytes_max()).finish()
    }
}

impl MemoryPool {
    fn new(bytes: u64) -> Self {
        let units_max = u32::try_from(bytes / UNIT_BYTES).unwrap_or(u32::MAX);
        Self { permits: Arc::new(Semaphore::new(units_max as usize)), units_max, relief: Arc::default() }
    }

    /// All bytes of the pool.
    pub fn bytes_max(&self) -> u64 {
        u64::from(self.units_max) * UNIT_BYTES
    }

    /// Bytes that are not reserved.
    pub fn free(&self) -> u64 {
        self.permits.available_permits() as u64 * UNIT_BYTES
    }

    /// Sets what a waiting reservation does five times a second. Only the first call has an effect.
    pub fn on_shortage(&self, relief: impl Fn() + Send + Sync + 'static) {
        let _ = self.relief.set(Box::new(relief));
    }

    /// Checks that a reservation of `needed` bytes can succeed at some time.
    ///
    /// # Errors
    /// If the whole pool has fewer bytes.
    pub fn check(&self, needed: u64) -> Result<(), TooLarge> {
        match needed <= self.bytes_max() {
            true => Ok(()),
            false => Err(TooLarge { needed, max: self.bytes_max() }),
        }
    }

    /// A reservation of nothing, which can grow.
    pub fn nothing(&self) -> Reservation {
        Reservation { pool: self.clone(), permit: None }
    }

    /// Reserves `bytes`. Waits until they are free, and asks for relief meanwhile.
    ///
    /// # Errors
    /// If the whole pool has fewer bytes.
    pub async fn reserve(&self, bytes: u64) -> Result<Reservation, TooLarge> {
        self.check(bytes)?;
        let permit = self.acquire(units(bytes)).await;
        Ok(Reservation { pool: self.clone(), permit: Some(permit) })
    }

    /// Waits for `units`, and asks for relief meanwhile.
    async fn acquire(&self, units: u32) -> OwnedSemaphorePermit {
        let mut acquiring = std::pin::pin!(self.permits.clone().acquire_many_owned(units));
        loop {
            match tokio::time::timeout(RELIEF_PERIOD, acquiring.as_mut()).await {
                Ok(permit) => return permit.expect("the semaphore of a pool is never closed"),
                Err(_) => self.relieve(),
            }
        }
    }

    fn relieve(&self) {
        if let Some(relief) = self.relief.get() {
            relief();
        }
    }
}

/// Reserved memory of a pool. Dropping it gives the memory back.
#[derive(Debug)]
pub struct Reservation {
    pool: MemoryPool,
    permit: Option<OwnedSemaphorePermit>,
}

impl Reservation {
    /// The pool of the reservation.
    pub fn pool(&self) -> &MemoryPool {
        &self.pool
    }

    /// Reserved bytes.
    pub fn bytes(&self) -> u64 {
        self.permit.as_ref().map_or(0, |permit| permit.num_permits() as u64 * UNIT_BYTES)
    }

    /// Grows to at least `bytes`. Waits at most `patience` for free memory, and asks for relief meanwhile. Returns whether
    /// the reservation has the bytes.
    pub async fn grow_to(&mut self, bytes: u64, patience: Duration) -> bool {
        let missing = units(bytes).saturating_sub(units(self.bytes()));
        if missing == 0 {
            return true;
        }
        let permits = self.pool.permits.clone();
        let permit = match permits.try_acquire_many_owned(missing) {
            Ok(permit) => permit,
            Err(_) => match tokio::time::timeout(patience, self.pool.acquire(missing)).await {
                Ok(permit) => permit,
                Err(_) => return false,
            },
        };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        true
    }

    /// Gives back what is reserved above `bytes`.
    pub fn shrink_to(&mut self, bytes: u64) {
        let keep = units(bytes) as usize;
        if let Some(permit) = &mut self.permit
            && permit.num_permits() > keep
        {
            drop(permit.split(permit.num_permits() - keep));
        }
    }
}

/// The units that hold `bytes`.
fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn reservations_grow_shrink_and_come_back() {
        let pool = MemoryPool::new(100 * UNIT_BYTES);
        let mut one = pool.nothing();
        assert!(one.grow_to(10_000, PATIENCE).await);
        assert_eq!((one.bytes(), pool.free()), (3 * UNIT_BYTES, 97 * UNIT_BYTES));
        assert!(one.grow_to(60 * UNIT_BYTES, PATIENCE).await);
        let mut two = pool.nothing();
        assert!(!two.grow_to(41 * UNIT_BYTES, Duration::from_millis(1)).await, "only 40 units are free");
        one.shrink_to(1);
        assert_eq!(pool.free(), 99 * UNIT_BYTES);
        assert!(two.grow_to(41 * UNIT_BYTES, PATIENCE).await);
        drop((one, two));
        assert_eq!(pool.free(), pool.bytes_max());
    }

    #[tokio::test]
    async fn what_can_never_fit_is_refused_at_once() {
        let pool = MemoryPool::new(10 * UNIT_BYTES);
        let refused = pool.reserve(11 * UNIT_BYTES).await.unwrap_err();
        assert_eq!(refused, TooLarge { needed: 11 * UNIT_BYTES, max: 10 * UNIT_BYTES });
        assert_eq!(pool.reserve(u64::MAX).await.unwrap_err().needed, u64::MAX);
    }

    #[tokio::test]
    async fn a_waiting_reservation_asks_for_relief() {
        let pool = MemoryPool::new(10 * UNIT_BYTES);
        let held = std::sync::Mutex::new(Some(pool.reserve(8 * UNIT_BYTES).await.unwrap()));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        pool.on_shortage(move || {
            count.fetch_add(1, Ordering::Relaxed);
            held.lock().unwrap().take();
        });
        pool.reserve(5 * UNIT_BYTES).await.unwrap();
        assert!(asked.load(Ordering::Relaxed) >= 1);
    }
}
