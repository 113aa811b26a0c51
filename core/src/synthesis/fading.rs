//! Damage `fading`: a print that has lost saturation and contrast.
//!
//! Formula, on encoded values 0–1:
//!
//! 1. Saturation: `v ← luma + (1 − saturation_loss) · (v − luma)`, with the luma of ITU-R BT.601. Grey pictures skip
//!    this step.
//! 2. Contrast: `v ← v + contrast_loss · (veil − v)`. Black rises to `contrast_loss · veil`; white falls by
//!    `contrast_loss · (1 − veil)`.
//!
//! The veil is the grey `paper`, tinted by `warmth`.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `contrast_loss` | share of the veil in every pixel | 0–0.95 |
//! | `saturation_loss` | share of the saturation | 0–1 |
//! | `paper` | encoded value of the veil's grey | 0–1, 0.7 if not given |
//! | `warmth` | 1 is the yellow of old paper, −1 the opposite | −1–1 |

use super::{
    canvas::{Canvas, WHITE},
    damage_model::{DamageModel, DamageParameter, named},
};
use crate::imaging::Channels;

/// Weights of red, green and blue in luma (ITU-R BT.601).
const LUMA_WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];

/// Relative change of the veil's red, green and blue at a warmth of 1. Chosen by eye.
const WARM: [f64; 3] = [0.08, 0.0, -0.22];

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "fading",
    parameters: &[
        DamageParameter::linear("contrast_loss", (0.0, 0.95), 0.0),
        DamageParameter::linear("saturation_loss", (0.0, 1.0), 0.0),
        DamageParameter::linear("paper", (0.0, 1.0), 0.7),
        DamageParameter::linear("warmth", (-1.0, 1.0), 0.0),
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

/// Moves every pixel towards its luma by the share `loss`.
fn lose_saturation(canvas: &mut Canvas, loss: f32) {
    if canvas.channels == Channels::Grey {
        return;
    }
    canvas.for_rows(|_, row| {
        for pixel in row.chunks_exact_mut(3) {
            let luma: f32 = pixel.iter().zip(LUMA_WEIGHTS).map(|(v, weight)| v * weight).sum();
            // The result lies between two values of the range, so only rounding can leave the range.
            pixel.iter_mut().for_each(|v| *v = (*v + loss * (luma - *v)).clamp(0.0, WHITE));
        }
    });
}
