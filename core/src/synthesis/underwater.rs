//! Damage `underwater`: water absorbs colours with the depth, and a veil grows with the distance.
//!
//! Formula, per channel in linear light, the image formation of Jaffe and McGlamery without forward scatter:
//! `v ← v · e · t + veil · w · (1 − t)`.
//!
//! - `e = exp(−β · depth)` is the daylight at the depth. It is divided by its largest channel, as a camera exposes.
//! - `t = exp(−β · d)` is the transmission from the subject, and `w` the colour of the water.
//! - `β` and `w` are interpolated between clear ocean (`water` 0) and green coast (`water` 1).
//! - `d = distance · (1 + slope · (1 − 2y))`, with `y` 0 in the top row and 1 in the bottom row: the top is farther
//!   away.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `depth` | metres of water above | 0–30 |
//! | `distance` | metres to the subject | 0–30 |
//! | `water` | 0 is clear ocean, 1 green coast | 0–1, 0.5 if not given |
//! | `veil` | brightness of the water | 0–1, 0.6 if not given |
//! | `slope` | share by which the top is farther and the bottom nearer | 0–1 |

use super::damage_model::{DamageModel, DamageParameter, named};

/// Attenuation of red, green and blue per metre, in clear ocean and off a coast. Chosen by eye, in the order of
/// magnitude of the tables of Jerlov's water types at such wavelengths.
const ATTENUATION: [[f64; 3]; 2] = [[0.40, 0.07, 0.05], [0.45, 0.15, 0.28]];
/// Linear light of the water's red, green and blue, in clear ocean and off a coast. Chosen by eye.
const VEIL: [[f64; 3]; 2] = [[0.03, 0.40, 0.60], [0.12, 0.50, 0.32]];

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "underwater",
    parameters: &[
        DamageParameter::linear("depth", (0.0, 30.0), 0.0),
        DamageParameter::linear("distance", (0.0, 30.0), 0.0),
        DamageParameter::linear("water", (0.0, 1.0), 0.5),
        DamageParameter::linear("veil", (0.0, 1.0), 0.6),
        DamageParameter::linear("slope", (0.0, 1.0), 0.0),
    ],
    apply: |canvas, values, _| {
        let [depth, distance, water, veil, slope] = named(values);
        let between = |ends: [[f64; 3]; 2]| [0, 1, 2].map(|c| ends[0][c] + water * (ends[1][c] - ends[0][c]));
        let (attenuation, colour) = (between(ATTENUATION), between(VEIL));
        let daylight = attenuation.map(|beta| libm::exp(-beta * depth));
        let brightest = daylight.into_iter().fold(0.0, f64::max);
        let last = canvas.height.max(2) as f64 - 1.0;
        canvas.map_linear_rows(|y| {
            let distance = distance * (1.0 + slope * (1.0 - 2.0 * y as f64 / last));
            [0, 1, 2].map(|c| {
                let through = libm::exp(-attenuation[c] * distance);
                (daylight[c] / brightest * through, veil * colour[c] * (1.0 - through))
            })
        });
        Ok(())
    },
};
