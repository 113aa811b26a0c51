//! Measures restorations of one pair, each once.

use super::{
    error::TrialError,
    measurements::{Figures, WayResult},
    plan::PlannedRestoration,
};
use crate::{
    imaging::{Image, pipeline},
    metrics::{Quality, mean_ciede2000},
    models::gains::{measure::gain, model::Gain},
    search::{Candidate, SearchSpace, search},
};

/// A pair with the restorations that were measured on it. Several ways often choose the same restoration.
pub(super) struct RestorationMeter {
    reference: Image,
    damaged: Image,
    untouched: Quality,
    known: Vec<KnownRestoration>,
}

struct KnownRestoration {
    restoration: PlannedRestoration,
    quality: Quality,
    /// Mean ΔE00, once it was needed.
    ciede2000: Option<f64>,
}

impl RestorationMeter {
    /// Takes a pair and the quality of its damaged picture.
    pub fn new(reference: Image, damaged: Image, untouched: Quality) -> Self {
        Self { reference, damaged, untouched, known: Vec::new() }
    }

    /// Returns the gain of a restoration over the untouched picture.
    ///
    /// # Errors
    /// When the pictures cannot be compared.
    pub fn gain(&mut self, restoration: &PlannedRestoration) -> Result<Gain, TrialError> {
        let i = self.measure(restoration, false)?;
        Ok(gain(self.known[i].quality, self.untouched))
    }

    /// Returns the gain of each restoration.
    ///
    /// # Errors
    /// Same errors as [`RestorationMeter::gain`].
    pub fn gains(&mut self, restorations: &[PlannedRestoration]) -> Result<Vec<Gain>, TrialError> {
        restorations.iter().map(|restoration| self.gain(restoration)).collect()
    }

    /// Returns the figures of a restoration.
    ///
    /// # Errors
    /// Same errors as [`RestorationMeter::gain`].
    pub fn result(&mut self, restoration: &PlannedRestoration) -> Result<WayResult, TrialError> {
        let i = self.measure(restoration, true)?;
        let KnownRestoration { quality, ciede2000, .. } = self.known[i];
        Ok(WayResult {
            done: Candidate::new(restoration.parameters).name,
            changed: !restoration.parameters.is_identity(),
            figures: Figures {
                psnr: quality.capped_psnr(),
                ssim: quality.ssim,
                ciede2000: ciede2000.unwrap_or_default(),
            },
        })
    }

    /// Measures a restoration unless it is known, and returns its index in `known`.
    fn measure(&mut self, restoration: &PlannedRestoration, with_colors: bool) -> Result<usize, TrialError> {
        let is_known = |known: &KnownRestoration| {
            known.restoration == *restoration && (!with_colors || known.ciede2000.is_some())
        };
        if let Some(i) = self.known.iter().position(is_known) {
            return Ok(i);
        }
        let (restored, quality) = if restoration.parameters.is_identity() {
            (self.damaged.clone(), self.untouched)
        } else {
            let restored = restored(&self.damaged, restoration);
            // The search measures the restored picture, as it measured the candidates: the plain metric rounds
            // otherwise.
            let quality = search(&self.reference, &restored, &SearchSpace::identity())?[0];
            (restored, quality)
        };
        let ciede2000 = with_colors.then(|| mean_ciede2000(&self.reference, &restored));
        self.known.push(KnownRestoration { restoration: *restoration, quality, ciede2000 });
        Ok(self.known.len() - 1)
    }
}

/// Returns the damaged picture, restored.
pub(in crate::evaluation) fn restored(damaged: &Image, restoration: &PlannedRestoration) -> Image {
    let PlannedRestoration { parameters, transform } = restoration;
    let coefficients = pipeline::measure(damaged, parameters, transform.as_ref());
    pipeline::apply(damaged.clone(), parameters, &coefficients)
}
