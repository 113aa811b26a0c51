//! The search for the best parameters of a pair: every candidate of a space is applied and compared with the
//! reference.
//!
//! [`SearchSpace`] lists the candidates, [`search`] measures them, [`best`] picks the winner.

mod exhaustive;
mod kernel;
mod optimum;
mod plan;
mod resized;
mod same_size;
mod space;

pub use exhaustive::{SearchError, search, search_at};
pub use optimum::{best, is_on_edge};
pub use space::{Candidate, SearchSpace, SpaceError};
