//! What outlives the process, in one SQLite database: jobs, their tasks, results, events, keys and file digests.
//!
//! **Who writes.** One connection writes. The service's own statements and the queue's therefore never wait for each
//! other's locks. Other connections only read.
//!
//! **Transactions.** Each function that changes a job does all of it in one transaction, event included. A kill between
//! two statements therefore leaves nothing half done:
//!
//! ```text
//! accept_job     job + tasks + queue entries + key + event "accepted"
//! task_attempts  attempt counted, task and job running + event "started"    committed before the work starts
//!                result + end of the task + event "task" (+ end of the job) committed after the work
//! change_jobs    cancel, retry or delete a job
//! ```
//!
//! The queue delivers a task at least once. The `UPDATE … WHERE state IN ('waiting', 'running')` that ends a task makes
//! sure that the task ends once.
//!
//! **Other databases.** Statements keep to what PostgreSQL understands as well. The exceptions are in `connection`,
//! `database` (`shrink`), `migrations` and `queue`.
//!
//! [`StorageError::cannot_write`] separates full disks and read-only folders from other errors.

mod accept_job;
mod change_jobs;
mod clock;
mod connection;
mod database;
mod digests;
mod error;
mod events;
mod job;
mod job_progress;
mod keys;
mod migrations;
mod open;
mod queue;
mod read_jobs;
mod read_tasks;
mod results;
mod task;
mod task_attempts;

pub use database::Storage;
pub use digests::FileVersion;
pub use error::StorageError;
pub use events::Event;
pub use job::{Job, JobKind, JobState, NewJob, TaskCounts};
pub use keys::Claim;
pub use migrations::SCHEMA_VERSION;
pub use open::migrate;
pub use queue::{QUEUE, Queue};
pub use results::{ResultKey, StoredOptimum, TaskResult};
pub use task::{NewTask, Task, TaskRef, TaskState};
pub use task_attempts::AttemptStart;
