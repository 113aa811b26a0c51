//! Deals rows into folds of whole groups. A model fitted without a fold has not seen the sources of the fold's rows.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::split::rank;

/// The rows cannot be dealt into this number of folds.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the number of folds is {n_folds}; it must be 2 to {n_groups}, the number of sources")]
pub struct FoldsError {
    /// Number of folds asked for.
    pub n_folds: usize,
    /// Number of groups among the rows.
    pub n_groups: usize,
}

/// Returns the fold, `0..n_folds`, of each row. `groups` names the source of each row.
///
/// Groups are dealt in the order of [`split::by_source`](super::split::by_source). Each joins the fold with the fewest rows
/// so far, among equals the first. So folds differ by at most the rows of the largest group, and no fold is empty. The
/// result does not depend on the order of the rows.
///
/// # Errors
/// With fewer than two folds, or more than groups.
pub fn grouped_folds(
    groups: &[impl AsRef<str>],
    n_folds: usize,
    seed: u64,
) -> Result<Vec<usize>, FoldsError> {
    let mut n_rows: BTreeMap<&str, usize> = BTreeMap::new();
    for group in groups {
        *n_rows.entry(group.as_ref()).or_default() += 1;
    }
    if n_folds < 2 || n_folds > n_rows.len() {
        return Err(FoldsError { n_folds, n_groups: n_rows.len() });
    }
    let mut ordered: Vec<&str> = n_rows.keys().copied().collect();
    ordered.sort_by_cached_key(|group| rank(seed, group));

    // Pairs of a fold's number of rows and its index, sorted: the first pair is the fold that takes the next group.
    let mut filled: BTreeSet<(usize, usize)> = (0..n_folds).map(|fold| (0, fold)).collect();
    let mut fold_of: BTreeMap<&str, usize> = BTreeMap::new();
    for group in ordered {
        if let Some((rows, fold)) = filled.pop_first() {
            filled.insert((rows + n_rows[group], fold));
            fold_of.insert(group, fold);
        }
    }
    Ok(groups.iter().map(|group| fold_of[group.as_ref()]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_are_dealt_in_the_order_of_their_hashes() {
        // By SHA-256 with Python's hashlib, seed 7: g c e f b h j k a l d i. As all are of one size, the folds take turns.
        let letters: Vec<String> = ('a'..='l').map(|letter| letter.to_string()).collect();
        let folds = grouped_folds(&letters, 3, 7).unwrap();
        let fold = |wanted: usize| -> String {
            letters
                .iter()
                .zip(&folds)
                .filter(|(_, fold)| **fold == wanted)
                .map(|(group, _)| &**group)
                .collect()
        };
        assert_eq!([fold(0), fold(1), fold(2)], ["fgjl", "bcdk", "aehi"]);
    }

    #[test]
    fn impossible_folds_are_refused() {
        assert_eq!(grouped_folds(&["a", "b"], 1, 0), Err(FoldsError { n_folds: 1, n_groups: 2 }));
        assert_eq!(grouped_folds(&["a", "b", "a"], 3, 0), Err(FoldsError { n_folds: 3, n_groups: 2 }));
        assert_eq!(grouped_folds(&[] as &[&str], 2, 0), Err(FoldsError { n_folds: 2, n_groups: 0 }));
    }

    proptest! {
        #[test]
        fn folds_are_even_and_the_order_of_rows_changes_nothing(
            sizes in prop::collection::vec(1..8_usize, 2..30), n_folds in 2..6_usize, seed: u64,
        ) {
            let groups: Vec<String> =
                sizes.iter().enumerate().flat_map(|(group, &size)| vec![format!("g{group}"); size]).collect();
            let Ok(folds) = grouped_folds(&groups, n_folds, seed) else {
                prop_assert!(sizes.len() < n_folds);
                return Ok(());
            };
            let mut counts = vec![0; n_folds];
            folds.iter().for_each(|&fold| counts[fold] += 1);
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            prop_assert!(*least > 0 && most - least <= *sizes.iter().max().unwrap(), "{:?}", counts);
            let by_group: BTreeSet<(&String, usize)> = groups.iter().zip(folds.iter().copied()).collect();
            prop_assert_eq!(by_group.len(), sizes.len());
            let reversed: Vec<&String> = groups.iter().rev().collect();
            let mut back = grouped_folds(&reversed, n_folds, seed).unwrap();
            back.reverse();
            prop_assert_eq!(folds, back);
        }
    }
}
