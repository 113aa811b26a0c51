//! Restores one held-out picture in every way and measures the results.

use super::{
    error::TrialError,
    folds::FoldModels,
    measurements::{Forecast, WayResult},
    meter::RestorationMeter,
    plan::{PicturePlan, PlannedRestoration},
    setup::{HeldOut, TrialSetup},
    way::{ByWay, Way},
};
use crate::{
    imaging::Image,
    models::gains::{
        GainCandidate,
        code::TransformCode,
        measure::MeasuredPicture,
        model::{ExpectedGain, Gain, GainModel},
    },
};

/// A held-out picture with the gains model of its fold.
pub struct HeldOutPicture<'a> {
    setup: &'a TrialSetup<'a>,
    measured: &'a MeasuredPicture,
    model: &'a GainModel,
}

/// Results on one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureMeasurement {
    /// Result of each way.
    pub ways: ByWay<WayResult>,
    /// Forecast for the candidate that the model chose.
    pub forecast: Option<Forecast>,
    /// Forecasts for every candidate of the model.
    pub forecasts: Vec<Forecast>,
    /// Gains of the three parameters' model with each bound of the sweep.
    pub three_parameters_swept: Vec<Gain>,
    /// Gains of the model with each bound of the sweep.
    pub model_swept: Vec<Gain>,
}

impl<'a> HeldOutPicture<'a> {
    /// Takes a held-out picture; `models` are those of all folds.
    pub fn new(setup: &'a TrialSetup, models: &'a [FoldModels], held_out: HeldOut) -> Self {
        let HeldOut { picture, fold } = held_out;
        Self { setup, measured: &setup.measured[picture], model: &models[fold].model }
    }

    /// Restores and measures the picture as planned. Cost: up to about thirty restorations and comparisons.
    ///
    /// # Errors
    /// When the pictures cannot be compared, or the model cannot use the features.
    pub fn measure(
        &self,
        plan: &PicturePlan,
        reference: Image,
        damaged: Image,
    ) -> Result<PictureMeasurement, TrialError> {
        let code = self.model.codes.code(&self.measured.sample.features)?;
        let untouched = self.measured.untouched;
        let learned = self.measured.small.learned_gains(&code)?;
        let color: Vec<Gain> = learned.iter().chain(&self.measured.sample.color).copied().collect();

        let mut meter = RestorationMeter::new(reference, damaged, untouched);
        let decided = PlannedRestoration::decided(&plan.decision);
        let oracle = self.oracle(&color, &code);
        let ways = ByWay::try_from_fn(|way| {
            meter.result(match way {
                Way::Untouched => &PlannedRestoration::IDENTITY,
                Way::BestFixed => &plan.best_fixed,
                Way::Classic => &plan.classic,
                Way::ThreeParameters => &plan.three_parameters,
                Way::Model => &decided,
                Way::Oracle => &oracle,
            })
        })?;
        let actual = meter.gain(&decided)?;
        let forecast = plan.decision.expected.map(|e| Forecast { score: e.score, harm: e.harm, actual });
        Ok(PictureMeasurement {
            ways,
            forecast,
            forecasts: self.forecasts(&color)?,
            three_parameters_swept: meter.gains(&plan.three_parameters_swept)?,
            model_swept: meter.gains(&plan.model_swept)?,
        })
    }

    /// Returns the restoration by the best of all measured candidates: the first with the largest gain in score, and
    /// the identity when none gains anything. `color` has the gains of the colour candidates, including the learned
    /// corrections by `code`.
    fn oracle(&self, color: &[Gain], code: &TransformCode) -> PlannedRestoration {
        let TrialSetup { candidates, three_parameter_candidates, .. } = self.setup;
        let detail = self.measured.sample.detail.as_deref().unwrap_or_default();
        let all = (candidates.color.iter().zip(color))
            .chain(candidates.detail.iter().zip(detail))
            .chain(three_parameter_candidates.iter().zip(&self.measured.classic));
        let mut best: Option<(&GainCandidate, f32)> = None;
        for (candidate, gain) in all {
            if gain.score > best.map_or(0.0, |(_, most)| most) {
                best = Some((candidate, gain.score));
            }
        }
        let Some((candidate, _)) = best else { return PlannedRestoration::IDENTITY };
        PlannedRestoration { parameters: candidate.parameters(), transform: candidate.transform(code) }
    }

    /// Returns the expected gain of each candidate of the model with its actual gain. Gains of colour corrections are expected
    /// of damaged pictures, so those of undamaged ones are left out.
    fn forecasts(&self, color: &[Gain]) -> Result<Vec<Forecast>, TrialError> {
        let features = &self.measured.sample.features;
        let forecast =
            |(e, &actual): (&ExpectedGain, &Gain)| Forecast { score: e.score, harm: e.harm, actual };
        let expected = self.model.color.expect(features)?.gains;
        let is_undamaged = self.measured.sample.origin.kind.is_undamaged();
        let mut forecasts: Vec<Forecast> = match is_undamaged {
            true => Vec::new(),
            false => expected.iter().zip(color).map(forecast).collect(),
        };
        if let Some(gains) = &self.measured.sample.detail {
            let expected = self.model.detail.expect(features)?.gains;
            for (candidate, expected) in self.model.detail.candidates.iter().zip(&expected) {
                let place = self.setup.candidates.detail.iter().position(|detail| detail == candidate);
                forecasts.extend(place.map(|i| forecast((expected, &gains[i]))));
            }
        }
        Ok(forecasts)
    }
}
