//! Turns the expected gains of candidates into a decision: a colour correction, else a candidate that sharpens, smooths or
//! denoises, else nothing.

use serde::{Deserialize, Serialize};

use super::{
    artifact::GainArtifact,
    model::{Expectation, ExpectedGain, GainModel, GainTable, Gate},
    weight_forest::WeightsError,
};
use crate::{
    features::{Features, Schema, rich},
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters, operators::color_transform::ColorTransform,
    },
    models::{error::PredictError, requested::RequestedParameters},
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
    /// Chance that something is wrong with the picture, 0–1, whether or not a candidate would help.
    pub damaged: f64,
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
    size: (usize, usize),
    requested: &RequestedParameters,
) -> Result<Decision, PredictError> {
    predict_by(&artifact.model, features, size, requested)
}

/// Same as [`predict`], for a model without a card.
pub(super) fn predict_by(
    model: &GainModel,
    features: &Features,
    size: (usize, usize),
    requested: &RequestedParameters,
) -> Result<Decision, PredictError> {
    decide(model, &values_of(features), requested, is_of_trained_size(size))
        .map_err(|error| explain(features, error))
}

/// Whether a picture of `width × height` px may be sharpened, smoothed or denoised. What a model learned about that does not
/// hold for pictures larger than those of the training.
pub fn is_of_trained_size((width, height): (usize, usize)) -> bool {
    width.max(height) <= rich::SIDE_MAX_PX
}

/// Returns the values of features in the precision of the model.
pub(super) fn values_of(features: &Features) -> Vec<f32> {
    features.values.iter().map(|&v| v as f32).collect()
}

/// Returns the error for features that the model cannot use.
pub(super) fn explain(features: &Features, error: WeightsError) -> PredictError {
    match error {
        WeightsError::Length { .. } => {
            PredictError::Schema { found: features.schema.name(), needed: Schema::Rich.name() }
        }
        WeightsError::Feature { feature, .. } => {
            PredictError::Feature { feature: Schema::Rich.names()[feature], found: features.values[feature] }
        }
    }
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
    decide_under(model, features, requested, model.gates(requested.assume).color, is_of_trained_size)
}

/// Same as [`decide`], with `gate` in place of the model's gate of colour corrections.
///
/// # Errors
/// Same errors as [`decide`].
pub fn decide_under(
    model: &GainModel,
    features: &[f32],
    requested: &RequestedParameters,
    gate: Gate,
    is_of_trained_size: bool,
) -> Result<Decision, WeightsError> {
    // Trees give a leaf for any vector, so expected gains show no sign of an unlike picture. Ranges do.
    let is_unlike = model.is_outside(features);
    let expectation = model.color.expect(features)?;
    let color = choose_color(model, features, &expectation, requested.color_method, gate, is_unlike)?;
    complete(model, features, requested, is_of_trained_size, color, expectation.undamaged)
}

/// Decides for a picture whose colours are decided already, as those of a roll are. `undamaged` is the chance that nothing is
/// wrong with the picture.
pub(super) fn complete(
    model: &GainModel,
    features: &[f32],
    requested: &RequestedParameters,
    is_of_trained_size: bool,
    color: PartChoice,
    undamaged: f64,
) -> Result<Decision, WeightsError> {
    let is_unlike = model.is_outside(features);
    let gates = model.gates(requested.assume);
    let corrects = color.parameters.color_method().is_on();
    // The colours are chosen first, because a colour correction closes the open choice of sharpening.
    let closed = is_unlike || corrects || !is_of_trained_size;
    let detail = choose_detail(model, features, requested, gates.detail, closed)?;
    let parameters = detail.parameters.with_color(color.parameters.color());
    let expected = color.expected.or(detail.expected);
    let damaged = 1.0 - undamaged;
    // Who asks for a learned correction gets it, whatever it is expected to gain.
    let chose_color = corrects && color.expected.is_some() && requested.color_method.is_none();
    let reason = match parameters.is_identity() {
        true if requested.is_open() && is_unlike => Reason::UnlikeTraining,
        true => Reason::NotWorthIt,
        false if chose_color || detail.expected.is_some() => Reason::WorthIt,
        false => Reason::Requested,
    };
    Ok(Decision { parameters, transform: color.transform, expected, damaged, reason })
}

/// The choice for one part of a restoration: the colours, or the rest.
pub(super) struct PartChoice {
    pub(super) parameters: RestorationParameters,
    pub(super) transform: Option<ColorTransform>,
    pub(super) expected: Option<ExpectedGain>,
}

impl PartChoice {
    pub(super) const NOTHING: Self = Self::requested(RestorationParameters::IDENTITY);

    /// The choice of parameters that follow from what the caller fixed, without a prediction.
    const fn requested(parameters: RestorationParameters) -> Self {
        Self { parameters, transform: None, expected: None }
    }
}

fn choose_color(
    model: &GainModel,
    features: &[f32],
    expectation: &Expectation,
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
    let is_learned = |p: &RestorationParameters| p.color_method() == ColorMethod::Learned;
    let chosen = match method {
        None => gate.choose(&expectation.gains, expectation.undamaged),
        // The caller has decided to correct, so no gate asks whether the correction is worth it.
        Some(_) => {
            let gate = Gate { worth: gate.worth, harm_price: gate.harm_price, ..Gate::OPEN };
            chosen_of(&model.color, expectation, gate, is_learned)
        }
    };
    let Some(chosen) = chosen else { return Ok(PartChoice::NOTHING) };
    // Most pictures are left untouched, so their code is not predicted.
    let code = model.codes.code(features)?;
    let candidate = &model.color.candidates[chosen];
    let (parameters, transform) = (candidate.parameters(), candidate.transform(&code));
    // Coefficients out of bounds make no transform, and without it a learned correction cannot be applied.
    if parameters.color_method() == ColorMethod::Learned && transform.is_none() {
        return Ok(PartChoice::NOTHING);
    }
    let expected = Some(model.color.with_interval(expectation, chosen));
    Ok(PartChoice { parameters, transform, expected })
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
    let expectation = model.detail.expect(features)?;
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
        Some(_) => chosen_of(&model.detail, &expectation, Gate::OPEN, agrees),
        None => chosen_of(&model.detail, &expectation, gate, agrees),
    };
    let Some(chosen) = chosen else {
        // A fixed strength is applied even if no candidate agrees. Sigma is then 1.
        let asked = strength.map_or(RestorationParameters::IDENTITY, |strength| sharpened(1.0, strength));
        return Ok(PartChoice::requested(asked));
    };
    let found = model.detail.candidates[chosen].parameters();
    match (found.sharpening(), sigma, strength) {
        (_, None, None) => {
            let expected = Some(model.detail.with_interval(&expectation, chosen));
            Ok(PartChoice { parameters: found, transform: None, expected })
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

/// Returns the index of the candidate that the gate chooses among those that agree.
fn chosen_of(
    table: &GainTable,
    expectation: &Expectation,
    gate: Gate,
    agrees: impl Fn(&RestorationParameters) -> bool,
) -> Option<usize> {
    let gains = &expectation.gains;
    let which: Vec<usize> = (0..gains.len()).filter(|&i| agrees(&table.candidates[i].parameters())).collect();
    let agreeing: Vec<ExpectedGain> = which.iter().map(|&i| gains[i]).collect();
    gate.choose(&agreeing, expectation.undamaged).map(|i| which[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::assume::Assume;

    fn artifact() -> GainArtifact {
        GainArtifact::from_bytes(include_bytes!("../../../models/builtin.model"), 256 << 20).unwrap()
    }

    /// Every mixture of some numbers, around the bounds of the gates, with the chance that nothing is wrong.
    fn gains() -> impl Iterator<Item = (ExpectedGain, f64)> {
        let of = |n: usize, from: f64, step: f64| (0..n).map(move |i| from + step * i as f64);
        of(8, -0.004, 0.004).flat_map(move |score| {
            of(12, 0.0, 0.08).flat_map(move |harm| {
                of(5, -0.1, 0.2).flat_map(move |psnr_db| {
                    of(8, 0.01, 0.07).map(move |undamaged| {
                        (ExpectedGain { score, score_low: 0.0, psnr_db, harm, interval_db: None }, undamaged)
                    })
                })
            })
        })
    }

    #[test]
    fn each_assumption_moves_the_gates_one_way() {
        let model = artifact().model;
        let [auto, damaged, faded, fine] = Assume::ALL.map(|assume| model.gates(assume));
        let passes = |gate: &Gate, (gain, undamaged): &(ExpectedGain, f64)| gate.passes(gain, *undamaged);
        let count = |gate: &Gate| gains().filter(|gain| passes(gate, gain)).count();
        for (stricter, laxer) in [
            (fine.color, auto.color),
            (auto.color, damaged.color),
            (damaged.color, faded.color),
            (fine.detail, auto.detail),
            (auto.detail, damaged.detail),
            (faded.detail, fine.detail),
        ] {
            assert!(
                gains().all(|gain| passes(&laxer, &gain) || !passes(&stricter, &gain)),
                "{stricter:?} {laxer:?}"
            );
            assert!(count(&stricter) < count(&laxer), "{stricter:?} {laxer:?}");
        }
        // Nothing is sharpened for faded colours, and no gate lets an expected loss through, nor does one of rolls.
        assert!(model.roll_gates.iter().all(|gate| gate.margin_db >= 0.0), "{:?}", model.roll_gates);
        assert_eq!(count(&faded.detail), 0);
        for gate in [damaged.color, damaged.detail, faded.color] {
            assert!(
                gains().filter(|(gain, _)| gain.psnr_db <= 0.0).all(|gain| !passes(&gate, &gain)),
                "{gate:?}"
            );
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
