//! The folds of a training, and the pictures that each model is fitted on.

use std::collections::BTreeSet;

use crate::{
    learning::{FoldsError, Groups, grouped_folds},
    models::gains::measure::MeasuredPicture,
};

/// Number of folds when the groups file states none.
const N_FOLDS: usize = 5;

/// Returns the fold of each picture, numbered from 0 without gaps: the groups file's if it has one for every picture, else
/// dealt by source.
///
/// # Errors
/// When there are fewer sources than folds.
pub fn folds_of(measured: &[MeasuredPicture], groups: &Groups, seed: u64) -> Result<Vec<usize>, FoldsError> {
    let origins = || measured.iter().map(|picture| &picture.sample.origin);
    let stated: Option<Vec<u32>> = origins().map(|origin| groups.fold_of(&origin.name)).collect();
    if let Some(stated) = stated {
        let known: Vec<u32> = stated.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        return Ok(stated.iter().map(|fold| known.partition_point(|known| known < fold)).collect());
    }
    let sources: Vec<&str> = origins().map(|origin| origin.source.as_str()).collect();
    grouped_folds(&sources, N_FOLDS, seed)
}

/// Returns, for each fold, the indices of the pictures outside it. The model of the fold is fitted on these pictures.
pub fn training_sides(folds: &[usize]) -> Vec<Vec<usize>> {
    let n_folds = folds.iter().max().map_or(0, |last| last + 1);
    (0..n_folds).map(|fold| (0..folds.len()).filter(|&i| folds[i] != fold).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_fitted_on_the_pictures_outside_its_fold() {
        assert_eq!(training_sides(&[0, 1, 0, 2]), [vec![1, 3], vec![0, 2, 3], vec![0, 1, 2]]);
        assert!(training_sides(&[]).is_empty());
    }
}
