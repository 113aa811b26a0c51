//! Finds sources and lookalikes that lie on both sides of a split. Such pictures make held-out figures too good.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::duplicates::Lookalikes;
use crate::learning::Groups;

/// Pictures of one source, or lookalikes, that a split separates or may separate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Straddling {
    /// Description of the fault, for a reader.
    pub reason: &'static str,
    /// The pictures, each with its source and fold.
    pub members: Vec<Member>,
}

/// A picture with its source and fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Name of the pair.
    pub name: String,
    /// Name of the source that the picture counts as.
    pub source: String,
    /// Fold of the picture, where the groups file has one.
    pub fold: Option<u32>,
}

/// Reason: the pictures of one source have several folds.
pub const SOURCE_IN_FOLDS: &str = "one source lies in several folds";
/// Reason: lookalikes of several sources have several folds.
pub const LOOKALIKES_IN_FOLDS: &str = "references that look alike lie in several folds";
/// Reason: a split by source may separate lookalikes of several sources.
pub const LOOKALIKES_APART: &str =
    "references that look alike count as different sources, so a split may part them";

/// Returns the pictures that a split by these groups may separate: sources first, then lookalikes, each in the order of
/// names.
pub fn straddling(names: &[&str], groups: &Groups, lookalikes: &[Lookalikes]) -> Vec<Straddling> {
    let member = |name: &str| Member {
        name: name.to_owned(),
        source: groups.source(name),
        fold: groups.fold_of(name),
    };
    let mut by_source: BTreeMap<String, Vec<Member>> = BTreeMap::new();
    for name in names {
        let member = member(name);
        by_source.entry(member.source.clone()).or_default().push(member);
    }
    let sources = by_source
        .into_values()
        .filter(|members| n_folds(members) > 1)
        .map(|members| Straddling { reason: SOURCE_IN_FOLDS, members });
    let similar = lookalikes.iter().filter_map(|group| {
        let members: Vec<Member> = group.names.iter().map(|name| member(name)).collect();
        let sources: BTreeSet<&str> = members.iter().map(|m| m.source.as_str()).collect();
        let reason = match (sources.len(), n_folds(&members)) {
            (0 | 1, _) => return None,
            (_, 2..) => LOOKALIKES_IN_FOLDS,
            // One fold holds all of them, so folds do not separate them. The split of `train` still may.
            _ => LOOKALIKES_APART,
        };
        Some(Straddling { reason, members })
    });
    sources.chain(similar).collect()
}

fn n_folds(members: &[Member]) -> usize {
    members.iter().filter_map(|member| member.fold).collect::<BTreeSet<u32>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] =
        b"set\tname\tgroup\tfold\ns\ta.png\tg1\t0\ns\tb.png\tg1\t1\ns\tc.png\tg2\t0\ns\td.png\tg3\t2\n\
        s\te.png\tg4\t2\ns\tf.png\tg4\t2\n";

    #[test]
    fn sources_and_lookalikes_in_several_folds_are_reported() {
        let groups = Groups::read_tsv(FILE).unwrap();
        let names = ["s/a.png", "s/b.png", "s/c.png", "s/d.png", "s/e.png", "s/f.png", "s/new.png"];
        let alike = |names: &[&str]| Lookalikes {
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            correlation: 1.0,
        };
        let lookalikes =
            [alike(&["s/c.png", "s/d.png"]), alike(&["s/d.png", "s/e.png"]), alike(&["s/e.png", "s/f.png"])];
        let found = straddling(&names, &groups, &lookalikes);
        let reported: Vec<(&str, &str)> = found.iter().map(|s| (s.reason, &*s.members[0].name)).collect();
        assert_eq!(
            reported,
            [(SOURCE_IN_FOLDS, "s/a.png"), (LOOKALIKES_IN_FOLDS, "s/c.png"), (LOOKALIKES_APART, "s/d.png")]
        );
        // Without a file the stems are sources, and lookalikes may be separated.
        let bare = straddling(&names, &Groups::by_stem(), &lookalikes[..1]);
        assert_eq!(bare.iter().map(|s| s.reason).collect::<Vec<_>>(), [LOOKALIKES_APART]);
    }
}
