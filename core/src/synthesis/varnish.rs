//! Damage `varnish`: yellowed varnish over a painting.
//!
//! Formula, per channel in linear light: `v ← (1 − haze) · exp(−depth · a) · v + haze · grey`. The layer absorbs by
//! the law of Beer and Lambert, on the way in and out together. The absorption `a` rises towards blue, as that of
//! aged resin does. The surface scatters grey light. The figures are chosen by eye, not measured on a painting.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `depth` | thickness; 1 is plainly yellow, 2 is brown | 0–4 |
//! | `haze` | share of light that the surface scatters | 0–0.8 |

use super::damage_model::{DamageModel, DamageParameter, named};

/// Absorption of red, green and blue per unit of depth.
const ABSORPTION: [f64; 3] = [0.08, 0.25, 0.75];
/// Linear light of the grey that haze scatters.
const SCATTERED: f64 = 0.35;

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "varnish",
    parameters: &[
        DamageParameter::linear("depth", (0.0, 4.0), 0.0),
        DamageParameter::linear("haze", (0.0, 0.8), 0.0),
    ],
    apply: |canvas, values, _| {
        let [depth, haze] = named(values);
        let layer = ABSORPTION.map(|a| ((1.0 - haze) * libm::exp(-a * depth), haze * SCATTERED));
        canvas.map_linear_rows(|_| layer);
        Ok(())
    },
};
