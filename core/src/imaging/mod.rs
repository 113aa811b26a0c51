//! Pixels: the picture type, the codecs, the operators and the order in which operators run.
//!
//! - [`Image`] is a picture of 8-bit samples, [`DeepImage`] one of 16 bits; [`codec`] reads and writes files.
//! - [`RestorationParameters`] say what a restoration does; [`pipeline`] does it.
//! - [`operators`] has one file per operator; [`bands`] runs point operators and the unsharp mask in one pass.
//! - [`Level`] and [`Instructions`] select CPU instructions. All give the same samples.
//!
//! Every operator acts on values of sRGB as they are stored, in no linear light. A picture in another [`ColorSpace`] follows what
//! the operators do to the colours that it shows. Pixels weigh by their alpha in all that is measured, and what alpha hides
//! changes no other pixel: see `alpha.rs`.

pub(crate) mod alpha;
pub mod bands;
pub mod codec;
mod coefficients;
mod color_correction;
mod color_measurement;
mod color_method;
pub(crate) mod color_space;
mod image;
mod instructions;
mod level;
mod luma;
mod memory;
pub mod operators;
mod parameter_error;
mod parameters;
pub mod pipeline;
mod thumbnail;
mod tone;

pub use color_correction::{COLOR_BLEND_RANGE, ColorCorrection};
pub(crate) use color_measurement::ColorMeasurement;
pub use color_method::ColorMethod;
pub use color_space::ColorSpace;
pub use image::{Channels, DeepImage, Depth, Image, ImageError, ImageRef, Sample, narrow};
pub use instructions::Instructions;
pub use level::Level;
pub use luma::luma_of;
pub use parameter_error::ParameterError;
pub use parameters::{
    DENOISE_RANGE, RestorationParameters, SIGMA_RANGE_PX, STRENGTH_RANGE, Sharpening, checked_denoise,
    checked_sigma, checked_strength,
};
pub use thumbnail::{THUMBNAIL_SIDE, Thumbnail};
pub use tone::Tone;
