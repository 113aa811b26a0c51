//! The error of a training.

use thiserror::Error;

use crate::{
    learning::FoldsError,
    models::gains::{fit::GainFitError, weight_forest::WeightsError},
    search::SearchError,
};

/// A model of gains cannot be trained.
#[derive(Debug, Error)]
pub enum GainTrainingError {
    /// There are no pictures.
    #[error("there are no training pictures")]
    NoPictures,
    /// There are fewer sources than folds.
    #[error(transparent)]
    Folds(#[from] FoldsError),
    /// The forests cannot be fitted.
    #[error(transparent)]
    Fit(#[from] GainFitError),
    /// A model cannot decide for a picture.
    #[error(transparent)]
    Decide(#[from] WeightsError),
    /// A decision has no transform for its learned correction.
    #[error("a decision has a learned correction but no colour transform")]
    NoTransform,
    /// There are too few folds: models are fitted without two of them.
    #[error("there are {n_folds} folds; a training needs at least 3")]
    FewFolds {
        /// Number of folds.
        n_folds: usize,
    },
    /// A restored picture cannot be compared.
    #[error(transparent)]
    Compare(#[from] SearchError),
    /// The caller cannot restore a picture.
    #[error("{0}")]
    Restore(String),
}
