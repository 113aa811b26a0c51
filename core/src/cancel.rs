//! The flag that stops work whose answer nobody waits for.
//!
//! The caller keeps a clone of the flag and sets it from any thread. Long functions look at it between blocks of rows and
//! end with [`Cancelled`]. The flag is an argument: the signature of a function shows
//! that it can be stopped.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use thiserror::Error;

/// A flag that all its clones share. It starts unset and is never unset again.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<CancelState>);

/// The state that all clones of a [`Cancel`] share.
#[derive(Debug, Default)]
struct CancelState {
    is_set: AtomicBool,
    /// Number of checks until the flag sets itself; 0 for a flag that does not.
    checks_left: AtomicU64,
}

/// The work was cancelled; there is no result.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the work was cancelled")]
pub struct Cancelled;

impl Cancel {
    /// Returns an unset flag that nobody sets, for work that runs to its end.
    pub fn never() -> Self {
        Self::default()
    }

    /// Returns a flag that its `n`-th check finds set, and every later one. For tests: they stop work at every check, one
    /// after the other. For 0 it never sets itself.
    pub fn at_check(n: u64) -> Self {
        let state = CancelState { checks_left: AtomicU64::new(n), ..CancelState::default() };
        Self(Arc::new(state))
    }

    /// Runs work that can be cancelled to its end.
    pub(crate) fn uncancelled<T>(work: impl FnOnce(&Cancel) -> Result<T, Cancelled>) -> T {
        work(&Cancel::never()).expect("nobody sets this flag")
    }

    /// Sets the flag.
    pub fn cancel(&self) {
        self.0.is_set.store(true, Ordering::Relaxed);
    }

    /// Returns whether the flag is set. Cost: two loads of memory that no running work writes.
    pub fn is_cancelled(&self) -> bool {
        if self.0.checks_left.load(Ordering::Relaxed) > 0 {
            self.count_down();
        }
        // Nothing is read that another thread wrote before it set the flag, so the order of memory does not matter.
        self.0.is_set.load(Ordering::Relaxed)
    }

    /// Returns an error if the flag is set.
    ///
    /// # Errors
    /// When the flag is set.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Counts a check of [`Cancel::at_check`].
    #[cold]
    fn count_down(&self) {
        let less = |n: u64| n.checked_sub(1);
        let before = self.0.checks_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if before == Ok(1) {
            self.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clones_see_the_flag() {
        let flag = Cancel::default();
        let clone = flag.clone();
        assert_eq!(clone.check(), Ok(()));
        flag.cancel();
        assert_eq!((clone.check(), clone.is_cancelled()), (Err(Cancelled), true));
    }

    #[test]
    fn a_flag_sets_itself_at_its_check_and_stays_set() {
        let flag = Cancel::at_check(3);
        assert_eq!([1, 2, 3, 4].map(|_| flag.is_cancelled()), [false, false, true, true]);
        let never = Cancel::at_check(0);
        assert!((0..9).all(|_| !never.is_cancelled()));
    }
}
