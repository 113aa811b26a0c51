//! Sums up the measurements of photographs.

use std::collections::BTreeMap;

use super::{
    curve::{SweptOutcome, operating_curves, operating_point},
    forecast::{calibration_of_damaged, calibration_of_gain_db, interval_coverage},
    report::{PhotographKindReport, PhotographReport, PhotographSection, PhotographSummary, RollSummary},
    rolls::RollOutcome,
    rows::{PhotographFigures, PhotographKind, PhotographRow, RollRow},
    way::PhotographWay,
};
use crate::{evaluation::trial::sums::mean, synthesis::Strength};

/// Everything that was measured on photographs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PhotographMeasurements {
    /// Every photograph.
    pub rows: Vec<PhotographRow>,
    /// What the model does with each gate of the sweep, per row; empty for pictures of rolls.
    pub swept: Vec<Vec<SweptOutcome>>,
    /// Every roll.
    pub rolls: Vec<RollRow>,
    /// Remarks that a reader of the figures must know.
    pub notes: Vec<String>,
}

/// Sums up the measurements.
pub fn photograph_report(measurements: PhotographMeasurements) -> PhotographReport {
    let PhotographMeasurements { rows, swept, rolls, notes } = measurements;
    PhotographReport {
        kinds: PhotographKind::ALL.into_iter().filter_map(|kind| kind_report(kind, &rows)).collect(),
        roll_summaries: roll_summaries(&rolls, &rows),
        operating_point: operating_point(&rows),
        operating_curves_post_hoc: operating_curves(&rows, &swept),
        interval_coverage: interval_coverage(&rows),
        calibration_of_gain_db: calibration_of_gain_db(&rows),
        calibration_of_damaged: calibration_of_damaged(&rows),
        ordinary_most_changed: most_changed(&rows),
        notes,
        rolls,
        pictures: rows,
    }
}

/// Returns the sums over the photographs of one kind, or `None` without any.
fn kind_report(kind: PhotographKind, rows: &[PhotographRow]) -> Option<PhotographKindReport> {
    let all: Vec<&PhotographRow> = rows.iter().filter(|row| row.kind == kind).collect();
    if all.is_empty() {
        return None;
    }
    let mut strengths = sections(kind, &all, |row| row.strength.as_deref());
    strengths.sort_by_key(|section| Strength::ALL.iter().position(|s| s.name() == section.name));
    Some(PhotographKindReport {
        kind,
        all: section(kind, "all", &all),
        damages: sections(kind, &all, |row| row.damage.as_deref()),
        strengths,
        sets: sections(kind, &all, |row| Some(&row.set)),
    })
}

/// Returns one section per name that `of` returns, in the order of the names.
fn sections<'a>(
    kind: PhotographKind,
    rows: &[&'a PhotographRow],
    of: impl Fn(&'a PhotographRow) -> Option<&'a str>,
) -> Vec<PhotographSection> {
    let mut by: BTreeMap<&str, Vec<&PhotographRow>> = BTreeMap::new();
    for &row in rows {
        if let Some(name) = of(row) {
            by.entry(name).or_default().push(row);
        }
    }
    by.into_iter().map(|(name, rows)| section(kind, name, &rows)).collect()
}

fn section(kind: PhotographKind, name: &str, rows: &[&PhotographRow]) -> PhotographSection {
    let ways: Vec<PhotographSummary> = kind.ways().iter().map(|&way| summary(way, rows)).collect();
    PhotographSection {
        name: name.to_owned(),
        n: rows.len(),
        ciede2000_before: mean_figure(rows, PhotographWay::Untouched, |figures| figures.ciede2000),
        ciede2000_matched_before: mean_figure(rows, PhotographWay::Untouched, |f| f.ciede2000_matched),
        ways,
    }
}

fn summary(way: PhotographWay, rows: &[&PhotographRow]) -> PhotographSummary {
    let share =
        |is: &dyn Fn(&PhotographRow) -> bool| mean(rows.iter().map(|row| f64::from(u8::from(is(row)))));
    let changed: Vec<&PhotographRow> = rows.iter().copied().filter(|row| row.is_changed(way)).collect();
    PhotographSummary {
        way,
        gain_db: mean(rows.iter().map(|row| row.gain_db(way))),
        ciede2000: mean_figure(rows, way, |figures| figures.ciede2000),
        ciede2000_matched: mean_figure(rows, way, |figures| figures.ciede2000_matched),
        harm: share(&|row| row.is_harmed(way)),
        changed: share(&|row| row.is_changed(way)),
        ciede2000_of_changed: (!changed.is_empty()).then(|| mean_figure(&changed, way, |f| f.ciede2000)),
    }
}

fn mean_figure(rows: &[&PhotographRow], way: PhotographWay, of: fn(&PhotographFigures) -> f64) -> f64 {
    mean(rows.iter().filter_map(|row| row.result(way)).map(|result| of(&result.figures)))
}

/// Sums up the decisions for rolls.
fn roll_summaries(rolls: &[RollRow], rows: &[PhotographRow]) -> Vec<RollSummary> {
    use PhotographKind::{CleanRoll, Roll};
    let mut summaries = Vec::new();
    for kind in [Roll, CleanRoll] {
        for way in [PhotographWay::Together, PhotographWay::TogetherDamaged] {
            let of_kind: Vec<&RollRow> = rolls.iter().filter(|roll| roll.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let is_changed = |roll: &RollRow| {
                let belongs =
                    |row: &&PhotographRow| row.kind == kind && row.roll.as_ref() == Some(&roll.name);
                rows.iter().filter(belongs).any(|row| row.is_changed(way))
            };
            let outcome = |roll: &RollRow| -> RollOutcome {
                if way == PhotographWay::Together { roll.together } else { roll.together_damaged }
            };
            let mean_of = |number: &dyn Fn(&RollRow) -> f64| mean(of_kind.iter().map(|roll| number(roll)));
            summaries.push(RollSummary {
                kind,
                way,
                n: of_kind.len(),
                corrected: mean_of(&|roll| f64::from(u8::from(outcome(roll).corrected))),
                changed: mean_of(&|roll| f64::from(u8::from(is_changed(roll)))),
                change: mean_of(&|roll| outcome(roll).change),
                n_members: mean_of(&|roll| outcome(roll).n_members as f64),
            });
        }
    }
    summaries
}

/// Returns names and ΔE00 of the ordinary photographs that the model with `assume=auto` changed, the most changed one first.
fn most_changed(rows: &[PhotographRow]) -> Vec<(String, f64)> {
    let changed =
        rows.iter().filter(|row| row.kind == PhotographKind::Ordinary && row.is_changed(PhotographWay::Auto));
    let named =
        |row: &PhotographRow| Some((row.name.clone(), row.result(PhotographWay::Auto)?.figures.ciede2000));
    let mut found: Vec<(String, f64)> = changed.filter_map(named).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found
}
