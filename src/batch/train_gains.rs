//! Trains a model of gains from a dataset, and tries the same on folds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use sha2::{Digest as _, Sha256};

use super::{
    cross_validate::{Trial, cross_validate},
    gain_pictures::{Measuring, TrainingPicture, training_pictures},
    index_dataset::Dataset,
};
use pentimento_core::{
    features::rich::{RICH_NAMES, RICH_SCHEMA},
    learning::{Groups, grouped_folds},
    models::{
        classic::card::DatasetUse,
        gains::{
            GainArtifact, GainCard,
            artifact::{GAIN_FORMAT_VERSION, SetTrial},
            candidates::Measured,
            fit::{GainHyperparameters, SampleKind},
        },
    },
};

/// Folds where the groups file gives none.
const N_FOLDS: usize = 5;

/// What a training is given beside the pictures.
pub struct GainTraining<'a> {
    /// The pictures.
    pub dataset: &'a Dataset,
    /// Which picture comes from which source, and its fold.
    pub groups: &'a Groups,
    /// Licence of each set, by name.
    pub licences: &'a BTreeMap<String, String>,
    /// How to fit, seed included.
    pub hyperparameters: GainHyperparameters,
    /// How to work through the pictures.
    pub measuring: Measuring<'a>,
}

/// A trained model, its trial, and what could not be used.
pub struct GainTrained {
    /// The model with its card.
    pub artifact: GainArtifact,
    /// Pictures that could not be measured, with the reason.
    pub failed: Vec<(String, String)>,
}

/// Trains on all pictures; the card tells how models of folds did.
///
/// # Errors
/// When there are too few pictures or sources.
pub fn train_gains(training: &GainTraining) -> Result<GainTrained> {
    let GainTraining { dataset, groups, licences, hyperparameters, measuring } = training;
    let pictures = training_pictures(dataset, groups);
    let (pictures, measured, failed) = measuring.measure_all(pictures)?;
    if pictures.is_empty() {
        bail!("no picture could be measured");
    }
    let folds = folds_of(&pictures, groups, hyperparameters.seed)?;
    let (mut models, trials) = cross_validate(&pictures, &measured, &folds, measuring, hyperparameters)?;
    let Some(model) = models.pop() else { bail!("no model was fitted") };
    let count = |kind| pictures.iter().filter(|picture| picture.kind == kind).count();
    let sources: BTreeSet<&str> = pictures.iter().map(|picture| picture.source.as_str()).collect();
    let card = GainCard {
        format_version: GAIN_FORMAT_VERSION,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        feature_schema: RICH_SCHEMA.to_owned(),
        feature_names: RICH_NAMES.map(str::to_owned).to_vec(),
        hyperparameters: hyperparameters.clone(),
        datasets: datasets(&pictures, licences),
        n_damaged: count(SampleKind::Damaged),
        n_undamaged: count(SampleKind::Undamaged),
        n_synthetic: count(SampleKind::Synthetic),
        fit_sources: sources.into_iter().map(str::to_owned).collect(),
        table_sha256: fingerprint(&measured),
        trial: trial_by_set(&pictures, &trials),
        warnings: warnings(&pictures, groups),
    };
    Ok(GainTrained { artifact: GainArtifact { card, model }, failed })
}

/// The fold of each picture: the groups file's, else dealt by source.
///
/// # Errors
/// When there are fewer sources than folds.
pub fn folds_of(pictures: &[TrainingPicture], groups: &Groups, seed: u64) -> Result<Vec<usize>> {
    let told: Option<Vec<u32>> = pictures.iter().map(|picture| groups.fold_of(&picture.name)).collect();
    if let Some(told) = told {
        let known: Vec<u32> = told.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        return Ok(told.iter().map(|fold| known.partition_point(|known| known < fold)).collect());
    }
    let sources: Vec<&str> = pictures.iter().map(|picture| picture.source.as_str()).collect();
    Ok(grouped_folds(&sources, N_FOLDS, seed)?)
}

fn datasets(pictures: &[TrainingPicture], licences: &BTreeMap<String, String>) -> Vec<DatasetUse> {
    let mut sets: BTreeMap<&str, usize> = BTreeMap::new();
    for picture in pictures.iter().filter(|picture| picture.kind == SampleKind::Damaged) {
        *sets.entry(&picture.set).or_default() += 1;
    }
    let of = |(set, n_rows): (&str, usize)| DatasetUse {
        name: set.to_owned(),
        n_rows,
        licence: licences.get(set).map_or("not stated", String::as_str).to_owned(),
    };
    sets.into_iter().map(of).collect()
}

/// SHA-256 over features, transforms and gains of all pictures, as little-endian bytes.
fn fingerprint(measured: &[Measured]) -> String {
    let mut hash = Sha256::new();
    for Measured { sample, .. } in measured {
        hash.update(sample.source.as_bytes());
        for number in sample.features.iter().chain(&sample.code) {
            hash.update(number.to_le_bytes());
        }
        for gain in sample.color.iter().chain(sample.detail.iter().flatten()) {
            hash.update(gain.score.to_le_bytes());
            hash.update(gain.psnr_db.to_le_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Damaged pictures by set, then undamaged ones.
fn trial_by_set(pictures: &[TrainingPicture], trials: &[Trial]) -> Vec<SetTrial> {
    let mut sets: BTreeMap<(SampleKind, &str), Vec<&Trial>> = BTreeMap::new();
    for trial in trials {
        let picture = &pictures[trial.picture];
        sets.entry((picture.kind, &picture.set)).or_default().push(trial);
    }
    let of = |((kind, set), trials): ((SampleKind, &str), Vec<&Trial>)| {
        let mean =
            |of: &dyn Fn(&Trial) -> f64| trials.iter().map(|t| of(t)).sum::<f64>() / trials.len() as f64;
        let share = |is: bool| if is { 1.0 } else { 0.0 };
        SetTrial {
            set: if kind == SampleKind::Undamaged { format!("undamaged/{set}") } else { set.to_owned() },
            n: trials.len(),
            score: mean(&|t| f64::from(t.gain.score)),
            psnr_db: mean(&|t| f64::from(t.gain.psnr_db)),
            harm: mean(&|t| share(t.gain.harms())),
            changed: mean(&|t| share(!t.decision.parameters.is_identity())),
        }
    };
    sets.into_iter().map(of).collect()
}

fn warnings(pictures: &[TrainingPicture], groups: &Groups) -> Vec<String> {
    let damaged = || pictures.iter().filter(|picture| picture.kind == SampleKind::Damaged);
    let n_alone = groups.fallbacks(damaged().map(|picture| picture.name.as_str()));
    if n_alone == 0 {
        return Vec::new();
    }
    vec![format!(
        "{n_alone} of {} pictures have no group: each file stem counts as a source picture of its own, so copies of one \
         picture may stand on both sides of a fold",
        damaged().count()
    )]
}
