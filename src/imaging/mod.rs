//! Knows pixels: the picture type, the codecs, one file per operator, and the order in which operators run.

pub mod codec;
mod image;

pub use image::{Channels, Image, ImageError};
