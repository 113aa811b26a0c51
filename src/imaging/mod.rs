//! Knows pixels: the picture type, the codecs, one file per operator, and the order in which operators run.

pub mod bands;
pub mod codec;
mod image;
mod level;
pub mod operators;
mod parameters;
pub mod pipeline;

pub use image::{Channels, Image, ImageError};
pub use level::Level;
pub use parameters::{
    ColorMethod, ParameterError, RestorationParameters, SIGMA_RANGE_PX, STRENGTH_RANGE, Sharpening,
    checked_sigma, checked_strength,
};
