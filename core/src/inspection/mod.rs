//! What is the matter with a dataset before anything is learned from it.
//!
//! The shell decodes a pair and hands it over; what is kept of it is a [`PairFindings`] of about a kilobyte. [`inspect`]
//! puts them together; `report.rs` tells it as text, `html.rs` as a page.

mod duplicates;
mod fingerprint;
mod html;
mod optima;
mod report;
mod straddling;
mod thumbnail;

pub use duplicates::Lookalikes;
pub use fingerprint::Fingerprint;
pub use html::{Thumbnails, page, shown};
pub use optima::{Optima, optima};
pub use report::{Inspection, Misaligned, Mismatched, Refused, SizeDifference, inspect};
pub use straddling::{Member, Straddling};
pub use thumbnail::thumbnail;

use crate::{
    imaging::Image,
    registration::{Registration, register},
};

/// What is kept of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct PairFindings {
    /// `SET/NAME` or `NAME`.
    pub name: String,
    /// Width and height of the damaged picture.
    pub damaged_size: [usize; 2],
    /// Width and height of the reference.
    pub reference_size: [usize; 2],
    /// Of the damaged picture.
    pub damaged: Fingerprint,
    /// Of the reference.
    pub reference: Fingerprint,
    /// How the one lies on the other.
    pub registration: Registration,
}

impl PairFindings {
    /// Looks at one pair. Cost: that of [`register`] and a pass over the pixels.
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

    /// Whether the damaged picture is its own reference.
    pub fn is_identical(&self) -> bool {
        self.damaged.digest == self.reference.digest
    }
}
