//! The service over HTTP: every request is extracted, computed on the pixel pool and answered.
//!
//! [`router()`] has every route on one page; [`serve()`] runs it until told to stop. A handler refuses what it can tell
//! from the head of a request, then takes a place in [`Compute`](crate::compute::Compute), and only then reads the
//! body: a full service reads nothing. `error.rs` alone turns errors into status and public text; every error is a
//! problem document (RFC 9457), made in `problem.rs`.

mod accept;
mod analyze;
mod datasets;
mod error;
mod extract;
mod headers;
mod health;
mod index;
mod jobs;
mod parameters;
mod problem;
mod replay;
mod request_id;
mod response;
mod restore;
mod router;
mod serve;
mod state;
mod timing;
mod trace;
mod under_way;
mod version;

pub use error::Kind;
pub use router::{paths, router};
pub use serve::serve;
pub use state::AppState;
