//! A picture taken under water: colours that the way down has taken, and a veil that grows with the distance.
//!
//! In linear light, the image formation of Jaffe and McGlamery without forward scatter: `v ← v · e · t + veil · w · (1 − t)`. The
//! daylight that reaches the `depth` is `e = exp(−β · depth)`, divided by its largest channel as a camera exposes; the way from
//! the subject lets `t = exp(−β · distance)` through, and `w` is the colour of the water. Attenuation and colour lie between
//! clear ocean (`water` 0) and green coast (1). The far is at the top: `distance · (1 + slope · (1 − 2y))`, `y` from 0 to 1.

use super::model::{Model, Parameter, named};

/// Attenuation of red, green and blue per metre, in clear ocean and off a coast. Of the size that tables of Jerlov's water
/// types have at such wavelengths; the figures are ours, chosen by eye.
const ATTENUATION: [[f64; 3]; 2] = [[0.40, 0.07, 0.05], [0.45, 0.15, 0.28]];
/// The linear colour of the veil.
const VEIL: [[f64; 3]; 2] = [[0.03, 0.40, 0.60], [0.12, 0.50, 0.32]];

pub(super) const MODEL: Model = Model {
    kind: "underwater",
    parameters: &[
        Parameter::linear("depth", (0.0, 30.0), 0.0),
        Parameter::linear("distance", (0.0, 30.0), 0.0),
        Parameter::linear("water", (0.0, 1.0), 0.5),
        Parameter::linear("veil", (0.0, 1.0), 0.6),
        Parameter::linear("slope", (0.0, 1.0), 0.0),
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
