//! The report on one model: means over many pairs of the untouched pictures, the best fixed parameters, the model and the
//! best of the grid.

mod data;
mod sums;
mod text;

pub use self::{
    data::{Block, FixedChoice, PictureLine, Promise, QualityMeans, Report, Section},
    sums::report,
};
