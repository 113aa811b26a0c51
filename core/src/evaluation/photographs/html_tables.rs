//! Tables of photographs on the trial's page.

use maud::{Markup, html};

use super::{
    report::{IntervalCoverage, OperatingCurve, OperatingPoint, PhotographSection, RollSummary},
    rows::PhotographKind,
};
use crate::evaluation::trial::html_tables::{named, table};

/// Writes the means of all ways over one selection.
pub(super) fn section_table(section: &PhotographSection) -> Markup {
    let (before, matched) = (section.ciede2000_before, section.ciede2000_matched_before);
    let caption = html! {
        (named(&section.name))
        (format_args!(", {}; before: ΔE00 {before:.2}, at matched lightness {matched:.2}", section.n))
    };
    let header = ["way", "gain dB", "ΔE00", "ΔE00 matched", "harm", "changed", "ΔE00 of changed"];
    let rows = section.ways.iter().map(|way| {
        [
            way.way.name().to_owned(),
            format!("{:+.2}", way.gain_db),
            format!("{:.2}", way.ciede2000),
            format!("{:.2}", way.ciede2000_matched),
            percent(way.harm),
            percent(way.changed),
            way.ciede2000_of_changed.map_or("–".to_owned(), |v| format!("{v:.2}")),
        ]
    });
    table(caption, header, rows)
}

/// Writes the decisions for rolls.
pub(super) fn roll_table(summaries: &[RollSummary]) -> Markup {
    let rows = summaries.iter().map(|rolls| {
        [
            if rolls.kind == PhotographKind::Roll { "faded" } else { "clean" }.to_owned(),
            rolls.way.name().to_owned(),
            rolls.n.to_string(),
            percent(rolls.corrected),
            percent(rolls.changed),
            format!("{:.1}", rolls.change),
            format!("{:.1}", rolls.n_members),
        ]
    });
    let header =
        ["rolls", "way", "n", "corrected", "with a changed picture", "mean change, 0–255", "members"];
    table("decisions for whole rolls", header, rows)
}

/// Writes the points of an operating curve.
pub(super) fn curve_table(curve: &OperatingCurve) -> Markup {
    table(format!("over {} (post hoc)", curve.varied), POINT_HEADER, curve.points.iter().map(point))
}

/// Writes the point of the gates as fitted.
pub(super) fn point_table(at: &OperatingPoint) -> Markup {
    table("gates as fitted", POINT_HEADER, std::iter::once(point(at)))
}

const POINT_HEADER: [&str; 5] = ["bound", "gain dB", "harm", "changed", "ordinary changed"];

fn point(point: &OperatingPoint) -> [String; 5] {
    [
        point.bound.map_or("–".to_owned(), |bound| format!("{bound:.2}")),
        format!("{:+.2}", point.gain_db),
        percent(point.harm),
        percent(point.changed),
        percent(point.ordinary_changed),
    ]
}

/// Writes the coverage of the intervals.
pub(super) fn coverage_table(coverage: &[IntervalCoverage]) -> Markup {
    let rows = coverage.iter().map(|c| {
        [
            c.of.clone(),
            c.n.to_string(),
            percent(c.inside),
            percent(c.below),
            percent(c.above),
            format!("{:.2}", c.width_db),
        ]
    });
    let header = ["changed photographs", "n", "inside", "below", "above", "mean width, dB"];
    table("interval of the expected gain: where actual gains lie", header, rows)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
