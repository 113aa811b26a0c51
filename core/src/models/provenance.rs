//! The origin of training pictures, as both kinds of card state it.

use serde::{Deserialize, Serialize};

/// A dataset, or one set of a dataset, that training pictures came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetUse {
    /// Name of the dataset or set.
    pub name: String,
    /// Number of pictures from it.
    pub n_rows: usize,
    /// Licence, in words.
    pub licence: String,
}

/// The licence in a card for a set without a stated licence.
pub(crate) const LICENCE_NOT_STATED: &str = "not stated";
