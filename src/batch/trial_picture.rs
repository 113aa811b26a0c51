//! One picture of a trial: treated in every way that was decided on, each measured once.

use anyhow::Result;

use super::gain_pictures::{Measuring, TrainingPicture};
use pentimento_core::{
    evaluation::trial::{Figures, Forecast, Treated},
    imaging::{Image, RestorationParameters, operators::color_transform::ColorTransform, pipeline},
    metrics::{Quality, mean_ciede2000},
    models::gains::{
        GainCandidate,
        choices::CandidateLists,
        code::TransformCode,
        decide::Decision,
        measure::{MeasuredPicture, gain, learned_gains},
        model::{ExpectedGain, Gain, GainModel},
    },
    search::{Candidate, SearchSpace, search},
};

/// What is done to a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Treatment {
    parameters: RestorationParameters,
    transform: Option<ColorTransform>,
}

impl Treatment {
    pub const NOTHING: Self = Self { parameters: RestorationParameters::IDENTITY, transform: None };

    pub fn of(parameters: RestorationParameters, transform: Option<ColorTransform>) -> Self {
        Self { parameters, transform }
    }

    /// A candidate that needs no prediction.
    pub fn named(candidate: &GainCandidate) -> Self {
        Self::of(candidate.parameters(), None)
    }
}

/// What was decided for one picture before it is opened.
pub(super) struct Plan {
    pub fixed: Treatment,
    pub classic: Treatment,
    pub alone: Treatment,
    pub decision: Decision,
    pub alone_swept: Vec<Treatment>,
    pub model_swept: Vec<Treatment>,
}

/// A picture with the model of its fold.
pub(super) struct TrialPicture<'a> {
    pub picture: &'a TrainingPicture,
    pub measured: &'a MeasuredPicture,
    pub model: &'a GainModel,
    pub names: &'a CandidateLists,
    pub classic_names: &'a [GainCandidate],
}

/// What came of a plan.
pub(super) struct Outcome {
    pub ways: Vec<Treated>,
    pub forecast: Option<Forecast>,
    pub forecasts: Vec<Forecast>,
    pub alone_swept: Vec<Gain>,
    pub model_swept: Vec<Gain>,
}

impl TrialPicture<'_> {
    /// # Errors
    /// When the picture cannot be read again.
    pub fn treat(&self, plan: &Plan, measuring: &Measuring) -> Result<Outcome> {
        let (reference, damaged) = self.picture.images(measuring.recipes, measuring.limits)?;
        let features = &self.measured.sample.features;
        let code = self.model.codes.code(features)?;
        let learned = learned_gains(&reference, &damaged, self.measured.untouched, &[&code])?.swap_remove(0);
        let color: Vec<Gain> = learned.iter().chain(&self.measured.sample.color).copied().collect();

        let mut bench =
            Bench { reference, damaged, untouched: self.measured.untouched, measured: Vec::new() };
        let decided = Treatment::of(plan.decision.parameters, plan.decision.transform);
        let best = self.best_in_hand(&color, &code);
        let six = [Treatment::NOTHING, plan.fixed, plan.classic, plan.alone, decided, best];
        let ways = six.iter().map(|treatment| bench.treated(treatment)).collect::<Result<_>>()?;
        let forecast = match plan.decision.expected {
            Some(expected) => {
                Some(Forecast { score: expected.score, harm: expected.harm, actual: bench.gain(&decided)? })
            }
            None => None,
        };
        let swept = |bench: &mut Bench, treatments: &[Treatment]| -> Result<Vec<Gain>> {
            treatments.iter().map(|treatment| bench.gain(treatment)).collect()
        };
        Ok(Outcome {
            ways,
            forecast,
            forecasts: self.forecasts(&color, &code)?,
            alone_swept: swept(&mut bench, &plan.alone_swept)?,
            model_swept: swept(&mut bench, &plan.model_swept)?,
        })
    }

    /// The first candidate of the largest score, doing nothing before all.
    fn best_in_hand(&self, color: &[Gain], code: &TransformCode) -> Treatment {
        let detail = self.measured.sample.detail.as_deref().unwrap_or_default();
        let all = (self.names.color.iter().zip(color))
            .chain(self.names.detail.iter().zip(detail))
            .chain(self.classic_names.iter().zip(&self.measured.classic));
        let mut best: Option<(&GainCandidate, f32)> = None;
        for (name, gain) in all {
            if gain.score > best.map_or(0.0, |(_, most)| most) {
                best = Some((name, gain.score));
            }
        }
        let Some((name, _)) = best else { return Treatment::NOTHING };
        Treatment { transform: name.transform(code), ..Treatment::named(name) }
    }

    /// What the model expects of each of its candidates, and what each gains.
    fn forecasts(&self, color: &[Gain], code: &TransformCode) -> Result<Vec<Forecast>> {
        let features = &self.measured.sample.features;
        let forecast =
            |(e, &actual): (&ExpectedGain, &Gain)| Forecast { score: e.score, harm: e.harm, actual };
        let expected = self.model.expect_color(features, code)?;
        let mut forecasts: Vec<Forecast> = expected.iter().zip(color).map(forecast).collect();
        if let Some(gains) = &self.measured.sample.detail {
            let expected = self.model.detail.expect(features)?;
            for (name, expected) in self.model.detail.candidates.iter().zip(&expected) {
                let place = self.names.detail.iter().position(|detail| detail == name);
                forecasts.extend(place.map(|i| forecast((expected, &gains[i]))));
            }
        }
        Ok(forecasts)
    }
}

/// A pair on which treatments are measured, each once.
struct Bench {
    reference: Image,
    damaged: Image,
    untouched: Quality,
    /// With the colour difference once it was asked for.
    measured: Vec<(Treatment, Quality, Option<f64>)>,
}

impl Bench {
    fn restored(&self, treatment: &Treatment) -> Image {
        let Treatment { parameters, transform } = treatment;
        let coefficients = pipeline::measure(&self.damaged, parameters, transform.as_ref());
        pipeline::apply(self.damaged.clone(), parameters, &coefficients)
    }

    /// Index of a treatment's measurement.
    fn measure(&mut self, treatment: &Treatment, with_colors: bool) -> Result<usize> {
        let known = self.measured.iter().position(|(known, ..)| known == treatment);
        if let Some(i) = known.filter(|&i| !with_colors || self.measured[i].2.is_some()) {
            return Ok(i);
        }
        let is_nothing = treatment.parameters.is_identity();
        let restored = if is_nothing { self.damaged.clone() } else { self.restored(treatment) };
        let quality = if is_nothing {
            self.untouched
        } else {
            search(&self.reference, &restored, &SearchSpace::identity())?[0]
        };
        let colors = with_colors.then(|| mean_ciede2000(&self.reference, &restored));
        self.measured.push((*treatment, quality, colors));
        Ok(self.measured.len() - 1)
    }

    fn gain(&mut self, treatment: &Treatment) -> Result<Gain> {
        let i = self.measure(treatment, false)?;
        Ok(gain(self.measured[i].1, self.untouched))
    }

    fn treated(&mut self, treatment: &Treatment) -> Result<Treated> {
        let i = self.measure(treatment, true)?;
        let (_, quality, colors) = self.measured[i];
        let ciede2000 = colors.unwrap_or_default();
        let figures = Figures { psnr: quality.capped_psnr(), ssim: quality.ssim, ciede2000 };
        let (done, changed) =
            (Candidate::new(treatment.parameters).name, !treatment.parameters.is_identity());
        Ok(Treated { done, changed, figures })
    }
}
