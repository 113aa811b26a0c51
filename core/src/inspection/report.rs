//! The findings on a dataset put together, as JSON and as text.

use std::fmt;

use serde::Serialize;

use super::{
    Lookalikes, Optima, PairFindings,
    duplicates::{exact, near},
    straddling::{Straddling, straddling},
};
use crate::{
    learning::Groups,
    registration::{Displacement, Verdict},
};

/// Everything found.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Pairs that were looked at.
    pub n_pairs: usize,
    /// Names without a mate, as `SET/SIDE/NAME`.
    pub unpaired: Vec<String>,
    /// Names that cannot be paired, with the reason.
    pub ambiguous: Vec<Refused>,
    /// Files whose extension is no picture's.
    pub n_ignored: usize,
    /// Pairs of which a side could not be read.
    pub unreadable: Vec<Refused>,
    /// Pairs whose sides differ in size.
    pub different_sizes: Vec<SizeDifference>,
    /// Pairs whose damaged side is its reference, pixel by pixel.
    pub identical: Vec<String>,
    /// Pairs that lie on each other.
    pub n_aligned: usize,
    /// Pairs of one scene that do not, the farthest first.
    pub misaligned: Vec<Misaligned>,
    /// Pairs that do not show the same.
    pub mismatched: Vec<Mismatched>,
    /// Pictures with the same pixels, as `SET/SIDE/NAME`; the two sides of an identical pair alone are not among them.
    pub exact_duplicates: Vec<Vec<String>>,
    /// Pairs whose references look alike.
    pub near_duplicates: Vec<Lookalikes>,
    /// Pairs that the groups file does not name; all of them without one.
    pub n_without_group: usize,
    /// What a split would leak.
    pub straddling: Vec<Straddling>,
    /// Where the optima lie, when a table was given.
    pub optima: Option<Optima>,
}

/// A name with the reason why there is no more to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The pair.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A pair of two sizes; each is width, height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SizeDifference {
    /// The pair.
    pub name: String,
    /// Of the damaged side.
    pub damaged: [usize; 2],
    /// Of the reference.
    pub undamaged: [usize; 2],
}

/// A pair that a registration brings into place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Misaligned {
    /// The pair.
    pub name: String,
    /// How far places are off, in the reference's pixels.
    pub displacement_px: Displacement,
    /// Correlation of the gradients as the pair is.
    pub correlation_before: f64,
    /// The same when registered.
    pub correlation: f64,
    /// Matched features that agree.
    pub n_inliers: usize,
}

/// A pair that cannot be used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mismatched {
    /// The pair.
    pub name: String,
    /// Why.
    pub reason: String,
    /// The best correlation found.
    pub correlation: f64,
}

/// Puts findings together. `pairs` come in order of names; what never became a pair is given by the caller.
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
    // An identical pair's second side is told as such, and would make a group of every one.
    let references = pairs.iter().filter(|pair| !pair.is_identical());
    exact(damaged.chain(references.map(|pair| (side(&pair.name, "undamaged"), &pair.reference))))
}

impl Inspection {
    /// Inputs that failed: no mate, no single mate, not readable.
    pub fn n_failed(&self) -> usize {
        self.unpaired.len() + self.ambiguous.len() + self.unreadable.len()
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A count and at most so many of what was counted.
        const TOLD: usize = 10;
        let mut list = |title: &str, n: usize, lines: &mut dyn Iterator<Item = String>| {
            writeln!(f, "{title:<22} {n}")?;
            lines.take(TOLD).try_for_each(|line| writeln!(f, "  {line}"))?;
            if n > TOLD { writeln!(f, "  … and {} more", n - TOLD) } else { Ok(()) }
        };
        let refused =
            |list: &[Refused]| list.iter().map(|r| format!("{}: {}", r.name, r.reason)).collect::<Vec<_>>();
        list("pairs looked at", self.n_pairs, &mut std::iter::empty())?;
        list("unpaired", self.unpaired.len(), &mut self.unpaired.iter().cloned())?;
        list("ambiguous", self.ambiguous.len(), &mut refused(&self.ambiguous).into_iter())?;
        list("unreadable", self.unreadable.len(), &mut refused(&self.unreadable).into_iter())?;
        list(
            "of different sizes",
            self.different_sizes.len(),
            &mut self.different_sizes.iter().map(|pair| {
                let ([w, h], [rw, rh]) = (pair.damaged, pair.undamaged);
                format!("{}: damaged {w}×{h}, undamaged {rw}×{rh}", pair.name)
            }),
        )?;
        list("identical", self.identical.len(), &mut self.identical.iter().cloned())?;
        list("aligned", self.n_aligned, &mut std::iter::empty())?;
        list(
            "misaligned",
            self.misaligned.len(),
            &mut self.misaligned.iter().map(|pair| {
                let (d, before, after) = (pair.displacement_px, pair.correlation_before, pair.correlation);
                format!(
                    "{}: {:.1} px on average, {:.1} at most; gradients correlate by {before:.2}, registered {after:.2}",
                    pair.name, d.mean, d.max
                )
            }),
        )?;
        list(
            "mismatched",
            self.mismatched.len(),
            &mut self.mismatched.iter().map(|pair| format!("{}: {}", pair.name, pair.reason)),
        )?;
        let exact = &self.exact_duplicates;
        list("exact duplicates", exact.len(), &mut exact.iter().map(|names| names.join(" = ")))?;
        let near = &self.near_duplicates;
        list(
            "references alike",
            near.len(),
            &mut near
                .iter()
                .map(|group| format!("{} ({:.3})", names_in_short(&group.names), group.correlation)),
        )?;
        list(
            "across a split",
            self.straddling.len(),
            &mut self.straddling.iter().map(|found| {
                let names: Vec<String> = found.members.iter().map(|member| member.name.clone()).collect();
                format!("{}: {}", found.reason, names_in_short(&names))
            }),
        )?;
        list("without a group", self.n_without_group, &mut std::iter::empty())?;
        self.optima.as_ref().map_or(Ok(()), |optima| write!(f, "{optima}"))
    }
}

/// The first names of a group and how many there are.
fn names_in_short(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
    let more = if names.len() > 4 { format!(" … {} in all", names.len()) } else { String::new() };
    first.join(", ") + &more
}

impl fmt::Display for Optima {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<22} {} rows", "optima", self.n_rows)?;
        if self.n_strangers > 0 {
            writeln!(f, "  {} rows are of no pair of the dataset", self.n_strangers)?;
        }
        if self.n_outside > 0 {
            writeln!(f, "  {} rows are not of this space (--grid)", self.n_outside)?;
        }
        writeln!(f, "  {:.1} % on the edge of the space", self.on_edge * 100.0)?;
        for choice in &self.choices {
            let counts: Vec<String> =
                choice.counts.iter().take(8).map(|(v, n)| format!("{v}: {n}")).collect();
            writeln!(f, "  {:<22} {}", choice.name, counts.join(", "))?;
        }
        self.constant.iter().try_for_each(|name| writeln!(f, "  {name} never varies: nothing to learn"))
    }
}
