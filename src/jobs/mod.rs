//! The queue: jobs that users submit over HTTP, and the work on them.
//!
//! A *job* is what a user asked for: `optimize`, `train` or `evaluate`. Its *tasks* are the units that a worker claims:
//! one per pair for `optimize`, a single one for the other kinds. An *attempt* is one start of a task.
//!
//! | stage | files |
//! |---|---|
//! | accept | [`request`] reads the body, [`dataset_root`] finds the pairs, [`submit`] checks and stores |
//! | work | [`run_task`] and `attempt` run one task; [`pair_process`] and [`command_job`] start its process ([`child`]) |
//! | read | [`results`] writes what a job found; [`job_files`] finds the files of a command |
//! | forget | [`retention`] |
//!
//! [`service`] holds what these parts share: database, datasets, settings, and whether the disk accepts writes. A task
//! that fails does not stop its job.

mod attempt;
pub mod child;
mod command_arguments;
pub mod command_job;
pub mod dataset_root;
mod file_digest;
pub mod job_files;
pub mod pair_process;
pub mod request;
pub mod results;
pub mod retention;
pub mod run_task;
mod running_tasks;
pub mod service;
mod stop;
pub mod submit;
