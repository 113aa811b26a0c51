//! Knows pixels: the picture type, the codecs, one file per operator, and the order in which operators run.

pub mod codec;
mod image;
pub mod operators;
mod parameters;
pub mod pipeline;

pub use image::{Channels, Image, ImageError};
pub use parameters::{
    ColorMethod, ParameterError, RestorationParameters, SIGMA_RANGE_PX, STRENGTH_RANGE, Sharpening,
    checked_sigma, checked_strength,
};
