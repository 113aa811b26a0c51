//! Errors of settings.

use thiserror::Error;

use super::origin::Origin;

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The key does not exist.
    #[error("unknown setting {key:?} from {origin}{}", hint(.suggestion))]
    Unknown {
        /// Key in the form `section.key`.
        key: String,
        /// Layer that set the key.
        origin: Origin,
        /// The nearest known key.
        suggestion: Option<String>,
    },
    /// The file is not TOML.
    #[error("{origin}: {reason}")]
    Syntax {
        /// The file.
        origin: Origin,
        /// Message of the TOML parser.
        reason: String,
    },
    /// The value has the wrong type or is out of range.
    #[error("setting {key} = {value} from {origin}: {reason}")]
    Value {
        /// Key in the form `section.key`.
        key: String,
        /// The given value.
        value: String,
        /// Layer that set the value.
        origin: Origin,
        /// What is wrong with the value.
        reason: String,
    },
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or(String::new(), |s| format!("; did you mean {s:?}?"))
}
