//! From expected gains to what is done to a picture: a colour correction, else a sharpening, smoothing or denoising, and
//! nothing unless one is worth it.

use serde::{Deserialize, Serialize};

use crate::{
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters, Sharpening,
        operators::color_transform::ColorTransform,
    },
    models::gains::{
        candidates,
        model::{ExpectedGain, GainModel, GainTable, Gate},
        weight_forest::WeightsError,
    },
};

/// What is done, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// What is done.
    pub parameters: RestorationParameters,
    /// The transform of a learned colour correction, already blended.
    pub transform: Option<ColorTransform>,
    /// What is expected of it, over doing nothing: `None` where nothing was predicted.
    pub expected: Option<ExpectedGain>,
    /// Why.
    pub reason: Reason,
}

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A candidate is worth it.
    WorthIt,
    /// None is.
    NotWorthIt,
    /// The picture is like nothing that the model was trained on.
    UnlikeTraining,
    /// The caller asked for it.
    Requested,
}

/// What the caller fixed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fixed {
    /// The colour method.
    pub color_method: Option<ColorMethod>,
    /// The sigma of a sharpening.
    pub sigma: Option<f64>,
    /// Its strength.
    pub strength: Option<f64>,
}

/// Decides. `sharpens`: whether sharpening, smoothing and denoising may be chosen (a picture larger than those that were
/// trained on is too coarse for what was learned of them).
///
/// What is fixed is done without asking whether it is worth it; of what is left open only candidates that agree are
/// looked at. What sharpening gains was learned on pictures whose colours stay as they are: a corrected one, whose noise and
/// edges are amplified with its contrast, is only sharpened if the caller says how strongly.
///
/// # Errors
/// When the features are not those of the fit.
pub fn decide(
    model: &GainModel,
    features: &[f32],
    fixed: &Fixed,
    sharpens: bool,
) -> Result<Decision, WeightsError> {
    let is_unlike = model.is_outside(features);
    let color = choose_color(model, features, fixed.color_method, is_unlike)?;
    let corrects = color.parameters.color_method().is_on();
    let detail = choose_detail(model, features, fixed, is_unlike || corrects || !sharpens)?;
    let parameters = detail.parameters.with_color(color.parameters.color());
    let expected = color.expected.or(detail.expected);
    let reason = match (fixed, parameters.is_identity()) {
        (Fixed { color_method: None, sigma: None, strength: None }, true) if is_unlike => {
            Reason::UnlikeTraining
        }
        (_, true) => Reason::NotWorthIt,
        _ if expected.is_some() => Reason::WorthIt,
        _ => Reason::Requested,
    };
    Ok(Decision { parameters, transform: color.transform, expected, reason })
}

/// One of the two choices.
struct Choice {
    parameters: RestorationParameters,
    transform: Option<ColorTransform>,
    expected: Option<ExpectedGain>,
}

impl Choice {
    const NOTHING: Self =
        Self { parameters: RestorationParameters::IDENTITY, transform: None, expected: None };
}

fn choose_color(
    model: &GainModel,
    features: &[f32],
    method: Option<ColorMethod>,
    is_unlike: bool,
) -> Result<Choice, WeightsError> {
    match method {
        Some(ColorMethod::None) => return Ok(Choice::NOTHING),
        // Measured of the picture itself and fully applied: nothing to predict.
        Some(method) if method != ColorMethod::Learned => {
            let parameters = RestorationParameters::IDENTITY.with_color(ColorCorrection::from(method));
            return Ok(Choice { parameters, transform: None, expected: None });
        }
        None if is_unlike => return Ok(Choice::NOTHING),
        _ => {}
    }
    let code = model.codes.code(features)?;
    let expected = model.expect_color(features, &code)?;
    let chosen = match method {
        None => model.color_gate.choose(&expected),
        Some(_) => best_of(&model.color, &expected, |p| p.color_method() == ColorMethod::Learned),
    };
    let Some(chosen) = chosen else { return Ok(Choice::NOTHING) };
    let name = &model.color.candidates[chosen];
    let parameters = candidates::parameters(name).unwrap_or(RestorationParameters::IDENTITY);
    let transform = candidates::transform(name, &code);
    if parameters.color_method() == ColorMethod::Learned && transform.is_none() {
        return Ok(Choice::NOTHING);
    }
    Ok(Choice { parameters, transform, expected: Some(expected[chosen]) })
}

fn choose_detail(
    model: &GainModel,
    features: &[f32],
    fixed: &Fixed,
    closed: bool,
) -> Result<Choice, WeightsError> {
    let with = |sigma, strength| {
        RestorationParameters::new(ColorMethod::None, sigma, strength)
            .unwrap_or(RestorationParameters::IDENTITY)
    };
    if fixed.strength == Some(0.0) || (closed && fixed.strength.is_none()) {
        return Ok(Choice::NOTHING);
    }
    if let (Some(sigma), Some(strength)) = (fixed.sigma, fixed.strength) {
        return Ok(Choice { parameters: with(sigma, strength), transform: None, expected: None });
    }
    let expected = model.detail.expect(features)?;
    let agrees = |p: &RestorationParameters| match (p.sharpening(), fixed.sigma, fixed.strength) {
        (_, None, None) => true,
        (Some(Sharpening { strength, .. }), None, Some(wanted)) => strength.signum() == wanted.signum(),
        (Some(_), Some(_), _) => true,
        (None, ..) => false,
    };
    let chosen = match fixed.strength {
        // A strength was asked for: the sigma is that of the most promising candidate on its side of 0.
        Some(_) => best_of(&model.detail, &expected, agrees),
        None => chosen_of(&model.detail, &expected, model.detail_gate, agrees),
    };
    let Some(chosen) = chosen else {
        let asked = fixed.strength.map_or(RestorationParameters::IDENTITY, |strength| with(1.0, strength));
        return Ok(Choice { parameters: asked, transform: None, expected: None });
    };
    let found =
        candidates::parameters(&model.detail.candidates[chosen]).unwrap_or(RestorationParameters::IDENTITY);
    if fixed.sigma.is_none() && fixed.strength.is_none() {
        return Ok(Choice { parameters: found, transform: None, expected: Some(expected[chosen]) });
    }
    let parameters = with(fixed.sigma.unwrap_or(found.sigma()), fixed.strength.unwrap_or(found.strength()));
    Ok(Choice { parameters, transform: None, expected: None })
}

/// The best of the candidates that agree, worth it or not.
fn best_of(
    table: &GainTable,
    expected: &[ExpectedGain],
    agrees: impl Fn(&RestorationParameters) -> bool,
) -> Option<usize> {
    const OPEN: Gate =
        Gate { margin: f64::MIN, harm_max: f64::MAX, score_low_min: f64::MIN, harm_price: 0.0 };
    let open: Vec<ExpectedGain> = expected.iter().map(|e| ExpectedGain { psnr_db: 1.0, ..*e }).collect();
    chosen_of(table, &open, OPEN, agrees)
}

/// What the gate chooses among the candidates that agree.
fn chosen_of(
    table: &GainTable,
    expected: &[ExpectedGain],
    gate: Gate,
    agrees: impl Fn(&RestorationParameters) -> bool,
) -> Option<usize> {
    let fits = |name: &String| candidates::parameters(name).is_some_and(|p| agrees(&p));
    let which: Vec<usize> = (0..expected.len()).filter(|&i| fits(&table.candidates[i])).collect();
    let expected: Vec<ExpectedGain> = which.iter().map(|&i| expected[i]).collect();
    gate.choose(&expected).map(|i| which[i])
}
