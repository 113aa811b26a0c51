//! The card of a trained model: its pictures, its table's digest, and the results of cross-validation.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{cross_validate::FoldTrial, input::GainTrainingInput};
use crate::{
    digest::hexadecimal,
    features::rich::{RICH_NAMES, RICH_SCHEMA},
    learning::Groups,
    models::{
        DatasetUse,
        file::GAIN_FORMAT_VERSION,
        gains::{
            card::{GainCard, SetTrial},
            measure::MeasuredPicture,
            sample::{SampleKind, SampleOrigin},
        },
        provenance::LICENCE_NOT_STATED,
    },
};

/// Makes the card.
pub(super) fn describe(input: &GainTrainingInput, trials: &[FoldTrial]) -> GainCard {
    let origins: Vec<&SampleOrigin> = input.measured.iter().map(|picture| &picture.sample.origin).collect();
    let count = |kind| origins.iter().filter(|origin| origin.kind == kind).count();
    let sources: BTreeSet<&str> = origins.iter().map(|origin| origin.source.as_str()).collect();
    GainCard {
        format_version: GAIN_FORMAT_VERSION,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        feature_schema: RICH_SCHEMA.to_owned(),
        feature_names: RICH_NAMES.map(str::to_owned).to_vec(),
        hyperparameters: input.hyperparameters.clone(),
        datasets: datasets(&origins, input.licences),
        n_damaged: count(SampleKind::Damaged),
        n_undamaged: count(SampleKind::Undamaged),
        n_synthetic: count(SampleKind::Synthetic),
        fit_sources: sources.into_iter().map(str::to_owned).collect(),
        table_sha256: fingerprint(input.measured),
        trial: trial_by_set(&origins, trials),
        warnings: warnings(&origins, input.groups),
    }
}

/// Counts the damaged pictures of each set.
fn datasets(origins: &[&SampleOrigin], licences: &BTreeMap<String, String>) -> Vec<DatasetUse> {
    let mut sets: BTreeMap<&str, usize> = BTreeMap::new();
    for origin in origins.iter().filter(|origin| origin.kind == SampleKind::Damaged) {
        *sets.entry(&origin.set).or_default() += 1;
    }
    let of = |(set, n_rows): (&str, usize)| DatasetUse {
        name: set.to_owned(),
        n_rows,
        licence: licences.get(set).map_or(LICENCE_NOT_STATED, String::as_str).to_owned(),
    };
    sets.into_iter().map(of).collect()
}

/// Returns the SHA-256 over sources, features, transforms and gains of all pictures, numbers as little-endian bytes.
fn fingerprint(measured: &[MeasuredPicture]) -> String {
    let mut hash = Sha256::new();
    for MeasuredPicture { sample, .. } in measured {
        hash.update(sample.origin.source.as_bytes());
        for number in sample.features.iter().chain(&sample.code) {
            hash.update(number.to_le_bytes());
        }
        for gain in sample.color.iter().chain(sample.detail.iter().flatten()) {
            hash.update(gain.score.to_le_bytes());
            hash.update(gain.psnr_db.to_le_bytes());
        }
    }
    hexadecimal(&hash.finalize())
}

/// Sums up cross-validation: the damaged pictures of each set, then the undamaged ones of each set.
fn trial_by_set(origins: &[&SampleOrigin], trials: &[FoldTrial]) -> Vec<SetTrial> {
    let mut sets: BTreeMap<(SampleKind, &str), Vec<&FoldTrial>> = BTreeMap::new();
    for trial in trials {
        let origin = origins[trial.picture];
        sets.entry((origin.kind, &origin.set)).or_default().push(trial);
    }
    let of = |((kind, set), trials): ((SampleKind, &str), Vec<&FoldTrial>)| {
        let mean =
            |of: &dyn Fn(&FoldTrial) -> f64| trials.iter().map(|t| of(t)).sum::<f64>() / trials.len() as f64;
        let share = |is: bool| if is { 1.0 } else { 0.0 };
        SetTrial {
            set: match kind {
                SampleKind::Undamaged => format!("undamaged/{set}"),
                SampleKind::Ordinary => format!("ordinary/{set}"),
                SampleKind::TestPhotograph => format!("photographs/{set}"),
                _ => set.to_owned(),
            },
            n: trials.len(),
            score: mean(&|t| f64::from(t.gain.score)),
            psnr_db: mean(&|t| f64::from(t.gain.psnr_db)),
            harm: mean(&|t| share(t.gain.harms())),
            changed: mean(&|t| share(!t.decision.parameters.is_identity())),
        }
    };
    sets.into_iter().map(of).collect()
}

/// Warns of damaged pictures without a group.
fn warnings(origins: &[&SampleOrigin], groups: &Groups) -> Vec<String> {
    let damaged = || origins.iter().filter(|origin| origin.kind == SampleKind::Damaged);
    let n_alone = groups.fallbacks(damaged().map(|origin| origin.name.as_str()));
    if n_alone == 0 {
        return Vec::new();
    }
    vec![format!(
        "{n_alone} of {} pictures have no group: each file stem counts as a source picture of its own, so copies of one \
         picture may stand on both sides of a fold",
        damaged().count()
    )]
}
