//! The uploaded pictures that wait on the disk: how many bytes they have, and when there is room for more.
//!
//! A picture counts from before it is written until its file is removed. The count is a state of the process: the start
//! of the service counts the files that it finds.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use thiserror::Error;

use crate::storage::TaskRef;

/// Number of the last removals from which the wait for room is computed.
const REMOVALS_MAX: usize = 32;
/// Removals older than this say nothing about the wait.
const REMOVAL_AGE_MAX: Duration = Duration::from_secs(300);
/// Wait that is named while no removal is known, in seconds.
const WAIT_DEFAULT_S: u64 = 10;
/// Longest wait that is named, in seconds.
const WAIT_MAX_S: u64 = 600;

/// Why pictures cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The pictures of one request are larger than all the room there is.
    #[error(
        "the pictures have {size} bytes together; at most {max} bytes of waiting pictures are stored, so they must be \
         restored without respond-async"
    )]
    NeverFits {
        /// Bytes of the request's pictures.
        size: u64,
        /// The setting `jobs.stored_bytes_max`.
        max: u64,
    },
    /// Earlier pictures take the room.
    #[error("waiting pictures take {stored} of {max} bytes; there is no room for {size} bytes more")]
    Full {
        /// Bytes of the request's pictures.
        size: u64,
        /// Bytes of the pictures that wait.
        stored: u64,
        /// The setting `jobs.stored_bytes_max`.
        max: u64,
        /// Time until there may be room, in seconds.
        wait_s: u64,
    },
}

/// The pictures that are stored. Shared by reference.
#[derive(Debug)]
pub(super) struct StoredPictures {
    bytes_max: u64,
    state: Mutex<Pictures>,
}

#[derive(Debug, Default)]
struct Pictures {
    sizes: HashMap<TaskRef, u64>,
    /// Sum of `sizes`.
    bytes: u64,
    /// The last removals: time and bytes, oldest first.
    removals: VecDeque<(Instant, u64)>,
}

impl StoredPictures {
    /// No pictures, and room for `bytes_max` bytes.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, state: Mutex::default() }
    }

    /// Takes room for the pictures of a new job, given by their sizes in the order of its tasks.
    pub(super) fn reserve(&self, job: &str, sizes: &[u64]) -> Result<(), StoreError> {
        let (size, max) = (sizes.iter().sum(), self.bytes_max);
        if size > max {
            return Err(StoreError::NeverFits { size, max });
        }
        let mut state = self.lock();
        let stored = state.bytes;
        let missing = stored.saturating_add(size).saturating_sub(max);
        if missing > 0 {
            let wait_s = state.wait_s(missing, Instant::now());
            return Err(StoreError::Full { size, stored, max, wait_s });
        }
        for (position, size) in (0_i64..).zip(sizes) {
            state.add(TaskRef { job: job.to_owned(), position }, *size);
        }
        Ok(())
    }

    /// Counts a picture that was found on the disk, without regard to the limit.
    pub(super) fn add_found(&self, task: TaskRef, size: u64) {
        self.lock().add(task, size);
    }

    /// Whether the picture of a task counts.
    pub(super) fn contains(&self, task: &TaskRef) -> bool {
        self.lock().sizes.contains_key(task)
    }

    /// Gives back the room of a picture that was removed.
    pub(super) fn release(&self, task: &TaskRef) {
        let mut state = self.lock();
        if let Some(size) = state.sizes.remove(task) {
            state.bytes -= size;
            if state.removals.len() == REMOVALS_MAX {
                state.removals.pop_front();
            }
            state.removals.push_back((Instant::now(), size));
        }
    }

    /// Gives back the room of all pictures of a job.
    pub(super) fn release_job(&self, job: &str) {
        let tasks: Vec<TaskRef> = self.lock().sizes.keys().filter(|task| task.job == job).cloned().collect();
        tasks.iter().for_each(|task| self.release(task));
    }

    /// Bytes of all pictures.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Pictures> {
        // No code under the lock can panic between two changes that belong together.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Pictures {
    fn add(&mut self, task: TaskRef, size: u64) {
        self.bytes += size;
        if let Some(earlier) = self.sizes.insert(task, size) {
            self.bytes -= earlier;
        }
    }

    /// Time until `missing` bytes are free at the rate of the last removals, in whole seconds.
    fn wait_s(&self, missing: u64, now: Instant) -> u64 {
        let recent = self.removals.iter().filter(|(at, _)| now.duration_since(*at) <= REMOVAL_AGE_MAX);
        let (mut freed, mut since) = (0, now);
        for (at, size) in recent {
            freed += size;
            since = since.min(*at);
        }
        if freed == 0 {
            return WAIT_DEFAULT_S;
        }
        let span_s = now.duration_since(since).as_secs_f64();
        let wait_s = (missing as f64 * span_s / freed as f64).ceil();
        // A float that is out of range becomes the nearest number of the range.
        (wait_s as u64).clamp(1, WAIT_MAX_S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(job: &str, position: i64) -> TaskRef {
        TaskRef { job: job.to_owned(), position }
    }

    #[test]
    fn pictures_take_room_until_they_are_removed() {
        let stored = StoredPictures::new(100);
        assert_eq!(stored.reserve("big", &[60, 41]), Err(StoreError::NeverFits { size: 101, max: 100 }));
        stored.reserve("a", &[60, 30]).unwrap();
        let full = StoreError::Full { size: 11, stored: 90, max: 100, wait_s: WAIT_DEFAULT_S };
        assert_eq!(stored.reserve("b", &[11]), Err(full));
        stored.reserve("b", &[10]).unwrap();
        stored.release(&task("a", 1));
        stored.release(&task("a", 1));
        assert_eq!(stored.bytes(), 70);
        assert!(stored.contains(&task("a", 0)) && !stored.contains(&task("a", 1)));
        stored.release_job("a");
        assert_eq!(stored.bytes(), 10);
        stored.add_found(task("c", 0), 500);
        assert_eq!(stored.bytes(), 510);
        assert!(matches!(stored.reserve("d", &[1]), Err(StoreError::Full { stored: 510, .. })));
    }

    #[test]
    fn the_wait_follows_the_rate_of_removals() {
        let now = Instant::now();
        let mut state = Pictures::default();
        assert_eq!(state.wait_s(5, now), WAIT_DEFAULT_S);
        state.removals.push_back((now, 50));
        state.removals.push_back((now, 50));
        let at = |s| now + Duration::from_secs(s);
        assert_eq!(state.wait_s(200, at(10)), 20, "100 bytes in 10 s");
        assert_eq!(state.wait_s(1, at(10)), 1);
        assert_eq!(state.wait_s(u64::MAX, at(10)), WAIT_MAX_S);
        assert_eq!(state.wait_s(5, at(1000)), WAIT_DEFAULT_S, "old removals say nothing");
    }
}
