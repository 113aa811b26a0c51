//! Errors as problem documents: the one place where an error of another room gets a status and public words.
//!
//! Every conversion matches all variants of its error. Causes that are the program's fault are logged once and not shown.

mod body;
mod compute;
mod internal;
mod jobs;
mod parameters;
mod pictures;
mod replay;

pub(super) use body::BodyError;
pub(super) use internal::internal;
pub(super) use jobs::no_jobs;
