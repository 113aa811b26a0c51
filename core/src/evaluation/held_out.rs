//! Turns evaluations into the input of a training: rows of a table, and scores of held-out pictures.

use super::{PairEvaluation, PairOptimum, QualityMeans, report};
use crate::{
    learning::TableRow,
    models::classic::{
        card::{FixedBaseline, PredictedParameters, RestorationScores},
        training::HeldOutScores,
    },
    search::SearchSpace,
};

impl PairOptimum {
    /// Returns the table's row of the pair `filename`; the optimum was searched in `space`.
    pub fn table_row(&self, filename: &str, space: &SearchSpace) -> TableRow {
        let (winner, quality) = (&space.candidates()[self.best].parameters, self.candidates[self.best]);
        TableRow {
            filename: filename.to_owned(),
            similarity_score: quality.score(),
            psnr: quality.psnr,
            ssim: quality.ssim,
            features: self.features,
            color_method: winner.color_method().name().to_owned(),
            apply_color_correction: winner.color_method().is_on(),
            sharpen_sigma: winner.sigma(),
            sharpen_strength: winner.strength(),
        }
    }
}

/// Returns the scores of pairs that `n_models` models restored; `None` without pairs.
pub fn held_out_scores(
    pairs: &[PairEvaluation],
    n_models: usize,
    space: &SearchSpace,
) -> Option<HeldOutScores> {
    if pairs.is_empty() || n_models == 0 {
        return None;
    }
    let reports = (0..n_models).map(|which| report(pairs, which, "", space, &|_| false));
    let mut scores: Option<HeldOutScores> = None;
    for report in reports {
        let section = &report.blocks[0].mean_over_pictures;
        let of = |means: &QualityMeans| RestorationScores {
            mean_psnr: means.psnr,
            mean_ssim: means.ssim,
            mean_score: means.score,
            mean_gain: means.gain,
            harm_share: means.harm,
            n: section.n,
        };
        let fixed = &space.candidates()[report.best_fixed.index].parameters;
        let parameters = PredictedParameters {
            color: fixed.color_method().is_on(),
            sigma: fixed.sigma(),
            strength: fixed.strength(),
        };
        let scores = scores.get_or_insert_with(|| HeldOutScores {
            untouched: of(&section.untouched),
            best_fixed: FixedBaseline { parameters, scores: of(&section.best_fixed) },
            restored: Vec::new(),
        });
        scores.restored.push(of(&section.model));
    }
    scores
}
