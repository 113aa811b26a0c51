//! Damages undamaged pictures by seeded recipes, for users who have no pairs to train on.
//!
//! 1. A [`Recipe`] is read from TOML: weighted mixtures of damages, each parameter with a range.
//! 2. [`Recipe::draw`] decides what happens to one variant of one source picture. Seed, source name and variant number
//!    decide; nothing else does.
//! 3. [`Drawn::apply`] damages the picture.
//!
//! Each kind of damage has a file with its formula, its source and its parameters; `all` lists the kinds and
//! `damage_model` says what a kind declares. A damage acts on encoded values or in linear light (IEC 61966-2-1), as
//! its file says. Samples are f32 and are not rounded between two damages. The same arguments give the same bytes on
//! every machine and for any number of threads.

mod all;
mod canvas;
mod color_cast;
mod damage_model;
mod defocus;
mod density;
mod drawn;
mod dye_fading;
mod dyes;
mod embedded;
mod error;
mod fading;
mod field;
mod film_exposure;
mod filter;
mod gaussian_blur;
mod jpeg;
mod kernel;
mod motion_blur;
mod noise;
mod random;
mod range;
mod recipe;
mod scanner;
mod srgb;
mod strength;
mod tone;
mod underwater;
mod uneven_fading;
mod uneven_light;
mod varnish;
mod white_balance;

#[cfg(test)]
mod photograph_tests;
#[cfg(test)]
mod recipe_tests;
#[cfg(test)]
mod tests;

use crate::{imaging::Image, numeric::random::RandomStream};

pub use drawn::{Drawn, UNDAMAGED};
pub use error::SynthesisError;
pub use recipe::{DamagedEncoding, RECIPE_BYTES_MAX, Recipe, RecipeError};
pub use strength::{Strength, kind_and_strength};

/// Draws the damages of variant `variant` of the picture named `source`, and applies them to `image`. Size, channels
/// and alpha stay as they are.
///
/// Cost: 25 to 40 ns per pixel for a damage of colours, 100 to 130 ns where dyes fade; one multiplication per tap and
/// sample for a blur. Memory: 12 to 40 bytes per pixel.
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

/// Returns the fold, 0 to `n` − 1, of a source picture. All variants of the picture share it; other pictures do not
/// change it.
///
/// # Panics
/// When `n` is 0.
pub fn fold(seed: u64, source: &str, n: u32) -> u32 {
    assert!(n > 0, "there is at least one fold");
    RandomStream::new(random::key(seed, source, 0, "fold")).below(n as usize) as u32
}
