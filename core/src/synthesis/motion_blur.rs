//! A camera that moved: a straight line of `length_px` at `angle_deg` in linear light, border reflect-101.

use super::{
    kernel::{Kernel, blur},
    model::{Model, Parameter, named},
};

pub(super) const MODEL: Model = Model {
    kind: "motion_blur",
    parameters: &[
        Parameter::linear("length_px", (0.0, 50.0), 0.0),
        Parameter::linear("angle_deg", (0.0, 180.0), 0.0),
    ],
    apply: |canvas, values, _| {
        let [length_px, angle_deg] = named(values);
        blur(canvas, &[Kernel::line(length_px, angle_deg)]);
        Ok(())
    },
};
