//! The queue: jobs that users submit over HTTP, and the work on them.
//!
//! A *job* is what a user asked for: `optimize`, `train`, `evaluate` or `restore`. Its *tasks* are the units that a
//! worker claims: one per pair for `optimize`, one per picture for `restore`, a single one for the other kinds. An *attempt* is one start of a task.
//!
//! | stage | files |
//! |---|---|
//! | accept | [`request`] reads the body, [`dataset_root`] finds the pairs, [`submit`] checks and stores; `stored_pictures` counts |
//! | work | [`run_task`] and `attempt` run one task; [`pair_process`], [`restore_process`] and [`command_job`] start its process ([`child`]) |
//! | read | [`results`] writes what a job found; [`job_files`] and [`restore_files`] name the files |
//! | forget | [`retention`], `restore_task` |
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
pub mod restore_files;
pub mod restore_process;
pub mod restore_request;
mod restore_task;
pub mod results;
pub mod retention;
pub mod run_task;
mod running_tasks;
pub mod service;
mod stop;
pub mod stored_pictures;
pub mod submit;
