//! The list of all kinds of damage. A new damage is a file with a `MODEL`, and a line here.

use super::{
    color_cast, damage_model::DamageModel, defocus, fading, gaussian_blur, jpeg, motion_blur, noise, tone,
    underwater, uneven_light, varnish, white_balance,
};

/// Every kind of damage, in the order in which `recipes/default.toml` explains them.
pub(super) const MODELS: [&DamageModel; 12] = [
    &color_cast::MODEL,
    &white_balance::MODEL,
    &tone::MODEL,
    &fading::MODEL,
    &varnish::MODEL,
    &underwater::MODEL,
    &uneven_light::MODEL,
    &gaussian_blur::MODEL,
    &motion_blur::MODEL,
    &defocus::MODEL,
    &noise::MODEL,
    &jpeg::MODEL,
];
