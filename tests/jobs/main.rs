//! Jobs under faults: real processes that are killed, and a real disk that is full.

mod chaos;
mod cli;
mod crash;
mod disk;
mod kill;
mod support;
