//! Yellowed varnish over a painting.
//!
//! In linear light the layer of depth `t` lets `exp(−t · a)` of each channel through (Beer and Lambert; the way in and out
//! together), with an absorption `a` that rises towards blue as that of aged resin does. Its surface scatters: `v ← (1 − haze)
//! · v + haze · grey`. The figures are ours, chosen by eye, not measured on a painting.

use super::model::{Model, Parameter, named};

/// Absorption of red, green and blue per unit of depth: depth 1 is plainly yellow, 2 is brown.
const ABSORPTION: [f64; 3] = [0.08, 0.25, 0.75];
/// The linear light that haze scatters.
const SCATTERED: f64 = 0.35;

pub(super) const MODEL: Model = Model {
    kind: "varnish",
    parameters: &[Parameter::linear("depth", (0.0, 4.0), 0.0), Parameter::linear("haze", (0.0, 0.8), 0.0)],
    apply: |canvas, values, _| {
        let [depth, haze] = named(values);
        let layer = ABSORPTION.map(|a| ((1.0 - haze) * libm::exp(-a * depth), haze * SCATTERED));
        canvas.map_linear_rows(|_| layer);
        Ok(())
    },
};
