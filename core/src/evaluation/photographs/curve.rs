//! The operating curve: what the model gains on damaged photographs, against how many ordinary ones it changes.

use super::{
    report::{OperatingCurve, OperatingPoint},
    rows::{PhotographKind, PhotographRow},
    way::PhotographWay,
};
use crate::{evaluation::trial::sums::mean, models::gains::model::Gate};

/// Bounds on the expected harm that are tried in the gate of colour corrections; the other bounds stay.
pub const SWEPT_HARM_MAX: [f64; 12] = [0.04, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.65, 0.8];
/// Bounds on the chance that nothing is wrong that are tried likewise. With the last one this chance does not matter.
pub const SWEPT_UNDAMAGED_MAX: [f64; 12] = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.01];

/// What the model does with one gate of the sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweptOutcome {
    /// Whether the picture is changed.
    pub changed: bool,
    /// Gain in dB; 0 for an ordinary photograph, which is not restored for the sweep.
    pub gain_db: f64,
    /// Whether more than 0.05 dB is lost; false for an ordinary photograph.
    pub harmed: bool,
}

/// Returns the gates of the sweep: those of [`SWEPT_HARM_MAX`], then those of [`SWEPT_UNDAMAGED_MAX`].
pub(super) fn swept_gates(stored: Gate) -> impl Iterator<Item = Gate> {
    let harm = SWEPT_HARM_MAX.into_iter().map(move |harm_max| Gate { harm_max, ..stored });
    harm.chain(SWEPT_UNDAMAGED_MAX.into_iter().map(move |undamaged_max| Gate { undamaged_max, ..stored }))
}

/// Returns the curves. `swept` has the outcomes of each row; it is empty for pictures of rolls.
pub(super) fn operating_curves(rows: &[PhotographRow], swept: &[Vec<SweptOutcome>]) -> Vec<OperatingCurve> {
    let n = SWEPT_HARM_MAX.len();
    let curve = |varied: &str, bounds: &[f64], from: usize| OperatingCurve {
        varied: varied.to_owned(),
        points: (from..).zip(bounds).map(|(at, &bound)| point(rows, swept, at, bound)).collect(),
    };
    vec![curve("harm_max", &SWEPT_HARM_MAX, 0), curve("undamaged_max", &SWEPT_UNDAMAGED_MAX, n)]
}

fn point(rows: &[PhotographRow], swept: &[Vec<SweptOutcome>], at: usize, bound: f64) -> OperatingPoint {
    let mean_of = |kind: PhotographKind, number: &dyn Fn(&SweptOutcome) -> f64| {
        let of_kind = rows.iter().zip(swept).filter(|(row, _)| row.kind == kind);
        mean(of_kind.filter_map(|(_, outcomes)| outcomes.get(at)).map(number))
    };
    let changed = |outcome: &SweptOutcome| f64::from(u8::from(outcome.changed));
    OperatingPoint {
        bound: Some(bound),
        gain_db: mean_of(PhotographKind::Damaged, &|outcome| outcome.gain_db),
        harm: mean_of(PhotographKind::Damaged, &|outcome| f64::from(u8::from(outcome.harmed))),
        changed: mean_of(PhotographKind::Damaged, &changed),
        ordinary_changed: mean_of(PhotographKind::Ordinary, &changed),
    }
}

/// Returns the point of the gates as fitted.
pub(super) fn operating_point(rows: &[PhotographRow]) -> OperatingPoint {
    let of = |kind: PhotographKind, number: &dyn Fn(&PhotographRow) -> f64| {
        mean(rows.iter().filter(|row| row.kind == kind).map(number))
    };
    let share = |is: bool| f64::from(u8::from(is));
    let auto = PhotographWay::Auto;
    OperatingPoint {
        bound: None,
        gain_db: of(PhotographKind::Damaged, &|row| row.gain_db(auto)),
        harm: of(PhotographKind::Damaged, &|row| share(row.is_harmed(auto))),
        changed: of(PhotographKind::Damaged, &|row| share(row.is_changed(auto))),
        ordinary_changed: of(PhotographKind::Ordinary, &|row| share(row.is_changed(auto))),
    }
}
