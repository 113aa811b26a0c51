//! The service over HTTP: a handler reads a request, has it computed on the pixel pool and answers.
//!
//! [`router()`] lists every route; [`serve()`] runs them until it gets the signal to stop. A handler first refuses what
//! the head of a request already shows to be wrong. Then it reads the body into the memory of the budget. After that it
//! takes a place in [`Compute`](crate::compute::Compute), so that a slow client takes none. A full service reads no bodies.
//! The files of `error/` turn every error
//! into a problem document (RFC 9457), whose form is in `problem.rs`. `kind.rs`, `problem.rs` and
//! `state.rs` import no handler.

mod accept;
mod admission;
mod analyze;
mod authority;
mod callers;
mod coding;
mod connection;
mod cut_order;
mod datasets;
mod digests;
mod document;
mod entity_tag;
mod error;
mod headers;
mod health;
mod in_flight;
mod index;
mod jobs;
mod kind;
mod parameters;
mod path;
mod problem;
mod queue;
mod receive;
mod replay;
mod request_id;
mod response;
mod restore;
mod result_bodies;
mod router;
mod security;
mod serve;
mod state;
mod target;
mod timing;
mod trace;
mod track;
mod trust;
mod version;
mod work;

pub use connection::ConnectionLimits;
pub use jobs::restore_problem;
pub use kind::ProblemKind;
pub use router::{paths, router};
pub use serve::{Listeners, StopTimes, serve};
pub use state::{AppState, RequestLimits};
pub use trust::Trust;
