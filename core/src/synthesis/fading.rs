//! Fading: a print that has lost colour and contrast to its paper.
//!
//! On encoded values. First the saturation: `v ← luma + (1 − saturation_loss) · (v − luma)` with the luma of ITU-R BT.601.
//! Then the contrast: `v ← v + contrast_loss · (veil − v)`, so that black rises to `contrast_loss · veil` and white falls as
//! far short of 1. The veil is the grey `paper` tinted by `warmth`: +1 is the yellow of old paper, −1 its opposite.

use super::{
    canvas::Canvas,
    model::{Model, Parameter, named},
};
use crate::imaging::Channels;

/// Red, green and blue of luma (ITU-R BT.601).
const LUMA_WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];

/// What a warmth of 1 adds to the channels of the veil, as a share of it. Chosen by eye.
const WARM: [f64; 3] = [0.08, 0.0, -0.22];

pub(super) const MODEL: Model = Model {
    kind: "fading",
    parameters: &[
        Parameter::linear("contrast_loss", (0.0, 0.95), 0.0),
        Parameter::linear("saturation_loss", (0.0, 1.0), 0.0),
        Parameter::linear("paper", (0.0, 1.0), 0.7),
        Parameter::linear("warmth", (-1.0, 1.0), 0.0),
    ],
    apply: |canvas, values, _| {
        let [contrast_loss, saturation_loss, paper, warmth] = named(values);
        if saturation_loss > 0.0 {
            lose_saturation(canvas, saturation_loss as f32);
        }
        let veil = WARM.map(|share| (paper * (1.0 + warmth * share)).min(1.0));
        canvas.map(|channel, v| v + contrast_loss * (veil[channel] - v));
        Ok(())
    },
};

fn lose_saturation(canvas: &mut Canvas, loss: f32) {
    if canvas.channels == Channels::Grey {
        return;
    }
    canvas.for_rows(|_, row| {
        for pixel in row.chunks_exact_mut(3) {
            let luma: f32 = pixel.iter().zip(LUMA_WEIGHTS).map(|(v, weight)| v * weight).sum();
            // Between two values within the range, so within it but for rounding.
            pixel.iter_mut().for_each(|v| *v = (*v + loss * (luma - *v)).clamp(0.0, super::canvas::WHITE));
        }
    });
}
