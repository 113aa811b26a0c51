//! Damage `motion_blur`: a camera that moved during the exposure.
//!
//! Formula: linear light averaged along a straight line through each pixel. Border: reflect-101.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `length_px` | length of the line in pixels | 0–50 |
//! | `angle_deg` | degrees from the x axis towards y, which points down | 0–180 |

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    kernel::{Kernel, blur},
};

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "motion_blur",
    parameters: &[
        DamageParameter::linear("length_px", (0.0, 50.0), 0.0),
        DamageParameter::linear("angle_deg", (0.0, 180.0), 0.0),
    ],
    apply: |canvas, values, _| {
        let [length_px, angle_deg] = named(values);
        blur(canvas, &[Kernel::line(length_px, angle_deg)]);
        Ok(())
    },
};
