//! Turns the expected gains of candidates into a decision: a colour correction, else a candidate that sharpens, smooths or
//! denoises, else nothing.

use serde::{Deserialize, Serialize};

use super::{
    artifact::GainArtifact,
    model::{ExpectedGain, GainModel, GainTable, Gate},
    weight_forest::WeightsError,
};
use crate::{
    features::{Features, Schema, rich},
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters, operators::color_transform::ColorTransform,
    },
    models::{assume::Assume, error::PredictError, requested::RequestedParameters},
};

/// The restoration of a picture, and the reason for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Parameters of the restoration.
    pub parameters: RestorationParameters,
    /// The transform of a learned colour correction, already blended.
    pub transform: Option<ColorTransform>,
    /// Expected gain over doing nothing; `None` where nothing was predicted.
    pub expected: Option<ExpectedGain>,
    /// The reason.
    pub reason: Reason,
}

/// The reason of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A candidate passed its gate.
    WorthIt,
    /// No candidate passed its gate.
    NotWorthIt,
    /// The picture is unlike the training.
    UnlikeTraining,
    /// The caller fixed the parameters.
    Requested,
}

/// Decides for a picture of `width × height` px with the given features.
///
/// # Errors
/// When the features are of another schema or not finite.
pub fn predict(
    artifact: &GainArtifact,
    features: &Features,
    (width, height): (usize, usize),
    requested: &RequestedParameters,
) -> Result<Decision, PredictError> {
    let values: Vec<f32> = features.values.iter().map(|&v| v as f32).collect();
    let is_of_trained_size = width.max(height) <= rich::SIDE_MAX_PX;
    decide(&artifact.model, &values, requested, is_of_trained_size).map_err(|error| match error {
        WeightsError::Length { .. } => {
            PredictError::Schema { found: features.schema.name(), needed: Schema::Rich.name() }
        }
        WeightsError::Feature { feature, .. } => {
            PredictError::Feature { feature: Schema::Rich.names()[feature], found: features.values[feature] }
        }
    })
}

/// Decides from the features of a picture. `is_of_trained_size` permits candidates that sharpen, smooth or denoise:
/// what the model learned about them does not hold for pictures larger than those of the training.
///
/// Parameters that the caller fixed are applied without a gate. For open parameters, only candidates that agree with
/// the fixed ones are compared. Sharpening was learned on pictures whose colours stay unchanged. A colour correction
/// amplifies contrast, noise and edges, so a corrected picture is only sharpened if the caller fixed the strength.
///
/// # Errors
/// When the features are not those of the fit, or not finite.
pub fn decide(
    model: &GainModel,
    features: &[f32],
    requested: &RequestedParameters,
    is_of_trained_size: bool,
) -> Result<Decision, WeightsError> {
    // Trees give a leaf for any vector, so expected gains show no sign of an unlike picture. Ranges do.
    let is_unlike = model.is_outside(features);
    let (color_gate, detail_gate) = gates(model, requested.assume);
    let color = choose_color(model, features, requested.color_method, color_gate, is_unlike)?;
    let corrects = color.parameters.color_method().is_on();
    // The colours are chosen first, because a colour correction closes the open choice of sharpening.
    let closed = is_unlike || corrects || !is_of_trained_size;
    let detail = choose_detail(model, features, requested, detail_gate, closed)?;
    let parameters = detail.parameters.with_color(color.parameters.color());
    let expected = color.expected.or(detail.expected);
    let reason = match parameters.is_identity() {
        true if requested.is_open() && is_unlike => Reason::UnlikeTraining,
        true => Reason::NotWorthIt,
        false if expected.is_some() => Reason::WorthIt,
        false => Reason::Requested,
    };
    Ok(Decision { parameters, transform: color.transform, expected, reason })
}

/// Returns the gates of colour corrections and of the other candidates under an assumption. The bounds besides those of
/// [`Assume::Auto`] are set by hand: the model file has the careful ones only.
fn gates(model: &GainModel, assume: Assume) -> (Gate, Gate) {
    let (color, detail) = (model.color_gate, model.detail_gate);
    // Any candidate with the expected gain, unless more than three of five similar pictures were harmed.
    let lax = |gate: Gate| Gate { harm_max: gate.harm_max.max(0.6), score_low_min: -1.0, ..gate };
    // A colour correction of little gain is welcome only where it closes no sharpening of more gain.
    let laxest = |gate: Gate| Gate { margin: 0.0, ..lax(gate) };
    // Twice the gain at a fifth of the harm, and nine of ten similar pictures must have lost next to nothing.
    let strict = |gate: Gate| Gate {
        margin: 2.0 * gate.margin,
        harm_max: 0.2 * gate.harm_max,
        score_low_min: gate.score_low_min.max(-0.01),
        ..gate
    };
    match assume {
        Assume::Auto => (color, detail),
        Assume::Damaged => (lax(color), laxest(detail)),
        Assume::Faded => (laxest(color), Gate::CLOSED),
        Assume::Fine => (strict(color), strict(detail)),
    }
}

/// The choice for one part of a restoration: the colours, or the rest.
struct PartChoice {
    parameters: RestorationParameters,
    transform: Option<ColorTransform>,
    expected: Option<ExpectedGain>,
}

impl PartChoice {
    const NOTHING: Self = Self::requested(RestorationParameters::IDENTITY);

    /// The choice of parameters that follow from what the caller fixed, without a prediction.
    const fn requested(parameters: RestorationParameters) -> Self {
        Self { parameters, transform: None, expected: None }
    }
}

fn choose_color(
    model: &GainModel,
    features: &[f32],
    method: Option<ColorMethod>,
    gate: Gate,
    is_unlike: bool,
) -> Result<PartChoice, WeightsError> {
    match method {
        Some(ColorMethod::None) => return Ok(PartChoice::NOTHING),
        // These methods measure the picture itself and are fully applied: there is nothing to predict.
        Some(method) if method != ColorMethod::Learned => {
            let parameters = RestorationParameters::IDENTITY.with_color(ColorCorrection::from(method));
            return Ok(PartChoice::requested(parameters));
        }
        // Only the open choice is closed. A caller who asks for a learned correction gets it for any picture.
        None if is_unlike => return Ok(PartChoice::NOTHING),
        _ => {}
    }
    let code = model.codes.code(features)?;
    let expected = model.expect_color(features, &code)?;
    let chosen = match method {
        None => gate.choose(&expected),
        // The caller has decided to correct, so no gate asks whether the correction is worth it.
        Some(_) => best_of(&model.color, &expected, |p| p.color_method() == ColorMethod::Learned),
    };
    let Some(chosen) = chosen else { return Ok(PartChoice::NOTHING) };
    let candidate = &model.color.candidates[chosen];
    let (parameters, transform) = (candidate.parameters(), candidate.transform(&code));
    // Coefficients out of bounds make no transform, and without it a learned correction cannot be applied.
    if parameters.color_method() == ColorMethod::Learned && transform.is_none() {
        return Ok(PartChoice::NOTHING);
    }
    Ok(PartChoice { parameters, transform, expected: Some(expected[chosen]) })
}

/// Chooses among candidates that sharpen, smooth or denoise. With `closed`, none is chosen unless the caller fixed the
/// strength.
fn choose_detail(
    model: &GainModel,
    features: &[f32],
    requested: &RequestedParameters,
    gate: Gate,
    closed: bool,
) -> Result<PartChoice, WeightsError> {
    let &RequestedParameters { sigma, strength, .. } = requested;
    if strength == Some(0.0) || (closed && strength.is_none()) {
        return Ok(PartChoice::NOTHING);
    }
    if let (Some(sigma), Some(strength)) = (sigma, strength) {
        return Ok(PartChoice::requested(sharpened(sigma, strength)));
    }
    let expected = model.detail.expect(features)?;
    let agrees = |p: &RestorationParameters| match (p.sharpening(), sigma, strength) {
        (_, None, None) => true,
        // A negative strength smooths. Candidates that sharpen say nothing about its sigma.
        (Some(found), None, Some(wanted)) => found.strength.signum() == wanted.signum(),
        // Any candidate that sharpens or smooths may lend its strength to the fixed sigma.
        (Some(_), Some(_), _) => true,
        (None, ..) => false,
    };
    let chosen = match strength {
        // The caller fixed a strength: the sigma is that of the best candidate with a strength of the same sign.
        Some(_) => best_of(&model.detail, &expected, agrees),
        None => chosen_of(&model.detail, &expected, gate, agrees),
    };
    let Some(chosen) = chosen else {
        // A fixed strength is applied even if no candidate agrees. Sigma is then 1.
        let asked = strength.map_or(RestorationParameters::IDENTITY, |strength| sharpened(1.0, strength));
        return Ok(PartChoice::requested(asked));
    };
    let found = model.detail.candidates[chosen].parameters();
    match (found.sharpening(), sigma, strength) {
        (_, None, None) => {
            Ok(PartChoice { parameters: found, transform: None, expected: Some(expected[chosen]) })
        }
        (Some(found), ..) => {
            let (sigma, strength) = (sigma.unwrap_or(found.sigma), strength.unwrap_or(found.strength));
            Ok(PartChoice::requested(sharpened(sigma, strength)))
        }
        // No candidate without sharpening agrees with a fixed sigma or strength.
        (None, ..) => Ok(PartChoice::NOTHING),
    }
}

/// Returns the parameters that sharpen and do nothing else. Requested values and those of candidates are checked.
fn sharpened(sigma: f64, strength: f64) -> RestorationParameters {
    RestorationParameters::new(ColorMethod::None, sigma, strength)
        .expect("requested values and candidates are in range")
}

/// Returns the index of the best candidate that agrees, without a gate.
fn best_of(
    table: &GainTable,
    expected: &[ExpectedGain],
    agrees: impl Fn(&RestorationParameters) -> bool,
) -> Option<usize> {
    const OPEN: Gate =
        Gate { margin: f64::MIN, harm_max: f64::MAX, score_low_min: f64::MIN, harm_price: 0.0 };
    // With any bounds, a gate also requires an expected gain in dB above 0.
    let open: Vec<ExpectedGain> = expected.iter().map(|e| ExpectedGain { psnr_db: 1.0, ..*e }).collect();
    chosen_of(table, &open, OPEN, agrees)
}

/// Returns the index of the candidate that the gate chooses among those that agree.
fn chosen_of(
    table: &GainTable,
    expected: &[ExpectedGain],
    gate: Gate,
    agrees: impl Fn(&RestorationParameters) -> bool,
) -> Option<usize> {
    let which: Vec<usize> =
        (0..expected.len()).filter(|&i| agrees(&table.candidates[i].parameters())).collect();
    let expected: Vec<ExpectedGain> = which.iter().map(|&i| expected[i]).collect();
    gate.choose(&expected).map(|i| which[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact() -> GainArtifact {
        GainArtifact::from_bytes(include_bytes!("../../../models/builtin.model"), 256 << 20).unwrap()
    }

    /// Every mixture of some numbers, around the bounds of the gates.
    fn gains() -> impl Iterator<Item = ExpectedGain> {
        let of = |n: usize, from: f64, step: f64| (0..n).map(move |i| from + step * i as f64);
        of(12, -0.004, 0.004).flat_map(move |score| {
            of(8, -0.3, 0.05).flat_map(move |score_low| {
                of(11, 0.0, 0.08).flat_map(move |harm| {
                    of(2, -0.5, 1.0).map(move |psnr_db| ExpectedGain { score, score_low, psnr_db, harm })
                })
            })
        })
    }

    #[test]
    fn auto_has_the_gates_of_the_model_and_each_assumption_moves_them_one_way() {
        let model = artifact().model;
        let [auto, damaged, faded, fine] = Assume::ALL.map(|assume| gates(&model, assume));
        assert_eq!(auto, (model.color_gate, model.detail_gate));
        let count = |gate: &Gate| gains().filter(|gain| gate.passes(gain)).count();
        for (stricter, laxer) in [
            (fine.0, auto.0),
            (auto.0, damaged.0),
            (damaged.0, faded.0),
            (fine.1, auto.1),
            (auto.1, damaged.1),
            (faded.1, fine.1),
        ] {
            assert!(
                gains().all(|gain| laxer.passes(&gain) || !stricter.passes(&gain)),
                "{stricter:?} {laxer:?}"
            );
            assert!(count(&stricter) < count(&laxer), "{stricter:?} {laxer:?}");
        }
        // Nothing is sharpened for faded colours, and no gate lets an expected loss through.
        assert_eq!(count(&faded.1), 0);
        let loses = |gain: &ExpectedGain| gain.score <= 0.0 || gain.psnr_db <= 0.0;
        for gate in [damaged.0, damaged.1, faded.0] {
            assert!(gains().filter(loses).all(|gain| !gate.passes(&gain)), "{gate:?}");
        }
    }

    #[test]
    fn an_assumption_decides_nothing_that_the_caller_has_fixed() {
        let model = artifact().model;
        let features = vec![0.5; Schema::Rich.names().len()];
        for method in [ColorMethod::None, ColorMethod::Levels] {
            for strength in [-0.5, 0.0, 1.0] {
                let fixed = RequestedParameters::new(None, Some(method), Some(1.5), Some(strength)).unwrap();
                let decided = |assume| decide(&model, &features, &fixed.with_assume(assume), true).unwrap();
                let all = Assume::ALL.map(decided);
                assert!(all.iter().all(|decision| *decision == all[0]));
                assert_eq!(Some(all[0].parameters), fixed.complete());
            }
        }
    }
}
