//! Damage `white_balance`: a wrong white balance, applied as a camera does: by gains on the scene's light before the
//! tone curve.
//!
//! Formula, per channel in linear light:
//!
//! 1. Undo an assumed camera curve with a soft shoulder, `t(x) = 2x / (1 + x)`: `x = y / (2 − y)`.
//! 2. Multiply by the channel's gain and clip at 1, as a sensor clips.
//! 3. Apply the curve again.
//!
//! So gains alone cannot restore such a picture. The gains, in stops (powers of two), are `+temperature` for red,
//! `tint` for green and `−temperature` for blue. All three are then divided by the luminance that they give to white.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `temperature` | stops towards red and away from blue | −2–2 |
//! | `tint` | stops towards green | −1–1 |

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    srgb::{LUMINANCE_WEIGHTS, to_encoded, to_linear},
};

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "white_balance",
    parameters: &[
        DamageParameter::linear("temperature", (-2.0, 2.0), 0.0),
        DamageParameter::linear("tint", (-1.0, 1.0), 0.0),
    ],
    apply: |canvas, values, _| {
        let [temperature, tint] = named(values);
        let gains = gains(temperature, tint);
        canvas.map(|channel, v| {
            let scene = (gains[channel] * from_camera(to_linear(v))).min(1.0);
            to_encoded(to_camera(scene))
        });
        Ok(())
    },
};

/// Gains of red, green and blue that keep the luminance of white.
fn gains(temperature: f64, tint: f64) -> [f64; 3] {
    let gains = [temperature, tint, -temperature].map(libm::exp2);
    let white: f64 = gains.iter().zip(LUMINANCE_WEIGHTS).map(|(gain, weight)| gain * weight).sum();
    gains.map(|gain| gain / white)
}

/// The assumed camera curve, on linear light 0–1.
fn to_camera(scene: f64) -> f64 {
    2.0 * scene / (1.0 + scene)
}

/// Inverse of [`to_camera`].
fn from_camera(light: f64) -> f64 {
    light / (2.0 - light)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_of_temperature_is_a_ratio_of_four_between_red_and_blue() {
        let [red, green, blue] = gains(1.0, 0.25);
        assert!((red / blue - 4.0).abs() < 1e-12);
        assert!((green / blue - 2f64.powf(1.25)).abs() < 1e-12);
        assert!((0.2126 * red + 0.7152 * green + 0.0722 * blue - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_camera_is_undone() {
        for light in [0.0, 0.18, 0.5, 1.0] {
            assert!((to_camera(from_camera(light)) - light).abs() < 1e-15);
        }
    }
}
