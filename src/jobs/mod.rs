//! Load → one core function → store. A job reports a bad file and goes on; nothing here talks to a user.
//!
//! Commands call `synthesize_pairs`, `find_optima`, `train_model`, `evaluate_models` and `trial` over
//! whole folders. Jobs over HTTP
//! are accepted in `submit`, worked on task by task in `run_task`, and read in `results`; `service` holds what they share.

pub mod child;
pub mod command_job;
pub mod cross_validate;
pub mod damages;
pub mod dataset_root;
pub mod evaluate_models;
pub mod find_optima;
pub mod gain_pictures;
pub mod index_dataset;
pub mod inspect_dataset;
pub mod pair_process;
pub mod parallel;
pub mod picture_file;
pub mod request;
pub mod results;
pub mod retention;
pub mod run_task;
pub mod service;
pub mod submit;
pub mod synthesize_pairs;
pub mod train_gains;
pub mod train_model;
pub mod trial;
mod trial_picture;
pub mod trial_shown;
mod under_way;
