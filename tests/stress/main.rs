//! The service under stress: hostile and slow clients, little memory, few descriptors, signals, load. Each test starts the
//! real program, asserts its answers, and bounds its peak memory and its CPU time.
//!
//! The feature `long-tests` adds all mixes of clients in real cgroups and the minute of load, as `make test` does. Tests take
//! turns, because each one measures time and memory.
//!
//! `STRESS_PROGRAM=FILE` tests another build of the program and prints its figures. Settings that this build does not know
//! are left out.

#[cfg(feature = "long-tests")]
mod load;

mod bombs;
mod budget;
mod client;
mod descriptors;
mod flood;
mod gone;
mod group;
mod hostile;
mod hostile_forms;
mod hostile_http;
mod identical;
mod memory;
mod mixes;
mod pictures;
mod refused;
mod service;
mod slow;
mod stopping;
