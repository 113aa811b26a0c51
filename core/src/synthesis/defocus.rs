//! A lens out of focus: a disc of `radius_px` in linear light, border reflect-101.

use super::{
    kernel::{Kernel, blur},
    model::{Model, Parameter, named},
};

pub(super) const MODEL: Model = Model {
    kind: "defocus",
    parameters: &[Parameter::linear("radius_px", (0.0, 15.0), 0.0)],
    apply: |canvas, values, _| {
        let [radius_px] = named(values);
        blur(canvas, &[Kernel::disc(radius_px)]);
        Ok(())
    },
};
