//! The input of a training.

use std::collections::BTreeMap;

use crate::{
    learning::Groups,
    models::gains::{GainHyperparameters, choices::Choices, measure::MeasuredPicture},
};

/// The input of a training, except the pictures.
pub struct GainTrainingInput<'a> {
    /// The pictures as measured, in a fixed order: it is part of the result.
    pub measured: &'a [MeasuredPicture],
    /// The candidates that were measured.
    pub choices: &'a Choices,
    /// Sources and folds of the pictures.
    pub groups: &'a Groups,
    /// Licence of each set, by name.
    pub licences: &'a BTreeMap<String, String>,
    /// Hyperparameters, seed included.
    pub hyperparameters: &'a GainHyperparameters,
}
