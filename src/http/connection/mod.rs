//! The connections: accepting them, their number, their deadlines, and their end.
//!
//! ```text
//!  listen            accepts, keeps below connections_max, serves each connection with hyper
//!  registry          all connections with their phases; chooses the one to cut when something is short
//!  guarded_stream    the deadlines of head, keep-alive and answer; reads the rest of a refused body
//!  bodies            the bodies of request and answer, which report to the connection
//!  client            what a handler knows about the connection of its request
//!  head_errors       problem documents in place of hyper's empty answers to heads that cannot be parsed
//! ```

mod bodies;
mod client;
mod guarded_stream;
mod head_errors;
mod listen;
mod pace;
mod registry;

pub(in crate::http) use client::{Client, Receiving};
pub use listen::ConnectionLimits;
pub(in crate::http) use listen::listen;
pub(in crate::http) use pace::Pace;
pub(in crate::http) use registry::Connections;
