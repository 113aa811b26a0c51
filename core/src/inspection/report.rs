//! The report on a dataset, from the findings on its pairs. Its fields are those of the JSON.

use serde::Serialize;

use super::{
    duplicates::{Lookalikes, exact, near},
    findings::PairFindings,
    optima::OptimaSummary,
    straddling::{Straddling, straddling},
};
use crate::{
    learning::Groups,
    registration::{Displacement, Verdict},
};

/// All findings on a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Number of pairs that could be read.
    pub n_pairs: usize,
    /// Pictures without a mate, as `SET/SIDE/NAME`.
    pub unpaired: Vec<String>,
    /// Names that cannot be paired, with the reason.
    pub ambiguous: Vec<Refused>,
    /// Number of files whose extension is not that of a picture.
    pub n_ignored: usize,
    /// Pairs with a picture that could not be read.
    pub unreadable: Vec<Refused>,
    /// Pairs whose pictures differ in size.
    pub different_sizes: Vec<SizeDifference>,
    /// Pairs whose damaged picture has the pixels of the reference.
    pub identical: Vec<String>,
    /// Number of pairs whose pictures lie on each other.
    pub n_aligned: usize,
    /// Pairs whose pictures show one scene but do not lie on each other, the farthest first.
    pub misaligned: Vec<Misaligned>,
    /// Pairs whose pictures do not show the same scene.
    pub mismatched: Vec<Mismatched>,
    /// Groups of pictures with the same pixels, as `SET/SIDE/NAME`. An identical pair alone is no group.
    pub exact_duplicates: Vec<Vec<String>>,
    /// Groups of pairs whose references are lookalikes.
    pub near_duplicates: Vec<Lookalikes>,
    /// Number of pairs that the groups file does not name; all pairs if there is no file.
    pub n_without_group: usize,
    /// Sources and lookalikes that lie in several folds.
    pub straddling: Vec<Straddling>,
    /// Summary of the optima, when a table was given.
    pub optima: Option<OptimaSummary>,
}

/// A pair or picture that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Name of the pair or picture.
    pub name: String,
    /// Reason, for a reader.
    pub reason: String,
}

/// A pair whose pictures differ in size. Each size is width and height, in pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SizeDifference {
    /// Name of the pair.
    pub name: String,
    /// Size of the damaged picture.
    pub damaged: [usize; 2],
    /// Size of the reference.
    pub undamaged: [usize; 2],
}

/// A pair whose pictures lie on each other only when registered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Misaligned {
    /// Name of the pair.
    pub name: String,
    /// Distance between matching places, in the reference's pixels.
    pub displacement_px: Displacement,
    /// Correlation of the gradients before the registration, −1 to 1.
    pub correlation_before: f64,
    /// Correlation of the gradients after the registration.
    pub correlation: f64,
    /// Number of matched keypoints that agree with the registration.
    pub n_inliers: usize,
}

/// A pair whose pictures do not show the same scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mismatched {
    /// Name of the pair.
    pub name: String,
    /// Reason, for a reader.
    pub reason: String,
    /// Best correlation of the gradients that was found.
    pub correlation: f64,
}

/// Sums up the findings on pairs, which come in the order of their names. The caller fills in what never became a pair:
/// `unpaired`, `ambiguous`, `n_ignored` and `unreadable`.
pub fn inspect(pairs: &[PairFindings], groups: &Groups) -> Inspection {
    let names: Vec<&str> = pairs.iter().map(|pair| pair.name.as_str()).collect();
    let references: Vec<_> = pairs.iter().map(|pair| (pair.name.as_str(), &pair.reference)).collect();
    let near_duplicates = near(&references);
    let sizes = pairs.iter().filter(|pair| pair.damaged_size != pair.reference_size);
    Inspection {
        n_pairs: pairs.len(),
        unpaired: Vec::new(),
        ambiguous: Vec::new(),
        n_ignored: 0,
        unreadable: Vec::new(),
        different_sizes: sizes
            .map(|pair| SizeDifference {
                name: pair.name.clone(),
                damaged: pair.damaged_size,
                undamaged: pair.reference_size,
            })
            .collect(),
        identical: pairs.iter().filter(|pair| pair.is_identical()).map(|pair| pair.name.clone()).collect(),
        n_aligned: pairs.iter().filter(|pair| pair.registration.verdict == Verdict::Aligned).count(),
        misaligned: misaligned(pairs),
        mismatched: pairs.iter().filter_map(mismatched).collect(),
        exact_duplicates: exact_duplicates(pairs),
        n_without_group: groups.fallbacks(names.iter().copied()),
        straddling: straddling(&names, groups, &near_duplicates),
        near_duplicates,
        optima: None,
    }
}

fn misaligned(pairs: &[PairFindings]) -> Vec<Misaligned> {
    let found = pairs.iter().filter(|pair| pair.registration.verdict == Verdict::Registered);
    let mut found: Vec<Misaligned> = found
        .map(|pair| Misaligned {
            name: pair.name.clone(),
            displacement_px: pair.registration.displacement_px,
            correlation_before: pair.registration.untouched_correlation,
            correlation: pair.registration.correlation,
            n_inliers: pair.registration.n_inliers,
        })
        .collect();
    found.sort_by(|a, b| b.displacement_px.mean.total_cmp(&a.displacement_px.mean));
    found
}

fn mismatched(pair: &PairFindings) -> Option<Mismatched> {
    match &pair.registration.verdict {
        Verdict::Mismatched(reason) => Some(Mismatched {
            name: pair.name.clone(),
            reason: reason.to_string(),
            correlation: pair.registration.correlation,
        }),
        Verdict::Aligned | Verdict::Registered => None,
    }
}

fn exact_duplicates(pairs: &[PairFindings]) -> Vec<Vec<String>> {
    let side = |name: &str, side: &str| match name.rsplit_once('/') {
        Some((set, name)) => format!("{set}/{side}/{name}"),
        None => format!("{side}/{name}"),
    };
    let damaged = pairs.iter().map(|pair| (side(&pair.name, "damaged"), &pair.damaged));
    // Both pictures of an identical pair have the same pixels. The pair is listed elsewhere; only one picture counts here.
    let references = pairs.iter().filter(|pair| !pair.is_identical());
    exact(damaged.chain(references.map(|pair| (side(&pair.name, "undamaged"), &pair.reference))))
}

impl Inspection {
    /// Returns the number of inputs that failed: without a mate, with several mates, or not readable.
    pub fn n_failed(&self) -> usize {
        self.unpaired.len() + self.ambiguous.len() + self.unreadable.len()
    }
}
