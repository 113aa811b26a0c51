//! `/jobs`: submits, lists, follows, reads, cancels, retries and deletes jobs, which work on datasets for hours.

mod actions;
mod document;
mod events;
mod known;
mod list;
mod pieces;
mod range;
mod result_rows;
mod results;
mod submit;
mod unchanging;

pub(super) use actions::{cancel, delete, retry};
pub(super) use events::events;
pub(super) use list::{list, show};
pub(super) use results::results;
pub(super) use submit::{evaluate, optimize, train};
