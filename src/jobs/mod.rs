//! Load → one core function → store. A job reports a bad file and goes on; nothing here talks to a user.

pub mod evaluate_models;
pub mod find_optima;
pub mod index_dataset;
pub mod parallel;
pub mod picture_file;
pub mod train_model;
