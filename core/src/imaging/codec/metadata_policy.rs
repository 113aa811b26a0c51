//! The policy for metadata: kept or stripped.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The metadata that a restored file keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetadataPolicy {
    /// Keep everything that the output format can hold.
    #[default]
    Keep,
    /// Keep colour profile, author and copyright only.
    Strip,
}

/// A text that names no policy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not a metadata policy: keep or strip")]
pub struct UnknownMetadataPolicy(pub String);

impl FromStr for MetadataPolicy {
    type Err = UnknownMetadataPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keep" => Ok(MetadataPolicy::Keep),
            "strip" => Ok(MetadataPolicy::Strip),
            _ => Err(UnknownMetadataPolicy(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_have_names() {
        assert_eq!("strip".parse(), Ok(MetadataPolicy::Strip));
        assert_eq!(serde_json::to_string(&MetadataPolicy::Keep).unwrap(), "\"keep\"");
        assert!("none".parse::<MetadataPolicy>().is_err());
    }
}
