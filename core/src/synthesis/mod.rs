//! Damages clean pictures by stated, seeded mixtures, for those who have no pairs to train on.
//!
//! A [`Recipe`] says what may happen; [`Recipe::draw`] decides for one variant of one source picture from a seed and
//! nothing else; [`Drawn::apply`] does it. Damages act on encoded values or in linear light (IEC 61966-2-1), as each file
//! states, in f32 without rounding between them. The same arguments give the same bytes on every machine and for any number
//! of threads, whatever other pictures there are.

mod canvas;
mod color_cast;
mod defocus;
mod drawn;
mod fading;
mod gaussian_blur;
mod jpeg;
mod kernel;
mod model;
mod motion_blur;
mod noise;
mod random;
mod recipe;
mod srgb;
mod tone;
mod underwater;
mod uneven_light;
mod varnish;
mod white_balance;

#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::{
    imaging::{
        Image,
        codec::{DecodeError, EncodeError},
    },
    numeric::random::RandomStream,
};

pub use drawn::{Drawn, UNDAMAGED};
pub use recipe::{Output, RECIPE_BYTES_MAX, Recipe, RecipeError};

/// A picture could not be damaged.
#[derive(Debug, Error)]
pub enum SynthesisError {
    /// It cannot be a JPEG: a side is too long.
    #[error("the damage jpeg: {0}")]
    Encode(#[from] EncodeError),
    /// The codec does not read what it wrote.
    #[error("the damage jpeg: {0}")]
    Decode(#[from] DecodeError),
}

/// Draws what happens to variant `variant` of the picture named `source`, and damages `image` accordingly: same size and
/// channels, alpha untouched.
///
/// Cost: about 30 ns per pixel for what changes colours, a multiplication per tap and sample for blurs. Memory: 12 to 40
/// bytes per pixel.
///
/// # Errors
/// When a JPEG is drawn and the picture is too large for one.
pub fn damage(
    image: &Image,
    recipe: &Recipe,
    seed: u64,
    source: &str,
    variant: u32,
) -> Result<(Image, Drawn), SynthesisError> {
    let drawn = recipe.draw(seed, source, variant);
    Ok((drawn.apply(image)?, drawn))
}

/// The fold, below `n`, of a source picture; the same for all of its variants and whatever other pictures there are.
///
/// # Panics
/// When `n` is 0.
pub fn fold(seed: u64, source: &str, n: u32) -> u32 {
    assert!(n > 0, "there is at least one fold");
    RandomStream::new(random::key(seed, source, 0, "fold")).below(n as usize) as u32
}
