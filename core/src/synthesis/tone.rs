//! Damage `tone`: a wrong exposure and a wrong gamma.
//!
//! Formula: linear light times `2^exposure`, clipped at 1 as a sensor clips; then the encoded value to the power of
//! `gamma`. A gamma above 1 darkens the middle tones. Black and white stay.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `exposure` | stops | −4–4 |
//! | `gamma` | exponent of the encoded value, drawn uniformly in its logarithm | 0.3–3 |

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    srgb::{to_encoded, to_linear},
};

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "tone",
    parameters: &[
        DamageParameter::linear("exposure", (-4.0, 4.0), 0.0),
        DamageParameter::factor("gamma", (0.3, 3.0)),
    ],
    apply: |canvas, values, _| {
        let [exposure, gamma] = named(values);
        let gain = libm::exp2(exposure);
        canvas.map(|_, v| libm::pow(to_encoded(gain * to_linear(v)), gamma));
        Ok(())
    },
};
