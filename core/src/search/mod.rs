//! The search for the best parameters with the truth in hand: which space, which pair, what it costs, who wins.

mod exhaustive;
mod kernel;
mod optimum;
mod resized;
mod same_size;
mod space;

pub use crate::imaging::Level;
pub use exhaustive::{SearchError, search, search_at};
pub use optimum::{best, is_on_edge};
pub use space::{Candidate, SearchSpace, SpaceError};
