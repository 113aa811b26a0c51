//! The report as text, for a terminal.

use std::fmt;

use super::{
    optima::OptimaSummary,
    report::{Inspection, Misaligned, Refused},
};

/// Findings of one kind that the text lists at most.
const LISTED_MAX: usize = 10;

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        count(f, "pairs looked at", self.n_pairs)?;
        self.write_unusable(f)?;
        self.write_pairs(f)?;
        self.write_groups(f)?;
        count(f, "without a group", self.n_without_group)?;
        self.optima.as_ref().map_or(Ok(()), |optima| write!(f, "{optima}"))
    }
}

impl Inspection {
    fn write_unusable(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = |r: &Refused| format!("{}: {}", r.name, r.reason);
        list(f, "unpaired", self.unpaired.len(), self.unpaired.iter().cloned())?;
        list(f, "ambiguous", self.ambiguous.len(), self.ambiguous.iter().map(refused))?;
        list(f, "unreadable", self.unreadable.len(), self.unreadable.iter().map(refused))
    }

    fn write_pairs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = self.different_sizes.iter().map(|pair| {
            let ([w, h], [rw, rh]) = (pair.damaged, pair.undamaged);
            format!("{}: damaged {w}×{h}, undamaged {rw}×{rh}", pair.name)
        });
        list(f, "of different sizes", self.different_sizes.len(), sizes)?;
        list(f, "identical", self.identical.len(), self.identical.iter().cloned())?;
        count(f, "aligned", self.n_aligned)?;
        list(f, "misaligned", self.misaligned.len(), self.misaligned.iter().map(misaligned))?;
        let mismatched = self.mismatched.iter().map(|pair| format!("{}: {}", pair.name, pair.reason));
        list(f, "mismatched", self.mismatched.len(), mismatched)
    }

    fn write_groups(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.exact_duplicates.iter().map(|names| names.join(" = "));
        list(f, "exact duplicates", self.exact_duplicates.len(), exact)?;
        let near = self
            .near_duplicates
            .iter()
            .map(|group| format!("{} ({:.3})", names_in_short(&group.names), group.correlation));
        list(f, "near-duplicate references", self.near_duplicates.len(), near)?;
        let straddling = self.straddling.iter().map(|found| {
            let names: Vec<String> = found.members.iter().map(|member| member.name.clone()).collect();
            format!("{}: {}", found.reason, names_in_short(&names))
        });
        list(f, "across a split", self.straddling.len(), straddling)
    }
}

/// Writes a count.
fn count(f: &mut fmt::Formatter<'_>, title: &str, n: usize) -> fmt::Result {
    writeln!(f, "{title:<22} {n}")
}

/// Writes a count and the first of the `n` findings that were counted.
fn list(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    n: usize,
    lines: impl Iterator<Item = String>,
) -> fmt::Result {
    count(f, title, n)?;
    let rest = (n > LISTED_MAX).then(|| format!("… and {} more", n - LISTED_MAX));
    lines.take(LISTED_MAX).chain(rest).try_for_each(|line| writeln!(f, "  {line}"))
}

fn misaligned(pair: &Misaligned) -> String {
    let (d, before, after) = (pair.displacement_px, pair.correlation_before, pair.correlation);
    format!(
        "{}: {:.1} px on average, {:.1} at most; gradients correlate by {before:.2}, registered {after:.2}",
        pair.name, d.mean, d.max
    )
}

/// Returns the first names of a group, and the number of all.
fn names_in_short(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
    let more = if names.len() > 4 { format!(" … {} in all", names.len()) } else { String::new() };
    first.join(", ") + &more
}

impl fmt::Display for OptimaSummary {
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
