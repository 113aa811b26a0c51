//! Uneven light: a lamp at one side, dark corners.
//!
//! Linear light times `(1 + slope · (x cos a + y sin a)) · (1 − vignette · r²)`, clipped. `x`, `y` and `r` are measured from
//! the picture's centre in halves of its diagonal, so corners have `r` = 1 and the centre keeps its value; the angle `a` is
//! 0 when the light comes from the right and 90 when it comes from below.

use super::model::{Model, Parameter, named};

pub(super) const MODEL: Model = Model {
    kind: "uneven_light",
    parameters: &[
        Parameter::linear("slope", (0.0, 0.95), 0.0),
        Parameter::linear("angle_deg", (0.0, 360.0), 0.0),
        Parameter::linear("vignette", (0.0, 0.95), 0.0),
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
