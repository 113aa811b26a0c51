//! Sums over photographs, compared with numbers worked out by hand.

use super::*;
use crate::{
    evaluation::trial::{Bin, PageChoice},
    models::gains::GainArtifact,
};

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-12, "{got} for {expected}");
}

/// A photograph of 20 dB that auto restores by `gain_db`, and auto-level by 1 dB. ΔE00 falls by 1 per dB from 10, at matched
/// lightness from 8.
fn row(kind: PhotographKind, name: &str, gain_db: f64) -> PhotographRow {
    let added = |way| match way {
        PhotographWay::AutoLevel => 1.0,
        PhotographWay::Auto | PhotographWay::Together => gain_db,
        _ => 0.0,
    };
    let result = |&way: &PhotographWay| PhotographResult {
        way,
        done: "learned".to_owned(),
        changed: added(way) != 0.0,
        figures: PhotographFigures {
            psnr: 20.0 + added(way),
            ssim: 0.5,
            ciede2000: 10.0 - added(way),
            ciede2000_matched: 8.0 - added(way),
        },
    };
    let is_damaged = matches!(kind, PhotographKind::Damaged | PhotographKind::Roll);
    PhotographRow {
        name: format!("s/{name}"),
        set: "s".to_owned(),
        source: format!("s/{name}"),
        kind,
        damage: is_damaged.then(|| "fading".to_owned()),
        strength: is_damaged.then(|| name.to_owned()),
        roll: None,
        fold: 0,
        forecast: PhotographForecast::default(),
        ways: kind.ways().iter().map(result).collect(),
    }
}

fn report(rows: Vec<PhotographRow>, swept: Vec<Vec<SweptOutcome>>) -> PhotographReport {
    photograph_report(PhotographMeasurements { rows, swept, ..PhotographMeasurements::default() })
}

fn rows() -> Vec<PhotographRow> {
    use PhotographKind::{Damaged, Ordinary};
    vec![
        row(Damaged, "strong", 6.0),
        row(Damaged, "mild", -0.06),
        row(Damaged, "mild", -0.05),
        row(Damaged, "mild", 0.0),
        row(Ordinary, "a", -3.0),
        row(Ordinary, "b", 0.0),
        row(Ordinary, "c", -4.0),
        row(Ordinary, "d", 0.0),
    ]
}

#[test]
fn means_and_shares_are_those_of_each_group() {
    let report = report(rows(), Vec::new());
    let damaged = report.kind(PhotographKind::Damaged).unwrap();
    let (auto, level) =
        (damaged.all.way(PhotographWay::Auto).unwrap(), damaged.all.way(PhotographWay::AutoLevel).unwrap());
    close(auto.gain_db, (6.0 - 0.11) / 4.0);
    // Losing 0.06 dB is harm, losing 0.05 dB is not; both are changes.
    assert_eq!((auto.harm, auto.changed), (0.25, 0.75));
    close(auto.ciede2000, 10.0 - auto.gain_db);
    close(auto.ciede2000_matched, 8.0 - auto.gain_db);
    close(auto.ciede2000_of_changed.unwrap(), 10.0 - 5.89 / 3.0);
    close(level.gain_db, 1.0);
    assert_eq!((damaged.all.ciede2000_before, damaged.all.ciede2000_matched_before), (10.0, 8.0));
    let strengths: Vec<(&str, usize)> = damaged.strengths.iter().map(|s| (&*s.name, s.n)).collect();
    assert_eq!(strengths, [("mild", 3), ("strong", 1)]);
    assert_eq!((damaged.damages.len(), damaged.sets.len()), (1, 1));
    let ordinary = report.kind(PhotographKind::Ordinary).unwrap();
    assert_eq!(ordinary.all.way(PhotographWay::Auto).unwrap().changed, 0.5);
    assert!(ordinary.damages.is_empty() && report.kind(PhotographKind::Roll).is_none());
    // ΔE00 of 14 and 13; the most changed one comes first.
    assert_eq!(report.ordinary_most_changed, [("s/c".to_owned(), 14.0), ("s/a".to_owned(), 13.0)]);
    let point = report.operating_point;
    close(point.gain_db, 5.89 / 4.0);
    assert_eq!((point.harm, point.changed, point.ordinary_changed), (0.25, 0.75, 0.5));
}

#[test]
fn a_curve_sets_gain_against_ordinary_photographs_changed() {
    let n = SWEPT_HARM_MAX.len() + SWEPT_UNDAMAGED_MAX.len();
    // From the bound number `from` of either sweep on, the picture is changed.
    let swept = |from: usize, gain_db: f64| -> Vec<SweptOutcome> {
        let outcome = |at: usize| {
            let changed = at % SWEPT_HARM_MAX.len() >= from;
            let gain_db = if changed { gain_db } else { 0.0 };
            SweptOutcome { changed, gain_db, harmed: gain_db < -0.05 }
        };
        (0..n).map(outcome).collect()
    };
    use PhotographKind::{Damaged, Ordinary, Roll};
    let rows = vec![
        row(Damaged, "a", 4.0),
        row(Damaged, "b", -2.0),
        row(Ordinary, "c", 0.0),
        row(Ordinary, "d", 0.0),
        row(Roll, "e", 9.0),
    ];
    let swept = vec![swept(0, 4.0), swept(5, -2.0), swept(3, 0.0), swept(99, 0.0), Vec::new()];
    let report = report(rows, swept);
    let [harm, undamaged] = &report.operating_curves_post_hoc[..] else { panic!("two curves") };
    assert_eq!((&*harm.varied, &*undamaged.varied), ("harm_max", "undamaged_max"));
    let bounds = |curve: &OperatingCurve| curve.points.iter().filter_map(|p| p.bound).collect::<Vec<_>>();
    assert_eq!((bounds(harm), bounds(undamaged)), (SWEPT_HARM_MAX.to_vec(), SWEPT_UNDAMAGED_MAX.to_vec()));
    for curve in [harm, undamaged] {
        let at = |i: usize| {
            let p = curve.points[i];
            [p.gain_db, p.harm, p.changed, p.ordinary_changed]
        };
        assert_eq!(at(0), [2.0, 0.0, 0.5, 0.0]);
        assert_eq!(at(3), [2.0, 0.0, 0.5, 0.5]);
        assert_eq!(at(5), [1.0, 0.5, 1.0, 0.5]);
    }
}

#[test]
fn forecasts_are_compared_with_what_happened_to_pictures_alone() {
    let mut rows = rows();
    rows.push(row(PhotographKind::Roll, "strong", 9.0));
    let forecast = |damaged, expected_db, interval_db| PhotographForecast {
        damaged: Some(damaged),
        expected_db: Some(expected_db),
        interval_db: Some(interval_db),
    };
    rows[0].forecast = forecast(0.9, 5.0, [4.0, 7.0]);
    rows[1].forecast = forecast(0.6, 0.7, [0.0, 1.0]);
    rows[4].forecast = forecast(0.6, 0.9, [-4.0, -3.5]);
    rows[8].forecast = forecast(0.9, 5.0, [0.0, 1.0]);
    let report = report(rows, Vec::new());
    let coverage: Vec<_> =
        report.interval_coverage.iter().map(|c| (&*c.of, c.n, c.inside, c.below, c.above)).collect();
    let third = 1.0 / 3.0;
    assert_eq!(
        coverage,
        [("damaged", 2, 0.5, 0.5, 0.0), ("ordinary", 1, 0.0, 0.0, 1.0), ("all", 3, third, third, third)]
    );
    let bin = |b: &Bin| (b.from, b.to, b.n);
    let gains: Vec<_> = report.calibration_of_gain_db.iter().map(bin).collect();
    assert_eq!(gains, [(Some(0.5), Some(1.0), 2), (Some(4.0), Some(6.0), 1)]);
    close(report.calibration_of_gain_db[0].expected, 0.8);
    close(report.calibration_of_gain_db[0].actual, (-0.06 - 3.0) / 2.0);
    let damaged: Vec<_> = report.calibration_of_damaged.iter().map(|b| (b.n, b.actual)).collect();
    assert_eq!(damaged, [(2, 0.5), (1, 1.0)]);
}

fn outcome(corrected: bool, change: f64) -> RollOutcome {
    RollOutcome { n_members: 12, change, corrected, ..RollOutcome::default() }
}

#[test]
fn rolls_count_as_whole_rolls() {
    let roll = |name: &str, kind, corrected| RollRow {
        name: name.to_owned(),
        set: "s".to_owned(),
        fold: 0,
        kind,
        mixture: None,
        n: 1,
        together: outcome(corrected, 20.0),
        together_damaged: outcome(true, 40.0),
    };
    let of_roll = |kind, roll: &str, gain_db| PhotographRow {
        roll: Some(roll.to_owned()),
        ..row(kind, "strong", gain_db)
    };
    use PhotographKind::{CleanRoll, Roll};
    let report = photograph_report(PhotographMeasurements {
        rows: vec![of_roll(Roll, "1", 5.0), of_roll(Roll, "2", 0.0), of_roll(CleanRoll, "1", 0.0)],
        rolls: vec![roll("1", Roll, true), roll("2", Roll, false), roll("1", CleanRoll, false)],
        ..PhotographMeasurements::default()
    });
    let found: Vec<_> = report
        .roll_summaries
        .iter()
        .map(|s| (s.kind, s.way.name(), s.n, s.corrected, s.changed, s.change))
        .collect();
    // A clean roll of the same name as a faded one is another roll.
    assert_eq!(
        found,
        [
            (Roll, "together", 2, 0.5, 0.5, 20.0),
            (Roll, "together_damaged", 2, 1.0, 0.0, 40.0),
            (CleanRoll, "together", 1, 0.0, 0.0, 20.0),
            (CleanRoll, "together_damaged", 1, 1.0, 0.0, 40.0),
        ]
    );
    let shown: Vec<usize> = photograph_choices(&report).iter().map(|choice| choice.picture).collect();
    assert_eq!(shown, [0], "only the first corrected roll is shown");
}

/// Pictures of a trial are no copies of each other, although the trial knows no digests.
#[test]
fn the_pictures_of_a_planned_roll_all_vote() {
    let bytes = include_bytes!("../../../models/builtin.model");
    let model = GainArtifact::from_bytes(bytes, 256 << 20).unwrap().model;
    let features: Vec<f32> =
        model.ranges.ranges().iter().map(|range| 0.5 * (range.low + range.high)).collect();
    let surveys = vec![RollSurvey { features, size: (300, 200) }; ROLL_LENGTH];
    let plan = plan_roll(&model, &surveys).unwrap();
    assert_eq!([plan.together.n_members, plan.together_damaged.n_members], [ROLL_LENGTH; 2]);
    assert!(plan.together.reason.is_some() && plan.pictures.len() == ROLL_LENGTH);
    assert_eq!(plan_roll(&model, &surveys[..2]).unwrap().together, RollOutcome::default());
}

#[test]
fn rolls_never_leave_a_fold_or_a_set() {
    let names: Vec<String> = (0..60).rev().map(|i| format!("{i:02}")).collect();
    // Of set a 26 pictures are in fold 0 and 14 in fold 1; of set b 20 are in fold 0.
    let place = |i: usize| match i {
        0..26 => ("a", 0),
        26..40 => ("a", 1),
        _ => ("b", 0),
    };
    let pictures: Vec<(&str, usize, &str)> =
        names.iter().enumerate().map(|(i, name)| (place(i).0, place(i).1, &**name)).collect();
    let rolls = deal_rolls(&pictures);
    let found: Vec<&str> = rolls.iter().map(|(name, _)| &**name).collect();
    assert_eq!(found, ["a/fold 0 roll 1", "a/fold 0 roll 2", "a/fold 1 roll 1", "b/fold 0 roll 1"]);
    for (name, members) in &rolls {
        assert_eq!(members.len(), ROLL_LENGTH);
        assert!(members.iter().all(|&i| name.starts_with(&format!("{}/fold {} ", place(i).0, place(i).1))));
    }
    // Names count down with the index, so bytewise order is the reverse.
    assert_eq!(rolls[0].1, (14..26).rev().collect::<Vec<_>>());
    assert!(deal_rolls(&pictures[..11]).is_empty());
}

#[test]
fn the_table_has_a_line_per_photograph_and_way() {
    let mut rows = vec![row(PhotographKind::Damaged, "x,\"y", 2.0), row(PhotographKind::Roll, "z", 0.0)];
    rows[0].forecast.interval_db = Some([-1.0, 3.5]);
    let text = String::from_utf8(photograph_csv(&report(rows, Vec::new())).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 7 + 4);
    assert_eq!(
        lines[3],
        "\"s/x,\"\"y\",s,\"s/x,\"\"y\",damaged,fading,\"x,\"\"y\",,0,auto,learned,true,22.000000,0.500000,8.000000,\
         6.000000,2.000000,false,,,-1.000000,3.500000"
    );
    assert!(lines[8].starts_with("s/z,s,s/z,roll,fading,z,,0,untouched,"));
}

#[test]
fn nothing_of_a_name_becomes_markup() {
    let evil = "<script>alert(1)</script>";
    let mut rows = vec![row(PhotographKind::Damaged, evil, 2.0)];
    rows[0].damage = Some(evil.to_owned());
    rows[0].set = evil.to_owned();
    let report = photograph_report(PhotographMeasurements {
        rows,
        notes: vec![evil.to_owned()],
        ..PhotographMeasurements::default()
    });
    let choice = PageChoice { heading: "best", picture: 0 };
    let shown = [ShownPhotograph { choice, jpegs: vec![vec![1], vec![2], vec![3]] }];
    let page = photograph_sections(&report, &shown).into_string();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert!(page.contains("src=\"data:image/jpeg;base64,Ag==\"") && page.contains("<svg"));
}
