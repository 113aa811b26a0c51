//! Learns which restoration parameters suit a picture, from a table of measured features and found optima.
//!
//! Stands alone: it knows nothing of pixels, files or the network. The order of work is the order of the list
//! below: a [`Table`] is read and described, [`split::by_source`] keeps pictures of one source on one side,
//! [`ParameterRegressors`] are fitted and evaluated, and a [`ModelArtifact`] keeps them with their [`ModelCard`].

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
