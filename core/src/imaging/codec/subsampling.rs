//! Chroma subsampling of JPEG files. A restored file keeps that of its input.

use serde::{Deserialize, Serialize};

/// Resolution of the chroma of a JPEG relative to its luma, in the usual J:a:b notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subsampling {
    /// Chroma for every pixel.
    #[serde(rename = "4:4:4")]
    S444,
    /// One chroma sample for two neighbouring pixels of a row.
    #[serde(rename = "4:2:2")]
    S422,
    /// One chroma sample for two by two pixels.
    #[serde(rename = "4:2:0")]
    S420,
    /// One chroma sample for two neighbouring pixels of a column.
    #[serde(rename = "4:4:0")]
    S440,
    /// One chroma sample for four neighbouring pixels of a row.
    #[serde(rename = "4:1:1")]
    S411,
    /// One chroma sample for four neighbouring pixels of a column.
    #[serde(rename = "4:4:1")]
    S441,
    /// No chroma at all.
    #[serde(rename = "grey")]
    Grey,
    /// Sampling factors without a name. Encoded as 4:4:4.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Subsampling {
    /// Names the sampling factors (horizontal, vertical) of the components of a frame.
    pub(super) fn from_factors(factors: &[(u8, u8)]) -> Self {
        let [luma, blue, red] = factors else {
            return if factors.len() == 1 { Subsampling::Grey } else { Subsampling::Unknown };
        };
        if blue != red || luma.0 % blue.0 != 0 || luma.1 % blue.1 != 0 {
            return Subsampling::Unknown;
        }
        match (luma.0 / blue.0, luma.1 / blue.1) {
            (1, 1) => Subsampling::S444,
            (2, 1) => Subsampling::S422,
            (2, 2) => Subsampling::S420,
            (1, 2) => Subsampling::S440,
            (4, 1) => Subsampling::S411,
            (1, 4) => Subsampling::S441,
            _ => Subsampling::Unknown,
        }
    }
}
