//! What the model expected against what happened: coverage of intervals, and calibration in bins.

use super::{
    report::IntervalCoverage,
    rows::{PhotographKind, PhotographRow},
    way::PhotographWay,
};
use crate::evaluation::trial::{
    Bin,
    sums::{bins, mean},
};

/// Edges between the bins of an expected gain in dB.
const GAIN_EDGES_DB: [f64; 7] = [0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0];
/// Edges between the bins of a chance that something is wrong.
const DAMAGED_EDGES: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Returns the coverage over the changed photographs: damaged ones, ordinary ones, and both.
pub(super) fn interval_coverage(rows: &[PhotographRow]) -> Vec<IntervalCoverage> {
    use PhotographKind::{Damaged, Ordinary};
    let of = |name: &str, kinds: &[PhotographKind]| {
        let intervals: Vec<([f64; 2], f64)> = alone(rows)
            .filter(|row| kinds.contains(&row.kind))
            .filter_map(|row| Some((row.forecast.interval_db?, row.gain_db(PhotographWay::Auto))))
            .collect();
        coverage(name, &intervals)
    };
    let groups = [of("damaged", &[Damaged]), of("ordinary", &[Ordinary]), of("all", &[Damaged, Ordinary])];
    groups.into_iter().flatten().collect()
}

/// Returns the coverage of intervals by actual gains, or `None` without any.
fn coverage(of: &str, intervals: &[([f64; 2], f64)]) -> Option<IntervalCoverage> {
    if intervals.is_empty() {
        return None;
    }
    let share = |is: &dyn Fn([f64; 2], f64) -> bool| {
        mean(intervals.iter().map(|&(interval, actual)| f64::from(u8::from(is(interval, actual)))))
    };
    Some(IntervalCoverage {
        of: of.to_owned(),
        n: intervals.len(),
        inside: share(&|[low, high], actual| low <= actual && actual <= high),
        below: share(&|[low, _], actual| actual < low),
        above: share(&|[_, high], actual| actual > high),
        width_db: mean(intervals.iter().map(|([low, high], _)| high - low)),
    })
}

/// Returns the expected against the actual gain in dB of the changed photographs.
pub(super) fn calibration_of_gain_db(rows: &[PhotographRow]) -> Vec<Bin> {
    let pair = |row: &PhotographRow| Some((row.forecast.expected_db?, row.gain_db(PhotographWay::Auto)));
    bins(&GAIN_EDGES_DB, alone(rows).filter_map(pair))
}

/// Returns the chance that something is wrong against the share of photographs that are damaged.
pub(super) fn calibration_of_damaged(rows: &[PhotographRow]) -> Vec<Bin> {
    let pair = |row: &PhotographRow| Some((row.forecast.damaged?, f64::from(u8::from(row.damage.is_some()))));
    bins(&DAMAGED_EDGES, alone(rows).filter_map(pair))
}

/// The photographs that are restored alone only.
fn alone(rows: &[PhotographRow]) -> impl Iterator<Item = &PhotographRow> {
    rows.iter().filter(|row| matches!(row.kind, PhotographKind::Damaged | PhotographKind::Ordinary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_counts_both_sides_and_the_ends_are_inside() {
        let intervals = [([0.0, 2.0], 0.0), ([0.0, 2.0], 2.0), ([1.0, 2.0], 0.9), ([1.0, 4.0], 4.1)];
        let found = coverage("all", &intervals).unwrap();
        assert_eq!((found.n, found.inside, found.below, found.above), (4, 0.5, 0.25, 0.25));
        assert_eq!(found.width_db, 2.0);
        assert!(coverage("all", &[]).is_none());
    }
}
