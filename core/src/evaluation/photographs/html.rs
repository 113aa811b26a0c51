//! The photographs of a trial as sections of its page.

use maud::{Markup, html};

use super::{
    html_tables::{coverage_table, curve_table, point_table, roll_table, section_table},
    page_pictures::ShownPhotograph,
    report::{OperatingPoint, PhotographKindReport, PhotographReport},
    rows::{PhotographKind, PhotographRow},
    way::PhotographWay,
};
use crate::{
    evaluation::{
        svg::{Series, plot},
        trial::{
            Bin,
            html::figure,
            html_tables::{calibration_table, named},
        },
    },
    html::{OutsideText, jpeg_address},
};

/// Returns the sections. Every text from outside is escaped.
pub(in crate::evaluation) fn photograph_sections(
    report: &PhotographReport,
    shown: &[ShownPhotograph],
) -> Markup {
    html! {
        @for note in &report.notes { p class="note" { (OutsideText(note)) } }
        @for kind in &report.kinds { (kind_section(kind)) }
        @if !report.roll_summaries.is_empty() { (roll_table(&report.roll_summaries)) }
        (operating(report))
        h2 { "Photographs: what was expected and what happened" }
        (coverage_table(&report.interval_coverage))
        div class="plots" {
            (calibration("expected gain in dB", "actual gain in dB", &report.calibration_of_gain_db))
            (calibration("chance of damage", "share that is damaged", &report.calibration_of_damaged))
        }
        (pictures(report, shown))
    }
}

fn kind_section(kind: &PhotographKindReport) -> Markup {
    let groups = [("damage ", &kind.damages), ("strength ", &kind.strengths), ("set ", &kind.sets)];
    html! {
        h2 { (kind.kind.heading()) " (" (kind.all.n) ")" }
        (section_table(&kind.all))
        @for (what, sections) in groups {
            @for section in sections {
                details {
                    summary { (what) (named(&section.name)) " (" (section.n) ")" }
                    (section_table(section))
                }
            }
        }
    }
}

fn operating(report: &PhotographReport) -> Markup {
    let series = |number: fn(&OperatingPoint) -> f64| -> Vec<Series> {
        let curves = report.operating_curves_post_hoc.iter().map(move |curve| Series {
            name: &curve.varied,
            points: curve.points.iter().map(|p| (p.ordinary_changed, number(p))).collect(),
            joined: true,
        });
        let at = &report.operating_point;
        let fitted = Series {
            name: "gates as fitted",
            points: vec![(at.ordinary_changed, number(at))],
            joined: false,
        };
        curves.chain([fitted]).collect()
    };
    let across = "share of ordinary photographs changed";
    html! {
        h2 { "Photographs: operating curve" }
        p {
            "Gain and harm on damaged photographs against ordinary photographs changed, over one bound of the gate of colour \
            corrections. The bounds were varied on the very pictures that are reported. Do not choose a bound from these curves."
        }
        div class="plots" {
            (figure("gain", plot([across, "gain in dB"], &series(|p| p.gain_db), false)))
            (figure("harm", plot([across, "share harmed"], &series(|p| p.harm), false)))
        }
        (point_table(&report.operating_point))
        div class="plots" {
            @for curve in &report.operating_curves_post_hoc { (curve_table(curve)) }
        }
    }
}

fn calibration(expected: &str, actual: &str, bins: &[Bin]) -> Markup {
    let points = bins.iter().map(|bin| (bin.expected, bin.actual)).collect();
    let series = [Series { name: expected, points, joined: true }];
    html! {
        (figure(&format!("{expected}, by bins"), plot([expected, actual], &series, true)))
        (calibration_table(expected, bins))
    }
}

/// The shown photographs, under their headings.
fn pictures(report: &PhotographReport, shown: &[ShownPhotograph]) -> Markup {
    html! {
        @for of_heading in shown.chunk_by(|a, b| a.choice.heading == b.choice.heading) {
            @for (i, photograph) in of_heading.iter().enumerate() {
                @if i == 0 { h2 { (photograph.choice.heading) } }
                (before_and_after(&report.pictures[photograph.choice.picture], photograph))
            }
        }
    }
}

fn before_and_after(row: &PhotographRow, shown: &ShownPhotograph) -> Markup {
    let (way, whats): (_, &[&str]) = match row.kind {
        PhotographKind::Damaged | PhotographKind::Ordinary => {
            (PhotographWay::Auto, &["before", "after", "reference"])
        }
        PhotographKind::Roll | PhotographKind::CleanRoll => {
            (PhotographWay::Together, &["before", "alone", "together", "reference"])
        }
    };
    html! {
        div class="shown" {
            p {
                (OutsideText(&row.name))
                @if let Some(damage) = &row.damage { ", " (OutsideText(damage)) }
                @if let Some(strength) = &row.strength { " " (OutsideText(strength)) }
                @if let Some(result) = row.result(way) {
                    ": " (result.done)
                    (format_args!(", {:+.2} dB, ΔE00 {:.1}", row.gain_db(way), result.figures.ciede2000))
                }
                @if let Some(expected) = row.forecast.expected_db {
                    (format_args!(", alone expected {expected:+.2} dB"))
                }
            }
            @for (jpeg, what) in shown.jpegs.iter().zip(whats) {
                (figure(what, html! { img alt=(what) src=(jpeg_address(jpeg)); }))
            }
        }
    }
}
