//! What commands do over whole folders: find files, decode, call the core for every picture on all threads, and gather
//! results, failures and cost.
//!
//! All pure work (search, training, evaluation, inspection, synthesis) is in the core, which reads no file. A
//! function of this room takes paths and settings, reads and writes pictures, and returns tables and reports.
//!
//! - The commands (`cli`) call it, one function per command.
//! - The queue (`jobs`) finds pairs with [`index_dataset`], writes the same tables with [`find_optima`], and starts
//!   whole commands for training and evaluation.
//! - The service (`http`) lists datasets with [`index_dataset`].
//!
//! This room imports none of these rooms and no `storage`.

pub mod damages;
pub mod evaluate_models;
pub mod find_optima;
pub mod gain_pictures;
pub mod index_dataset;
pub mod inspect_dataset;
pub mod model_file;
pub mod parallel;
pub mod photograph_trial;
pub mod photographs;
pub mod picture_file;
pub mod streamed_file;
pub mod synthesize_pairs;
pub mod train_gains;
pub mod train_model;
pub mod trial;
pub mod trial_page;
