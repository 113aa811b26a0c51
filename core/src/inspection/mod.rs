//! Inspects a dataset before anything is learned from it.
//!
//! The caller decodes each pair, and [`PairFindings::of`] keeps about a kilobyte of it. [`inspect`] sums up the findings
//! in an [`Inspection`], which is written as JSON, as text, or as a [`page`].

mod duplicates;
mod findings;
mod fingerprint;
mod html;
mod optima;
mod report;
mod straddling;
mod text;
mod thumbnail;

pub use duplicates::Lookalikes;
pub use findings::PairFindings;
pub use fingerprint::Fingerprint;
pub use html::{Thumbnails, page, shown};
pub use optima::{OptimaSummary, optima};
pub use report::{Inspection, Misaligned, Mismatched, Refused, SizeDifference, inspect};
pub use straddling::{Member, Straddling};
pub use thumbnail::thumbnail;
