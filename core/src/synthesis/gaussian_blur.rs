//! Damage `gaussian_blur`: a soft picture.
//!
//! Formula: linear light convolved with a sampled Gaussian, along rows and along columns. Border: reflect-101.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `sigma_px` | standard deviation in pixels | 0–10 |

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    kernel::{Kernel, blur},
};

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "gaussian_blur",
    parameters: &[DamageParameter::linear("sigma_px", (0.0, 10.0), 0.0)],
    apply: |canvas, values, _| {
        let [sigma_px] = named(values);
        let kernel = Kernel::gaussian(sigma_px);
        blur(canvas, &[kernel.turned(), kernel]);
        Ok(())
    },
};
