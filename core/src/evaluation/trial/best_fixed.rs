//! The best fixed candidate of a fold.

use std::collections::BTreeMap;

use super::setup::TrialSetup;
use crate::models::gains::{GainCandidate, measure::MeasuredPicture, sample::SampleKind};

/// Returns the candidate with the largest mean gain in score on the damaged training pictures. Each set counts
/// the same. The identity is a candidate too; among equals the first wins.
pub(super) fn best_fixed(setup: &TrialSetup, training: &[usize]) -> GainCandidate {
    let candidates = fixed_candidates(setup);
    let means = mean_gains(setup, training, candidates.len());
    let mut best = (GainCandidate::IDENTITY, 0.0);
    for (candidate, mean) in candidates.into_iter().zip(means) {
        if mean > best.1 {
            best = (candidate, mean);
        }
    }
    best.0
}

/// The candidates that need no prediction, in the order of [`fixed_gains`]. The learned corrections stand first among the
/// colour candidates, and have no measured gains: they need a predicted transform.
fn fixed_candidates(setup: &TrialSetup) -> Vec<GainCandidate> {
    let measured = setup.measured.first().map_or(0, |m| m.sample.color.len());
    let n_learned = setup.candidates.color.len() - measured;
    let fixed = setup.candidates.color[n_learned..].iter().chain(&setup.candidates.detail);
    fixed.chain(&setup.three_parameter_candidates).copied().collect()
}

/// Gains in score of the candidates that need no prediction.
fn fixed_gains(measured: &MeasuredPicture) -> Vec<f64> {
    let detail = measured.sample.detail.iter().flatten();
    let gains = measured.sample.color.iter().chain(detail).chain(&measured.classic);
    gains.map(|gain| f64::from(gain.score)).collect()
}

/// Returns the mean over sets of the mean gain of each of `n` candidates. A picture without gains of all candidates is left
/// out.
fn mean_gains(setup: &TrialSetup, training: &[usize], n: usize) -> Vec<f64> {
    let mut sums: BTreeMap<&str, (f64, Vec<f64>)> = BTreeMap::new();
    let measured = training.iter().map(|&i| &setup.measured[i]);
    for picture in measured.filter(|m| m.sample.origin.kind == SampleKind::Damaged) {
        let gains = fixed_gains(picture);
        if gains.len() == n {
            let (n_pictures, sum) =
                sums.entry(&picture.sample.origin.set).or_insert_with(|| (0.0, vec![0.0; n]));
            *n_pictures += 1.0;
            sum.iter_mut().zip(gains).for_each(|(sum, gain)| *sum += gain);
        }
    }
    let n_sets = sums.len().max(1) as f64;
    (0..n).map(|i| sums.values().map(|(n_pictures, sum)| sum[i] / n_pictures).sum::<f64>() / n_sets).collect()
}
