//! A soft picture: a Gaussian of deviation `sigma_px` in linear light, border reflect-101.

use super::{
    kernel::{Kernel, blur},
    model::{Model, Parameter, named},
};

pub(super) const MODEL: Model = Model {
    kind: "gaussian_blur",
    parameters: &[Parameter::linear("sigma_px", (0.0, 10.0), 0.0)],
    apply: |canvas, values, _| {
        let [sigma_px] = named(values);
        let kernel = Kernel::gaussian(sigma_px);
        blur(canvas, &[kernel.turned(), kernel]);
        Ok(())
    },
};
