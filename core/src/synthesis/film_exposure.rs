//! Damage `film_exposure`: under- and over-exposure of film with toe and shoulder, and a wrong contrast.
//!
//! A characteristic curve (Hurter and Driffield, 1890) gives density over the logarithm of the exposure. It has a toe, a
//! straight part and a shoulder. The logistic function is the simplest curve of this shape; as `I / (I + h)` it is also the
//! response of Naka and Rushton (1966) in tone reproduction. In the logarithm of exposure, a share `s` of full light lies
//! at `x = ln(s / (1 − s))`. Formula, per channel in linear light:
//!
//! 1. `x = logit(0.85 · v)`. The factor gives white a finite exposure.
//! 2. `x ← contrast_c · (x − g) + g + ln 2 · exposure`, where `g` is the place of middle grey, 18 % of white.
//! 3. `v ← logistic(x) / 0.85`, clipped; then `v ← v + fog · (1 − v)`.
//!
//! So light areas approach white softly, and an overexposed sky keeps some of its clouds. Black stays without fog.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `exposure` | stops at the toe; the shoulder compresses them | −4–4 |
//! | `contrast` | slope over the right slope, drawn uniformly in its logarithm | 0.4–2.5 |
//! | `crossover` | red's contrast is `contrast · (1 + crossover)`, blue's `contrast · (1 − crossover)` | −0.4–0.4 |
//! | `fog` | light of base and veil in the deepest shadow, 1 is white | 0–0.2 |
//!
//! **Ranges.** The bounds are wider than what pictures need. Two stops are a bad exposure, and beyond three film records
//! little. Black-and-white papers came in grades from about half to double the normal contrast. Crossed curves give
//! shadows one tint and highlights the opposite; film that is old or wrongly developed has them. Fog of a few
//! hundredths is the milky black of thin negatives. The figures are chosen by eye.
//!
//! `tone` clips highlights as a sensor does, and `white_balance` has a camera's curve; both stay as they are.

use super::{
    damage_model::{DamageModel, DamageParameter, named},
    srgb::{to_encoded, to_linear},
};

/// Share of full light that white has.
const WHITE_SHARE: f64 = 0.85;
/// Linear light of middle grey.
const MIDDLE_GREY: f64 = 0.18;

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "film_exposure",
    parameters: &[
        DamageParameter::linear("exposure", (-4.0, 4.0), 0.0),
        DamageParameter::factor("contrast", (0.4, 2.5)),
        DamageParameter::linear("crossover", (-0.4, 0.4), 0.0),
        DamageParameter::linear("fog", (0.0, 0.2), 0.0),
    ],
    apply: |canvas, values, _| {
        let [exposure, contrast, crossover, fog] = named(values);
        let slopes = [1.0 + crossover, 1.0, 1.0 - crossover].map(|share| contrast * share);
        canvas.map(|channel, v| {
            let light = exposed(to_linear(v), exposure, slopes[channel]);
            to_encoded(light + fog * (1.0 - light))
        });
        Ok(())
    },
};

/// Returns the light, 0–1, after a change of exposure and contrast.
fn exposed(light: f64, exposure: f64, slope: f64) -> f64 {
    if light <= 0.0 {
        return 0.0;
    }
    // Odds s / (1 − s) and powers of them are the exponentials of the formula's logits.
    let odds = |light: f64| WHITE_SHARE * light / (1.0 - WHITE_SHARE * light);
    let grey = odds(MIDDLE_GREY);
    let changed = grey * libm::pow(odds(light) / grey, slope) * libm::exp2(exposure);
    (changed / (1.0 + changed) / WHITE_SHARE).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadows_move_by_the_exposure_and_highlights_less() {
        let stops = |light: f64, exposure: f64| libm::log2(exposed(light, exposure, 1.0) / light);
        assert!((stops(0.001, 1.0) - 1.0).abs() < 0.01, "the toe: {}", stops(0.001, 1.0));
        assert!(stops(0.5, 1.0) < 0.5 && exposed(0.5, 2.0, 1.0) < 0.9, "the shoulder is soft");
        assert!((stops(0.5, -1.0) + 0.657).abs() < 0.01, "{}", stops(0.5, -1.0));
    }

    #[test]
    fn middle_grey_is_the_pivot_of_contrast() {
        for slope in [0.5, 1.0, 2.0] {
            assert!((exposed(0.18, 0.0, slope) - 0.18).abs() < 1e-12);
        }
        assert!(exposed(0.05, 0.0, 1.5) < 0.05 && exposed(0.6, 0.0, 1.5) > 0.6);
    }

    #[test]
    fn opposite_exposures_undo_each_other_where_nothing_clips() {
        for light in [0.01, 0.2, 0.7] {
            let back = exposed(exposed(light, -1.5, 1.0), 1.5, 1.0);
            assert!((back - light).abs() < 1e-12, "{light} {back}");
        }
    }
}
