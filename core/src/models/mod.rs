//! The kinds of model.

pub mod classic;
pub mod file;
pub mod gains;
pub mod predictor;
