//! Features: numbers that describe a picture to a model.
//!
//! There are two schemas. [`Schema::Seed`] has the first system's 14 features of the whole picture ([`extract`]).
//! [`Schema::Rich`] has 124 features that cost little ([`rich`]). [`measure`] takes either; [`Look`] decodes a file
//! only as far as its features need.
//!
//! All features describe the stored (encoded) colours. They are rounded to nine significant digits, so that every CPU
//! and every number of threads gives the same values.

mod color;
mod error;
mod look;
mod luma;
mod moments;
pub mod rich;
mod rounding;
mod schema;
mod seed;
mod sharpness;
mod spectrum;

pub use error::{FeatureError, SIDE_MIN_PX};
pub use look::Look;
pub use luma::luma;
pub use schema::{Features, Schema, measure, measure_until};
pub use seed::{FEATURE_NAMES, FEATURE_SCHEMA, FeatureVector, N_FEATURES, extract};
