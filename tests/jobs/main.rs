//! Jobs against faults: real processes, killed; real disks, full.
//!
//! The long tests are left out of plain `cargo test`; the feature `long-tests` adds them, as `make test` does.

#[cfg(feature = "long-tests")]
mod chaos;
mod cli;
mod crash;
#[cfg(feature = "long-tests")]
mod disk;
mod kill;
mod support;
