//! A wrong white balance as a camera bakes it in: gains on the scene's light, before the tone curve.
//!
//! The scene is what an assumed curve with a soft shoulder, `t(x) = 2x / (1 + x)`, makes the picture's linear light of; it is
//! undone, `x = y / (2 − y)`, the gains are applied and clipped as a sensor clips, and the curve is applied again. That is
//! why such a picture cannot be put right by gains alone. The gains, in stops: red `+temperature`, blue
//! `−temperature`, green `tint`; all are then divided by the luminance that they give to white.

use super::{
    model::{Model, Parameter, named},
    srgb::{LUMINANCE_WEIGHTS, to_encoded, to_linear},
};

pub(super) const MODEL: Model = Model {
    kind: "white_balance",
    parameters: &[
        Parameter::linear("temperature", (-2.0, 2.0), 0.0),
        Parameter::linear("tint", (-1.0, 1.0), 0.0),
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

fn gains(temperature: f64, tint: f64) -> [f64; 3] {
    let gains = [temperature, tint, -temperature].map(libm::exp2);
    let white: f64 = gains.iter().zip(LUMINANCE_WEIGHTS).map(|(gain, weight)| gain * weight).sum();
    gains.map(|gain| gain / white)
}

fn to_camera(scene: f64) -> f64 {
    2.0 * scene / (1.0 + scene)
}

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
