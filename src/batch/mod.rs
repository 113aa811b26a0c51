//! What commands and jobs do over whole folders.

pub mod damages;
pub mod evaluate_models;
pub mod find_optima;
pub mod gain_pictures;
pub mod index_dataset;
pub mod inspect_dataset;
pub mod parallel;
pub mod picture_file;
pub mod synthesize_pairs;
pub mod train_gains;
pub mod train_model;
pub mod trial;
pub mod trial_page;
