//! The service over HTTP: a handler reads a request, has it computed on the pixel pool and answers.
//!
//! [`router()`] lists every route; [`serve()`] runs them until it gets the signal to stop. A handler first refuses what
//! the head of a request already shows to be wrong. Then it takes a place in [`Compute`](crate::compute::Compute), and
//! only after that it reads the body. A full service therefore reads no bodies. The files of `error/` turn every error
//! into a problem document (RFC 9457), whose form is in `problem.rs`. `kind.rs`, `problem.rs` and
//! `state.rs` import no handler.

mod accept;
mod analyze;
mod datasets;
mod error;
mod extract;
mod headers;
mod health;
mod index;
mod jobs;
mod kind;
mod parameters;
mod problem;
mod replay;
mod request_id;
mod response;
mod restore;
mod result_bodies;
mod router;
mod running_requests;
mod serve;
mod state;
mod timing;
mod trace;
mod track;
mod version;

pub use jobs::restore_problem;
pub use kind::ProblemKind;
pub use router::{paths, router};
pub use serve::serve;
pub use state::AppState;
