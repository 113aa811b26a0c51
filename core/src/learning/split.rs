//! Splits rows into rows to fit on and rows held out, by source.
//!
//! Groups are ordered by a hash of the seed and their name. So the side of a group does not depend on the order of the
//! rows, and few groups change sides when a table grows.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::groups::Groups;

/// Indices of rows, ascending on each side. Every row is on exactly one side, and no side is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on.
    pub fit: Vec<usize>,
    /// Rows held out, to evaluate on.
    pub held_out: Vec<usize>,
}

/// The rows cannot be split.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum SplitError {
    /// The share is not strictly between 0 and 1.
    #[error("the held-out share must be more than 0 and less than 1, not {share}")]
    Share {
        /// The share given.
        share: f64,
    },
    /// All rows come from one source, or there are no rows.
    #[error("a split needs two source pictures, the {n_rows} rows come from {n_groups}")]
    TooFewGroups {
        /// Number of rows.
        n_rows: usize,
        /// Number of sources among them.
        n_groups: usize,
    },
    /// The share is only reached when all groups are held out.
    #[error("holding out a share of {share} takes all {n_groups} source pictures and leaves none to fit on")]
    NothingLeft {
        /// The share given.
        share: f64,
        /// Number of sources.
        n_groups: usize,
    },
}

/// Holds out whole groups until at least `held_out_share` of all rows are held out. Groups are taken in the order of
/// SHA-256(`seed` in 8 little-endian bytes, then the group's name). The share is exceeded by less than the last group.
///
/// # Errors
/// When the share is not in (0, 1), there are fewer than two groups, or a side would stay empty.
pub fn by_source(
    filenames: &[String],
    groups: &Groups,
    held_out_share: f64,
    seed: u64,
) -> Result<Split, SplitError> {
    let share = held_out_share;
    if !(share > 0.0 && share < 1.0) {
        return Err(SplitError::Share { share });
    }
    let mut by_group: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, filename) in filenames.iter().enumerate() {
        by_group.entry(groups.source(filename)).or_default().push(index);
    }
    let n_groups = by_group.len();
    if n_groups < 2 {
        return Err(SplitError::TooFewGroups { n_rows: filenames.len(), n_groups });
    }
    let mut ordered: Vec<(String, Vec<usize>)> = by_group.into_iter().collect();
    ordered.sort_by_cached_key(|(group, _)| rank(seed, group));

    let (mut fit, mut held_out) = (Vec::new(), Vec::new());
    let wanted = share * filenames.len() as f64;
    for (_, rows) in ordered {
        let side = if (held_out.len() as f64) < wanted { &mut held_out } else { &mut fit };
        side.extend(rows);
    }
    if fit.is_empty() {
        return Err(SplitError::NothingLeft { share, n_groups });
    }
    fit.sort_unstable();
    held_out.sort_unstable();
    Ok(Split { fit, held_out })
}

/// Returns the sort key of a group: SHA-256(`seed` in 8 little-endian bytes, then its name).
pub(super) fn rank(seed: u64, group: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_le_bytes()).chain_update(group).finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_order_of_groups_is_fixed_for_ever() {
        // The first half by SHA-256 of eight bytes of the seed and the name, computed with Python's hashlib. A
        // change here would move pictures between the sides of published models.
        let letters: Vec<String> = ('a'..='l').map(|letter| format!("{letter}.png")).collect();
        for (seed, expected) in [(0, "bcfhjk"), (7, "bcefgh"), (7 << 56, "abejkl")] {
            let split = by_source(&letters, &Groups::by_stem(), 0.5, seed).unwrap();
            let held_out: String = split.held_out.iter().map(|&index| &letters[index][..1]).collect();
            assert_eq!(held_out, expected, "seed {seed}");
        }
    }

    #[test]
    fn impossible_splits_are_refused() {
        let split = |filenames: &[&str], share| by_source(&names(filenames), &Groups::by_stem(), share, 1);
        for share in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(split(&["a.png", "b.png"], share), Err(SplitError::Share { .. })), "{share}");
        }
        assert_eq!(split(&[], 0.2), Err(SplitError::TooFewGroups { n_rows: 0, n_groups: 0 }));
        assert_eq!(split(&["a.png", "a.jpg"], 0.2), Err(SplitError::TooFewGroups { n_rows: 2, n_groups: 1 }));
        assert_eq!(split(&["a.png", "b.png"], 0.9), Err(SplitError::NothingLeft { share: 0.9, n_groups: 2 }));
    }

    /// Rows of up to 40 groups with one to five pictures each.
    fn grouped() -> impl Strategy<Value = (Vec<String>, Groups)> {
        prop::collection::vec(1..6_usize, 2..40).prop_map(|sizes| {
            let mut text = "set\tname\tgroup\tfold\n".to_owned();
            let mut filenames = Vec::new();
            for (group, size) in sizes.into_iter().enumerate() {
                for picture in 0..size {
                    text += &format!("s\t{group}-{picture}.png\tgroup {group}\t0\n");
                    filenames.push(format!("s/{group}-{picture}.png"));
                }
            }
            (filenames, Groups::read_tsv(text.as_bytes()).unwrap())
        })
    }

    proptest! {
        #[test]
        fn no_source_straddles_and_the_share_is_about_right(
            (filenames, groups) in grouped(), share in 0.05..0.8_f64, seed: u64,
        ) {
            let Ok(split) = by_source(&filenames, &groups, share, seed) else {
                // Only few groups can leave nothing to fit on: at most 40 groups of at most five rows.
                prop_assert!(filenames.len() <= 30, "{} rows were not split", filenames.len());
                return Ok(());
            };
            let sources = |side: &[usize]| -> BTreeSet<String> {
                side.iter().map(|&index| groups.source(&filenames[index])).collect()
            };
            prop_assert!(sources(&split.fit).is_disjoint(&sources(&split.held_out)));
            let mut all = [split.fit.clone(), split.held_out.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..filenames.len()).collect::<Vec<_>>());
            let wanted = share * filenames.len() as f64;
            let got = split.held_out.len() as f64;
            prop_assert!(got >= wanted && got < wanted + 5.0, "{} of {}, wanted {}", got, filenames.len(), wanted);
        }

        #[test]
        fn the_order_of_rows_changes_nothing((filenames, groups) in grouped(), seed: u64, turn in 0..100_usize) {
            let mut turned = filenames.clone();
            turned.rotate_left(turn % filenames.len());
            turned.reverse();
            let held_out = |filenames: &[String]| -> Option<BTreeSet<String>> {
                let split = by_source(filenames, &groups, 0.25, seed).ok()?;
                Some(split.held_out.iter().map(|&index| filenames[index].clone()).collect())
            };
            prop_assert_eq!(held_out(&filenames), held_out(&turned));
        }
    }
}
