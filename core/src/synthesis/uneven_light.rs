//! Damage `uneven_light`: a lamp at one side, dark corners.
//!
//! Formula: linear light times `(1 + slope · (x cos a + y sin a)) · (1 − vignette · r²)`, clipped to 0–1. `x`, `y`
//! and `r` are measured from the picture's centre in halves of its diagonal. So corners have `r` = 1, and the centre
//! keeps its value.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `slope` | relative change of light per half diagonal towards the lamp | 0–0.95 |
//! | `angle_deg` | direction `a` of the lamp in degrees: 0 right, 90 below | 0–360 |
//! | `vignette` | share of light that corners lose | 0–0.95 |

use super::damage_model::{DamageModel, DamageParameter, named};

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "uneven_light",
    parameters: &[
        DamageParameter::linear("slope", (0.0, 0.95), 0.0),
        DamageParameter::linear("angle_deg", (0.0, 360.0), 0.0),
        DamageParameter::linear("vignette", (0.0, 0.95), 0.0),
    ],
    apply: |canvas, values, _| {
        let [slope, angle_deg, vignette] = named(values);
        let (sin, cos) = libm::sincos(angle_deg.to_radians());
        let centre = ((canvas.width - 1) as f64 / 2.0, (canvas.height - 1) as f64 / 2.0);
        // A single pixel is its own centre.
        let half_diagonal = libm::hypot(centre.0, centre.1).max(f64::MIN_POSITIVE);
        canvas.multiply_linear(|x, y| {
            let (x, y) = ((x as f64 - centre.0) / half_diagonal, (y as f64 - centre.1) / half_diagonal);
            (1.0 + slope * (x * cos + y * sin)) * (1.0 - vignette * (x * x + y * y))
        });
        Ok(())
    },
};
