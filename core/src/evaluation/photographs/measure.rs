//! Restores one photograph alone in every way, and measures the results.

use super::{
    auto_level::auto_level,
    curve::{SweptOutcome, swept_gates},
    rows::{PhotographFigures, PhotographForecast, PhotographKind, PhotographResult},
    way::PhotographWay,
};
use crate::{
    evaluation::trial::{PlannedRestoration, TrialError, meter::restored},
    imaging::{Image, Tone},
    metrics::is_harm,
    models::{
        Assume, RequestedParameters,
        gains::{
            decide::{Decision, decide, decide_under, is_of_trained_size},
            model::GainModel,
        },
    },
    search::{Candidate, SearchError},
};

/// Results on one photograph.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotographMeasurement {
    /// Result of each way.
    pub ways: Vec<PhotographResult>,
    /// What the model expected.
    pub forecast: PhotographForecast,
    /// What the model does with each gate of the sweep.
    pub swept: Vec<SweptOutcome>,
    /// What the model with `assume=auto` did.
    pub decided: PlannedRestoration,
    /// Width and height in px.
    pub size: (usize, usize),
}

/// A pair with the restorations that were measured on it. Several ways often choose the same restoration.
pub(super) struct PhotographMeter {
    reference: Image,
    damaged: Image,
    known: Vec<(PlannedRestoration, PhotographFigures)>,
}

impl PhotographMeter {
    pub fn new(reference: Image, damaged: Image) -> Self {
        Self { reference, damaged, known: Vec::new() }
    }

    /// Returns the figures of a restoration.
    pub fn figures(&mut self, restoration: &PlannedRestoration) -> Result<PhotographFigures, SearchError> {
        if let Some((_, figures)) = self.known.iter().find(|(known, _)| known == restoration) {
            return Ok(*figures);
        }
        let figures = if restoration.parameters.is_identity() {
            PhotographFigures::of(&self.reference, &self.damaged)
        } else {
            PhotographFigures::of(&self.reference, &restored(&self.damaged, restoration))
        }?;
        self.known.push((*restoration, figures));
        Ok(figures)
    }

    /// Returns the result of a way that chose this restoration.
    pub fn result(
        &mut self,
        way: PhotographWay,
        restoration: &PlannedRestoration,
    ) -> Result<PhotographResult, SearchError> {
        Ok(PhotographResult {
            way,
            done: Candidate::new(restoration.parameters).name,
            changed: !restoration.parameters.is_identity(),
            figures: self.figures(restoration)?,
        })
    }

    fn auto_levelled(&self) -> Result<PhotographResult, SearchError> {
        let levelled = auto_level(self.damaged.clone());
        Ok(PhotographResult {
            way: PhotographWay::AutoLevel,
            done: PhotographWay::AutoLevel.name().to_owned(),
            changed: levelled.samples() != self.damaged.samples(),
            figures: PhotographFigures::of(&self.reference, &levelled)?,
        })
    }
}

/// Restores a photograph in every way of [`PhotographWay::OF_PHOTOGRAPHS`], and with each gate of the sweep. `features` are
/// those of `damaged`, of the schema of `model`. Of an ordinary photograph the sweep says only whether it was changed.
///
/// Cost: up to about a dozen restorations and comparisons. Memory: three pictures.
///
/// # Errors
/// When the pictures cannot be compared, or the model cannot use the features.
pub fn measure_photograph(
    model: &GainModel,
    features: &[f32],
    kind: PhotographKind,
    reference: Image,
    damaged: Image,
) -> Result<PhotographMeasurement, TrialError> {
    let size = (damaged.width(), damaged.height());
    let sharpens = is_of_trained_size(size);
    let decided = |assume| -> Result<Decision, TrialError> {
        Ok(decide(model, features, &RequestedParameters::default().with_assume(assume), sharpens)?)
    };
    let auto = decided(Assume::Auto)?;
    let plan = |way| -> Result<PlannedRestoration, TrialError> {
        Ok(match way {
            PhotographWay::Damaged => PlannedRestoration::decided(&decided(Assume::Damaged)?),
            PhotographWay::Faded => PlannedRestoration::decided(&decided(Assume::Faded)?),
            PhotographWay::Fine => PlannedRestoration::decided(&decided(Assume::Fine)?),
            PhotographWay::KeepTone => kept_tone(&auto),
            PhotographWay::Auto => PlannedRestoration::decided(&auto),
            _ => PlannedRestoration::IDENTITY,
        })
    };
    let mut meter = PhotographMeter::new(reference, damaged);
    let mut ways = Vec::with_capacity(PhotographWay::OF_PHOTOGRAPHS.len());
    for way in PhotographWay::OF_PHOTOGRAPHS {
        ways.push(match way {
            PhotographWay::AutoLevel => meter.auto_levelled()?,
            _ => meter.result(way, &plan(way)?)?,
        });
    }
    let untouched = ways[0].figures.psnr;
    let mut swept = Vec::new();
    for gate in swept_gates(model.gates(Assume::Auto).color) {
        let decision = decide_under(model, features, &RequestedParameters::default(), gate, sharpens)?;
        let changed = !decision.parameters.is_identity();
        let psnr = match kind {
            PhotographKind::Ordinary => untouched,
            _ => meter.figures(&PlannedRestoration::decided(&decision))?.psnr,
        };
        swept.push(SweptOutcome { changed, gain_db: psnr - untouched, harmed: is_harm(untouched, psnr) });
    }
    let decided = PlannedRestoration::decided(&auto);
    Ok(PhotographMeasurement { ways, forecast: forecast(&auto), swept, decided, size })
}

/// The decision with `tone=keep`.
fn kept_tone(decision: &Decision) -> PlannedRestoration {
    let planned = PlannedRestoration::decided(decision);
    PlannedRestoration { parameters: planned.parameters.with_tone(Tone::Keep), ..planned }
}

/// What a decision expects.
pub(super) fn forecast(decision: &Decision) -> PhotographForecast {
    PhotographForecast {
        damaged: Some(decision.damaged),
        expected_db: decision.expected.map(|expected| expected.psnr_db),
        interval_db: decision.expected.and_then(|expected| expected.interval_db),
    }
}
