//! A wrong exposure and a wrong gamma.
//!
//! Linear light times `2^exposure` (stops), clipped as a sensor clips; then the encoded value to the power of `gamma`
//! (above 1 darkens the middle tones and leaves black and white).

use super::{
    model::{Model, Parameter, named},
    srgb::{to_encoded, to_linear},
};

pub(super) const MODEL: Model = Model {
    kind: "tone",
    parameters: &[Parameter::linear("exposure", (-4.0, 4.0), 0.0), Parameter::factor("gamma", (0.3, 3.0))],
    apply: |canvas, values, _| {
        let [exposure, gamma] = named(values);
        let gain = libm::exp2(exposure);
        canvas.map(|_, v| libm::pow(to_encoded(gain * to_linear(v)), gamma));
        Ok(())
    },
};
