//! A colour cast: tinted light, dyes that have faded unequally, a stained sheet.
//!
//! Per channel and in linear light, `v ← gain · v + lift`, clipped to 0–1. A gain is drawn on a logarithmic scale, so that
//! half and double are equally far.

use super::{
    model::{Model, Parameter, named},
    srgb::{to_encoded, to_linear},
};

const GAIN: (f64, f64) = (0.1, 4.0);
const LIFT: (f64, f64) = (-0.2, 0.2);

pub(super) const MODEL: Model = Model {
    kind: "color_cast",
    parameters: &[
        Parameter::factor("red", GAIN),
        Parameter::factor("green", GAIN),
        Parameter::factor("blue", GAIN),
        Parameter::linear("lift_red", LIFT, 0.0),
        Parameter::linear("lift_green", LIFT, 0.0),
        Parameter::linear("lift_blue", LIFT, 0.0),
    ],
    apply: |canvas, values, _| {
        let [red, green, blue, lift_red, lift_green, lift_blue] = named(values);
        let (gains, lifts) = ([red, green, blue], [lift_red, lift_green, lift_blue]);
        canvas.map(|channel, v| to_encoded(gains[channel] * to_linear(v) + lifts[channel]));
        Ok(())
    },
};
