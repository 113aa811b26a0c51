//! The list of all kinds of damage. A new damage is a file with a `MODEL`, and a line here.

use super::{
    color_cast, damage_model::DamageModel, defocus, dye_fading, fading, film_exposure, filter, gaussian_blur,
    jpeg, motion_blur, noise, tone, underwater, uneven_fading, uneven_light, varnish, white_balance,
};

/// Every kind of damage, in the order in which `recipes/default.toml` explains them.
pub(super) const MODELS: [&DamageModel; 16] = [
    &color_cast::MODEL,
    &white_balance::MODEL,
    &tone::MODEL,
    &film_exposure::MODEL,
    &fading::MODEL,
    &dye_fading::MODEL,
    &uneven_fading::MODEL,
    &varnish::MODEL,
    &filter::MODEL,
    &underwater::MODEL,
    &uneven_light::MODEL,
    &gaussian_blur::MODEL,
    &motion_blur::MODEL,
    &defocus::MODEL,
    &noise::MODEL,
    &jpeg::MODEL,
];
