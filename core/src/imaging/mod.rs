//! Knows pixels: the picture type, the codecs, one file per operator, and the order in which operators run.

pub mod bands;
pub mod codec;
mod color;
mod color_correction;
mod image;
mod instructions;
mod level;
pub mod operators;
mod parameters;
pub mod pipeline;
mod thumbnail;

pub use color::luma_of;
pub use color_correction::{COLOR_BLEND_RANGE, ColorCorrection, ColorMethod};
pub use image::{Channels, Image, ImageError};
pub use instructions::Instructions;
pub use level::Level;
pub use parameters::{
    DENOISE_RANGE, ParameterError, RestorationParameters, SIGMA_RANGE_PX, STRENGTH_RANGE, Sharpening,
    checked_denoise, checked_sigma, checked_strength,
};
pub use thumbnail::{THUMBNAIL_SIDE, Thumbnail};
