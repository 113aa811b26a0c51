//! The range check of hyperparameters, the same for all learners.

use thiserror::Error;

/// A hyperparameter is out of its range.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{name} must be {range}, not {found}")]
pub struct HyperparametersError {
    /// Dotted name of the hyperparameter.
    pub name: &'static str,
    /// The range in words.
    pub range: &'static str,
    /// The number found.
    pub found: String,
}

/// Checks one hyperparameter.
///
/// # Errors
/// When `within` refuses the number.
pub(crate) fn require<T: Copy + ToString>(
    name: &'static str,
    found: T,
    range: &'static str,
    within: impl Fn(T) -> bool,
) -> Result<(), HyperparametersError> {
    if within(found) { Ok(()) } else { Err(HyperparametersError { name, range, found: found.to_string() }) }
}
