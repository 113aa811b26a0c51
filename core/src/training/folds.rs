//! The folds of a training.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    learning::{FoldsError, Groups, grouped_folds},
    models::gains::{measure::MeasuredPicture, sample::SampleOrigin},
};

/// Number of folds when the groups file states none.
const N_FOLDS: usize = 5;

/// Returns the fold of each picture, numbered from 0 without gaps: the groups file's where it has one for the source, else
/// dealt by source into as many folds.
///
/// # Errors
/// When there are fewer sources than folds.
pub fn folds_of(measured: &[MeasuredPicture], groups: &Groups, seed: u64) -> Result<Vec<usize>, FoldsError> {
    let origins: Vec<&SampleOrigin> = measured.iter().map(|picture| &picture.sample.origin).collect();
    let mut stated: BTreeMap<&str, u32> = BTreeMap::new();
    for origin in &origins {
        if let Some(fold) = groups.fold_of(&origin.name).or_else(|| groups.fold_of_source(&origin.source)) {
            stated.insert(&origin.source, fold);
        }
    }
    let known: Vec<u32> = stated.values().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let n_folds = if known.len() < 2 { N_FOLDS } else { known.len() };
    let rest: Vec<usize> =
        (0..origins.len()).filter(|&i| !stated.contains_key(&*origins[i].source)).collect();
    let mut folds: Vec<usize> = origins
        .iter()
        .map(|origin| stated.get(&*origin.source).map_or(0, |fold| known.partition_point(|k| k < fold)))
        .collect();
    if !rest.is_empty() {
        let sources: Vec<&str> = rest.iter().map(|&i| origins[i].source.as_str()).collect();
        for (i, fold) in rest.into_iter().zip(grouped_folds(&sources, n_folds, seed)?) {
            folds[i] = fold;
        }
    }
    Ok(folds)
}
