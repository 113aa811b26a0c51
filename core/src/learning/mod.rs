//! The data that both kinds of model learn from: tables, groups, splits and folds.
//!
//! A [`Table`] holds features and optima of pictures, and [`describe()`] summarises it. [`Groups`] states the source of
//! each picture. [`split::by_source`] and [`grouped_folds`] keep the pictures of one source together. Nothing here reads
//! pixels.

pub mod describe;
pub mod folds;
pub mod groups;
pub mod split;
#[cfg(test)]
pub(crate) mod synthetic;
pub mod table;
mod table_csv;

pub use describe::{Description, describe};
pub use folds::{FoldsError, grouped_folds};
pub use groups::{Groups, GroupsError};
pub use split::{Split, SplitError};
pub use table::{FEATURE_NAMES, FEATURE_SCHEMA, N_FEATURES, Table, TableError, TableRow};
