//! Damage `defocus`: a lens out of focus.
//!
//! Formula: linear light averaged over a disc around each pixel. Border: reflect-101.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `radius_px` | radius of the disc in pixels | 0–15 |

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    kernel::{Kernel, blur},
};

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "defocus",
    parameters: &[DamageParameter::linear("radius_px", (0.0, 15.0), 0.0)],
    apply: |canvas, values, _| {
        let [radius_px] = named(values);
        blur(canvas, &[Kernel::disc(radius_px)]);
        Ok(())
    },
};
