//! Runs one piece of work per item on a pool of threads. The number of items in memory is at most the number of
//! threads.
//!
//! Every thread takes the next item until none is left, and then helps the items that still run. So one huge item uses
//! all threads, and many small items do not wait for each other. A thread that waits inside an item can help another
//! item, but begins no new one.
//!
//! ```text
//! thread 1:  item 0 | item 2 | item 4 | helps item 3
//! thread 2:  item 1 | item 3 ------------------------
//! ```

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow};

use crate::system;

/// Cost of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolUsage {
    /// Number of threads of the pool.
    pub threads: usize,
    /// Number of cores that the process may use.
    pub cores: usize,
    /// Wall-clock seconds.
    pub wall_s: f64,
    /// CPU seconds of the process, user and system.
    pub cpu_s: f64,
}

impl PoolUsage {
    /// Returns the CPU time as a share of the threads' wall-clock time, 0–1.
    pub fn utilisation(&self) -> f64 {
        self.cpu_s / (self.wall_s * self.threads as f64)
    }
}

/// Does `work` for every item with `threads` threads (0 takes all cores). Returns one result per item in the items'
/// order, and the cost. A panic fails only its item. Calls `done` as each item ends.
///
/// # Errors
/// When the system gives no threads.
pub fn run<I: Sync, T: Send>(
    items: &[I],
    threads: usize,
    done: &(dyn Fn() + Sync),
    work: impl Fn(&I) -> Result<T> + Sync,
) -> Result<(Vec<Result<T>>, PoolUsage)> {
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("starting the pixel pool")?;
    let (started, cpu_before) = (Instant::now(), cpu_seconds());
    let slots: Vec<Mutex<Option<Result<T>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let take_items = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let outcome = catch_unwind(AssertUnwindSafe(|| work(item)))
                .unwrap_or_else(|_| Err(anyhow!("a fault of the program (panic)")));
            *slots[index].lock().unwrap_or_else(|e| e.into_inner()) = Some(outcome);
            done();
        }
    };
    // `broadcast` runs the loop once per thread, so no thread has to be woken between two items.
    pool.broadcast(|_| take_items());
    let usage = PoolUsage {
        threads: pool.current_num_threads(),
        cores: thread::available_parallelism().map_or(1, usize::from),
        wall_s: started.elapsed().as_secs_f64(),
        cpu_s: cpu_seconds() - cpu_before,
    };
    let outcome = |slot: Mutex<Option<Result<T>>>| {
        slot.into_inner()
            .unwrap_or_else(|e| e.into_inner())
            .unwrap_or_else(|| Err(anyhow!("was not started")))
    };
    Ok((slots.into_iter().map(outcome).collect(), usage))
}

/// Returns the CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    system::cpu_time().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn outcomes_come_in_order_and_a_panic_fails_one_item() {
        let items: Vec<usize> = (0..50).collect();
        let counted = AtomicUsize::new(0);
        let done = || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let work = |&i: &usize| {
            assert!(i != 7, "on purpose");
            if i == 9 { Err(anyhow!("nine")) } else { Ok((0..i).into_par_iter().sum::<usize>()) }
        };
        let (outcomes, usage) = run(&items, 3, &done, work).unwrap();
        assert_eq!((counted.load(Ordering::Relaxed), usage.threads), (50, 3));
        for (i, outcome) in outcomes.iter().enumerate() {
            match i {
                7 => assert!(outcome.as_ref().unwrap_err().to_string().contains("panic")),
                9 => assert_eq!(outcome.as_ref().unwrap_err().to_string(), "nine"),
                _ => assert_eq!(*outcome.as_ref().unwrap(), i * i.saturating_sub(1) / 2),
            }
        }
    }

    #[test]
    fn no_more_items_are_begun_at_a_time_than_there_are_threads() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |_: &usize| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Nested parallel work makes threads wait and look for something else to do.
            (0..64).into_par_iter().for_each(|_| thread::yield_now());
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        run(&(0..200).collect::<Vec<usize>>(), 2, &|| (), work).unwrap();
        assert!(most.load(Ordering::SeqCst) <= 2);
    }
}
