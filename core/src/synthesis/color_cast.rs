//! Damage `color_cast`: tinted light, unequally faded dyes, a stained sheet.
//!
//! Formula, per channel in linear light: `v ← gain · v + lift`, clipped to 0–1.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `red`, `green`, `blue` | gain, drawn uniformly in its logarithm, so that half and double are equally likely | 0.1–4 |
//! | `lift_red`, `lift_green`, `lift_blue` | linear light, 1 is white | −0.2–0.2 |

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    srgb::{to_encoded, to_linear},
};

/// Range of a gain.
const GAIN: (f64, f64) = (0.1, 4.0);
/// Range of a lift, in linear light.
const LIFT: (f64, f64) = (-0.2, 0.2);

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "color_cast",
    parameters: &[
        DamageParameter::factor("red", GAIN),
        DamageParameter::factor("green", GAIN),
        DamageParameter::factor("blue", GAIN),
        DamageParameter::linear("lift_red", LIFT, 0.0),
        DamageParameter::linear("lift_green", LIFT, 0.0),
        DamageParameter::linear("lift_blue", LIFT, 0.0),
    ],
    apply: |canvas, values, _| {
        let [red, green, blue, lift_red, lift_green, lift_blue] = named(values);
        let (gains, lifts) = ([red, green, blue], [lift_red, lift_green, lift_blue]);
        canvas.map(|channel, v| to_encoded(gains[channel] * to_linear(v) + lifts[channel]));
        Ok(())
    },
};
