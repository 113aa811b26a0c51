//! Sums up a trial: means over sets and over pictures, calibration, curves over the bound of a gate.

use std::collections::BTreeMap;

use super::{
    measurements::{Figures, Forecast, GateSweep, PictureKind, TrialMeasurements, TrialRow},
    report::{Bin, Calibration, CurvePoint, GateCurve, KindReport, TrialReport, TrialSection, WaySummary},
    way::{ByWay, Way},
};
use crate::models::gains::model::Gain;

/// Least mean gain in score of the oracle for which a captured share is reported.
const REACHABLE_GAIN_MIN: f64 = 0.001;
/// Edges between the bins of an expected gain in score.
const SCORE_EDGES: [f64; 8] = [-0.05, -0.02, -0.01, 0.0, 0.01, 0.02, 0.05, 0.1];
/// Edges between the bins of an expected share of harm.
const HARM_EDGES: [f64; 7] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5];

/// Sums up the measurements of a trial.
pub fn trial_report(measurements: TrialMeasurements) -> TrialReport {
    let TrialMeasurements { rows, forecasts, sweeps, folds, notes } = measurements;
    let kinds = [PictureKind::Damaged, PictureKind::Undamaged];
    let kinds = kinds.into_iter().filter_map(|kind| kind_report(kind, &rows)).collect();
    let decisions: Vec<Forecast> = rows.iter().filter_map(|row| row.forecast).collect();
    TrialReport {
        kinds,
        calibration_of_decisions: calibration(&decisions),
        calibration_of_candidates: calibration(&forecasts),
        curves_post_hoc: sweeps.iter().map(|sweep| curve(sweep, &rows)).collect(),
        folds,
        notes,
        pictures: rows,
        photographs: None,
    }
}

/// Returns the sums over the pictures of one kind, or `None` without any.
fn kind_report(kind: PictureKind, rows: &[TrialRow]) -> Option<KindReport> {
    let all: Vec<&TrialRow> = rows.iter().filter(|row| row.kind == kind).collect();
    if all.is_empty() {
        return None;
    }
    let sets = sections(&all, |row| Some(&row.set));
    Some(KindReport {
        kind,
        mean_over_sets: mean_of(&sets),
        mean_over_pictures: section("mean over pictures", &all),
        damages: sections(&all, |row| row.damage.as_deref()),
        sets,
    })
}

/// Returns one section per name that `of` returns, in the order of the names.
fn sections<'a>(rows: &[&'a TrialRow], of: impl Fn(&'a TrialRow) -> Option<&'a str>) -> Vec<TrialSection> {
    let mut by: BTreeMap<&str, Vec<&TrialRow>> = BTreeMap::new();
    for &row in rows {
        if let Some(name) = of(row) {
            by.entry(name).or_default().push(row);
        }
    }
    by.into_iter().map(|(name, rows)| section(name, &rows)).collect()
}

fn section(name: &str, rows: &[&TrialRow]) -> TrialSection {
    let ways = ByWay::from_fn(|way| way_summary(way, rows));
    TrialSection { name: name.to_owned(), n: rows.len(), ways }
}

fn way_summary(way: Way, rows: &[&TrialRow]) -> WaySummary {
    let mean = |number: &dyn Fn(&TrialRow) -> f64| mean(rows.iter().map(|row| number(row)));
    let share = |is: &dyn Fn(&TrialRow) -> bool| mean(&|row| if is(row) { 1.0 } else { 0.0 });
    let change = |number: fn(&Figures) -> f64| {
        mean(&|row| number(&row.ways[way].figures) - number(&row.ways[Way::Untouched].figures))
    };
    let figure = |number: fn(&Figures) -> f64| mean(&|row| number(&row.ways[way].figures));
    let (gain_score, reachable) = (change(Figures::score), mean(&|row| row.gain(Way::Oracle)));
    WaySummary {
        way,
        psnr: figure(|f| f.psnr),
        ssim: figure(|f| f.ssim),
        score: figure(Figures::score),
        ciede2000: figure(|f| f.ciede2000),
        gain_db: change(|f| f.psnr),
        gain_ssim: change(|f| f.ssim),
        gain_score,
        change_ciede2000: change(|f| f.ciede2000),
        harm: share(&|row| row.is_harmed(way)),
        changed: share(&|row| row.ways[way].changed),
        regret: reachable - gain_score,
        captured: captured(gain_score, reachable),
    }
}

fn captured(gain: f64, reachable: f64) -> Option<f64> {
    (reachable >= REACHABLE_GAIN_MIN).then(|| gain / reachable)
}

/// Returns the mean over sets. The captured share is computed from the means, so a set with little to gain cannot dominate
/// it.
fn mean_of(sets: &[TrialSection]) -> TrialSection {
    let way = |way: Way| {
        let of = |number: &dyn Fn(&WaySummary) -> f64| mean(sets.iter().map(|set| number(&set.ways[way])));
        let (gain_score, regret) = (of(&|w| w.gain_score), of(&|w| w.regret));
        WaySummary {
            way,
            psnr: of(&|w| w.psnr),
            ssim: of(&|w| w.ssim),
            score: of(&|w| w.score),
            ciede2000: of(&|w| w.ciede2000),
            gain_db: of(&|w| w.gain_db),
            gain_ssim: of(&|w| w.gain_ssim),
            gain_score,
            change_ciede2000: of(&|w| w.change_ciede2000),
            harm: of(&|w| w.harm),
            changed: of(&|w| w.changed),
            regret,
            captured: captured(gain_score, gain_score + regret),
        }
    };
    TrialSection {
        name: "mean over sets".to_owned(),
        n: sets.iter().map(|set| set.n).sum(),
        ways: ByWay::from_fn(way),
    }
}

fn calibration(forecasts: &[Forecast]) -> Calibration {
    let harm = |f: &Forecast| (f.harm, if f.actual.harms() { 1.0 } else { 0.0 });
    Calibration {
        score: bins(&SCORE_EDGES, forecasts.iter().map(|f| (f.score, f64::from(f.actual.score)))),
        harm: bins(&HARM_EDGES, forecasts.iter().map(harm)),
    }
}

/// Returns the bins that are not empty. An expected value on an edge belongs to the bin above.
pub(in crate::evaluation) fn bins(edges: &[f64], pairs: impl Iterator<Item = (f64, f64)>) -> Vec<Bin> {
    let mut sums = vec![(0usize, 0.0, 0.0); edges.len() + 1];
    for (expected, actual) in pairs {
        let sum = &mut sums[edges.partition_point(|&edge| edge <= expected)];
        *sum = (sum.0 + 1, sum.1 + expected, sum.2 + actual);
    }
    let bin = |(i, (n, expected, actual)): (usize, (usize, f64, f64))| Bin {
        from: i.checked_sub(1).map(|i| edges[i]),
        to: edges.get(i).copied(),
        n,
        expected: expected / n as f64,
        actual: actual / n as f64,
    };
    sums.into_iter().enumerate().filter(|(_, sum)| sum.0 > 0).map(bin).collect()
}

fn curve(sweep: &GateSweep, rows: &[TrialRow]) -> GateCurve {
    let point = |(i, &harm_max): (usize, &f64)| {
        let over_sets = |kind: PictureKind, number: &dyn Fn(Gain) -> f64| {
            let mut sets: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
            for (row, gains) in rows.iter().zip(&sweep.gains).filter(|(row, _)| row.kind == kind) {
                sets.entry(&row.set).or_default().push(number(gains[i]));
            }
            mean(sets.into_values().map(|numbers| mean(numbers.into_iter())))
        };
        let harm = |gain: Gain| if gain.harms() { 1.0 } else { 0.0 };
        CurvePoint {
            harm_max,
            gain_score: over_sets(PictureKind::Damaged, &|gain| f64::from(gain.score)),
            gain_db: over_sets(PictureKind::Damaged, &|gain| f64::from(gain.psnr_db)),
            harm: over_sets(PictureKind::Damaged, &harm),
            harm_undamaged: over_sets(PictureKind::Undamaged, &harm),
        }
    };
    GateCurve { way: sweep.way, points: sweep.harm_max.iter().enumerate().map(point).collect() }
}

/// Returns the mean, or 0 without numbers.
pub(in crate::evaluation) fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = numbers.fold((0usize, 0.0), |(n, sum), number| (n + 1, sum + number));
    if n == 0 { 0.0 } else { sum / n as f64 }
}
