//! Findings on one pair.

use super::fingerprint::Fingerprint;
use crate::{
    imaging::Image,
    registration::{Registration, register},
};

/// The findings on one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PairFindings {
    /// `SET/NAME` or `NAME`.
    pub name: String,
    /// Width and height of the damaged picture, in pixels.
    pub damaged_size: [usize; 2],
    /// Width and height of the reference, in pixels.
    pub reference_size: [usize; 2],
    /// Fingerprint of the damaged picture.
    pub damaged: Fingerprint,
    /// Fingerprint of the reference.
    pub reference: Fingerprint,
    /// Registration of the damaged picture to the reference.
    pub registration: Registration,
}

impl PairFindings {
    /// Inspects one pair. Cost: that of [`register`], a pass over the pixels and a SHA-256.
    pub fn of(name: &str, reference: &Image, damaged: &Image) -> Self {
        Self {
            name: name.to_owned(),
            damaged_size: [damaged.width(), damaged.height()],
            reference_size: [reference.width(), reference.height()],
            damaged: Fingerprint::of(damaged),
            reference: Fingerprint::of(reference),
            registration: register(reference, damaged),
        }
    }

    /// Returns whether the damaged picture has the pixels of the reference.
    pub fn is_identical(&self) -> bool {
        self.damaged.digest == self.reference.digest
    }
}
