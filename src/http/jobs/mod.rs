//! `/jobs`: submits, lists, follows, reads, cancels, retries and deletes jobs, which work on datasets for hours.

mod actions;
mod document;
mod events;
mod known;
mod list;
mod pieces;
mod range;
mod restore_problem;
mod restored;
mod result_rows;
mod results;
mod submit;
mod submit_restore;
mod unchanging;

pub(super) use actions::{cancel, delete, retry};
pub(super) use events::events;
pub(super) use list::{list, show};
pub use restore_problem::restore_problem;
pub(super) use results::results;
pub(super) use submit::{evaluate, optimize, train};
pub(super) use submit_restore::{Upload, submit_pictures, wants_async};
