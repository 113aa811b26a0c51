//! Jobs under faults: real processes that are killed, and a real disk that is full.
//!
//! The feature `long-tests` adds the long tests, as `make test` does. Plain `cargo test` leaves them out.

#[cfg(feature = "long-tests")]
mod chaos;
mod cli;
mod crash;
#[cfg(feature = "long-tests")]
mod disk;
mod kill;
mod restore;
mod support;
