//! Load → one core function → store. A job reports a bad file and goes on; nothing here talks to a user.
//!
//! Commands call `synthesize_pairs`, `find_optima`, `train_model`, `evaluate_models` and `trial` over
//! whole folders. Jobs over HTTP
//! are accepted in `submit`, worked on task by task in `run_task`, and read in `results`; `service` holds what they share.

pub mod child;
pub mod command_job;
pub mod dataset_root;
pub mod pair_process;
pub mod request;
pub mod results;
pub mod retention;
pub mod run_task;
pub mod service;
pub mod submit;
mod under_way;
