//! The results of a job, written row by row from the database. A view selects the optimum of each pair, or every
//! candidate of each pair. The rows are CSV, JSON lines or Parquet.
//!
//! Results come from the database in chunks, so the memory needed does not grow with the job.

mod parquet;
mod rows;
mod text;
mod view;
mod write;

pub use view::{ResultFormat, ResultView};
pub use write::JobResults;
