//! The results of a job, written row by row from the database: in one of three formats, either the optimum of each pair
//! or every candidate of each pair.
//!
//! Results come from the database in chunks, so the memory needed does not grow with the job.

mod parquet;
mod rows;
mod text;
mod view;
mod write;

pub use view::{ResultFormat, ResultView};
pub use write::JobResults;
