//! The photographs of a trial as text for a terminal.

use std::fmt;

use super::{
    report::{
        OperatingCurve, OperatingPoint, PhotographKindReport, PhotographReport, PhotographSection,
        PhotographSummary, RollSummary,
    },
    rows::PhotographKind,
    way::PhotographWay,
};
use crate::evaluation::trial::Bin;

/// Number of changed ordinary photographs that are named.
const NAMED_MAX: usize = 12;

impl PhotographKind {
    /// The heading of the kind in texts and pages.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Damaged => "Photographs, damaged by the recipe for tests",
            Self::Ordinary => "Ordinary photographs",
            Self::Roll => "Pictures of faded rolls",
            Self::CleanRoll => "Pictures of clean rolls",
        }
    }
}

impl fmt::Display for PhotographReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kinds.iter().try_for_each(|kind| write!(f, "\n{kind}"))?;
        self.roll_summaries.iter().try_for_each(|summary| write_rolls(f, summary))?;
        writeln!(f, "\nOperating point of the gates as fitted")?;
        write_point(f, "", &self.operating_point)?;
        self.operating_curves_post_hoc.iter().try_for_each(|curve| write_curve(f, curve))?;
        writeln!(f, "\nInterval of the expected gain: share of actual gains inside, below, above (n)")?;
        for c in &self.interval_coverage {
            let [inside, below, above] = [c.inside, c.below, c.above].map(|share| share * 100.0);
            let (of, n, width) = (&c.of, c.n, c.width_db);
            writeln!(f, "  {of:<10} {inside:>5.1}% {below:>5.1}% {above:>5.1}% ({n}), {width:.2} dB wide")?;
        }
        writeln!(f, "Calibration, gain in dB of what was changed: expected → actual (n)")?;
        bins(f, &self.calibration_of_gain_db)?;
        writeln!(f, "Calibration, chance of damage: expected → share of pictures that are damaged (n)")?;
        bins(f, &self.calibration_of_damaged)?;
        write_most_changed(f, &self.ordinary_most_changed)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

impl fmt::Display for PhotographKindReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PhotographSection { n, ciede2000_before: before, ciede2000_matched_before: matched, .. } =
            self.all;
        let heading = self.kind.heading();
        writeln!(f, "== {heading} ({n}); before: ΔE00 {before:.2}, at matched lightness {matched:.2}")?;
        header(f, "all")?;
        self.all.ways.iter().try_for_each(|summary| line(f, summary.way.name(), summary))?;
        let way = match self.kind {
            PhotographKind::Damaged | PhotographKind::Ordinary => PhotographWay::Auto,
            PhotographKind::Roll | PhotographKind::CleanRoll => PhotographWay::Together,
        };
        for (what, sections) in
            [("damage", &self.damages), ("strength", &self.strengths), ("set", &self.sets)]
        {
            if sections.is_empty() {
                continue;
            }
            header(f, &format!("{}, by {what}", way.name()))?;
            for section in sections {
                if let Some(summary) = section.way(way) {
                    line(f, &format!("{} ({})", section.name, section.n), summary)?;
                }
            }
        }
        Ok(())
    }
}

fn header(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    writeln!(f, "{name:<38} {:>7} {:>7} {:>8} {:>7} {:>8}", "dB", "ΔE00", "matched", "harm", "changed")
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, way: &PhotographSummary) -> fmt::Result {
    writeln!(
        f,
        "{name:<38} {:>+7.2} {:>7.2} {:>8.2} {:>6.1}% {:>7.1}%",
        way.gain_db,
        way.ciede2000,
        way.ciede2000_matched,
        way.harm * 100.0,
        way.changed * 100.0
    )
}

fn write_rolls(f: &mut fmt::Formatter<'_>, rolls: &RollSummary) -> fmt::Result {
    let kind = if rolls.kind == PhotographKind::Roll { "faded" } else { "clean" };
    writeln!(
        f,
        "{} {kind} rolls, {}: {:.1}% corrected, {:.1}% with a changed picture; mean change {:.1} of 255, {:.1} members",
        rolls.n,
        rolls.way.name(),
        rolls.corrected * 100.0,
        rolls.changed * 100.0,
        rolls.change,
        rolls.n_members
    )
}

fn write_curve(f: &mut fmt::Formatter<'_>, curve: &OperatingCurve) -> fmt::Result {
    writeln!(f, "Operating curve over {} of the colour gate, POST HOC on these very pictures", curve.varied)?;
    curve.points.iter().try_for_each(|point| {
        write_point(f, &point.bound.map(|bound| format!("{bound:.2}")).unwrap_or_default(), point)
    })
}

fn write_point(f: &mut fmt::Formatter<'_>, bound: &str, point: &OperatingPoint) -> fmt::Result {
    let [harm, changed, ordinary] =
        [point.harm, point.changed, point.ordinary_changed].map(|share| share * 100.0);
    let gain = point.gain_db;
    writeln!(
        f,
        "  {bound:>5} {gain:>+6.2} dB, {harm:>4.1}% harmed, {changed:>5.1}% changed; ordinary changed: {ordinary:>5.1}%"
    )
}

fn write_most_changed(f: &mut fmt::Formatter<'_>, changed: &[(String, f64)]) -> fmt::Result {
    if changed.is_empty() {
        return Ok(());
    }
    writeln!(f, "Ordinary photographs that were changed most ({} in all), ΔE00", changed.len())?;
    changed
        .iter()
        .take(NAMED_MAX)
        .try_for_each(|(name, by)| writeln!(f, "  {by:>6.2} {}", name.escape_debug()))
}

fn bins(f: &mut fmt::Formatter<'_>, bins: &[Bin]) -> fmt::Result {
    bins.iter().try_for_each(|bin| writeln!(f, "  {:>+7.2} → {:>+7.2} ({})", bin.expected, bin.actual, bin.n))
}
