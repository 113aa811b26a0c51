//! Sums over a trial, compared with closed forms.

use crate::evaluation::trial::*;
use crate::{
    metrics::Quality,
    models::gains::{
        measure::{MeasuredPicture, SmallPair},
        model::Gain,
        sample::{Sample, SampleKind, SampleOrigin},
    },
};

/// A picture of 20 dB and SSIM 0.5; each way adds its number of dB.
pub(super) fn row(set: &str, name: &str, kind: PictureKind, added_db: [f64; 6]) -> TrialRow {
    let result = |added: f64| WayResult {
        done: "identity".to_owned(),
        changed: added != 0.0,
        figures: Figures { psnr: 20.0 + added, ssim: 0.5, ciede2000: 10.0 - added },
    };
    TrialRow {
        name: format!("{set}/{name}"),
        set: set.to_owned(),
        source: name.to_owned(),
        kind,
        damage: (name == "faded").then(|| "fading".to_owned()),
        fold: 0,
        ways: ByWay::from_fn(|way| result(added_db[way as usize])),
        forecast: None,
    }
}

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-12, "{got} for {expected}");
}

fn rows() -> Vec<TrialRow> {
    use PictureKind::{Damaged, Undamaged};
    vec![
        row("a", "faded", Damaged, [0.0, 1.0, -1.0, 0.0, 2.0, 4.0]),
        row("b", "x", Damaged, [0.0, 1.0, -1.0, 0.0, -0.06, 0.0]),
        row("b", "y", Damaged, [0.0, 1.0, -1.0, 0.0, -0.05, 0.0]),
        row("b", "z", Damaged, [0.0, 1.0, -1.0, 0.0, 0.0, 2.0]),
        row("b", "z", Undamaged, [0.0, -1.0, -1.0, 0.0, -1.0, 0.0]),
    ]
}

#[test]
fn means_over_sets_and_over_pictures_differ() {
    let report = trial_report(TrialMeasurements { rows: rows(), ..TrialMeasurements::default() });
    let damaged = &report.kinds[0];
    assert_eq!((damaged.sets.len(), damaged.mean_over_sets.n, report.kinds[1].mean_over_sets.n), (2, 4, 1));
    let (sets, pictures) =
        (&damaged.mean_over_sets.ways[Way::Model], &damaged.mean_over_pictures.ways[Way::Model]);
    close(sets.gain_db, (2.0 - 0.11 / 3.0) / 2.0);
    close(pictures.gain_db, (2.0 - 0.11) / 4.0);
    // 1 dB is 0.01 of score, and ΔE00 of these pictures falls by 1 per dB.
    close(pictures.gain_score, pictures.gain_db / 100.0);
    close(pictures.change_ciede2000, -pictures.gain_db);
    // 0.06 dB is harm, 0.05 dB is not.
    close(sets.harm, 1.0 / 6.0);
    close(pictures.harm, 0.25);
    close(pictures.changed, 0.75);
    close(pictures.regret, 0.015 - pictures.gain_score);
    close(pictures.captured.unwrap(), 1.89 / 6.0);
    close(sets.captured.unwrap(), (2.0 - 0.11 / 3.0) / (4.0 + 2.0 / 3.0));
    close(damaged.mean_over_sets.ways[Way::Oracle].captured.unwrap(), 1.0);
    assert_eq!(damaged.damages.iter().map(|d| (&*d.name, d.n)).collect::<Vec<_>>(), [("fading", 1)]);
    let undamaged = &report.kinds[1].mean_over_sets.ways[Way::Model];
    assert_eq!((undamaged.harm, undamaged.captured), (1.0, None));
}

#[test]
fn forecasts_fall_into_bins() {
    let forecast = |score: f64, harm: f64, actual: f32, psnr_db: f32| Forecast {
        score,
        harm,
        actual: Gain { score: actual, psnr_db },
    };
    let forecasts = vec![
        forecast(0.01, 0.01, 0.5, 1.0),
        forecast(0.015, 0.1, 0.25, -1.0),
        forecast(0.02, 0.12, 0.0, 0.0),
        forecast(-0.9, 0.9, -0.5, -2.0),
    ];
    let calibration = trial_report(TrialMeasurements { forecasts, ..TrialMeasurements::default() })
        .calibration_of_candidates;
    let shape = |bins: &[Bin]| bins.iter().map(|b| (b.from, b.to, b.n)).collect::<Vec<_>>();
    let expected = [(None, Some(-0.05), 1), (Some(0.01), Some(0.02), 2), (Some(0.02), Some(0.05), 1)];
    assert_eq!(shape(&calibration.score), expected);
    close(calibration.score[1].expected, 0.0125);
    close(calibration.score[1].actual, 0.375);
    let expected = [(None, Some(0.02), 1), (Some(0.1), Some(0.15), 2), (Some(0.5), None, 1)];
    assert_eq!(shape(&calibration.harm), expected);
    close(calibration.harm[1].expected, 0.11);
    close(calibration.harm[1].actual, 0.5);
}

#[test]
fn a_curve_means_over_sets() {
    let gain = |psnr_db: f32| Gain { score: psnr_db / 4.0, psnr_db };
    let gains = [2.0, -1.0, 0.5, 0.5, -1.0].map(|db| vec![gain(0.0), gain(db)]).to_vec();
    let sweep = GateSweep { way: Way::Model, harm_max: vec![0.1, 0.2], gains };
    let report =
        trial_report(TrialMeasurements { rows: rows(), sweeps: vec![sweep], ..TrialMeasurements::default() });
    let [closed, open] = report.curves_post_hoc[0].points[..] else { panic!("two points") };
    assert_eq!((closed.gain_db, closed.harm, closed.harm_undamaged), (0.0, 0.0, 0.0));
    close(open.gain_db, 1.0);
    close(open.gain_score, 0.25);
    close(open.harm, 1.0 / 6.0);
    close(open.harm_undamaged, 1.0);
}

#[test]
fn a_source_in_two_folds_is_refused() {
    let measured = |source: &str, kind| MeasuredPicture {
        sample: Sample {
            origin: SampleOrigin {
                name: String::new(),
                set: "a".to_owned(),
                source: source.to_owned(),
                kind,
            },
            features: Vec::new(),
            code: Vec::new(),
            color: Vec::new(),
            detail: None,
        },
        untouched: Quality { psnr: 20.0, ssim: 0.5 },
        classic: Vec::new(),
        small: SmallPair::black(),
    };
    use SampleKind::{Damaged, Synthetic, Undamaged};
    let pictures =
        [measured("x", Damaged), measured("y", Undamaged), measured("x", Damaged), measured("y", Synthetic)];
    let folds = TrialFolds::new(&pictures, vec![0, 1, 0, 1]).unwrap();
    let held_out = [(0, 0), (1, 1), (2, 0)].map(|(picture, fold)| HeldOut { picture, fold });
    assert_eq!(folds.held_out(), held_out);
    assert_eq!(folds.trainings(), [[1, 3], [0, 2]]);
    let error = TrialFolds::new(&pictures, vec![0, 1, 0, 2]).unwrap_err().to_string();
    assert_eq!(error, "the groups file has pictures of the source y in several folds");
}

#[test]
fn the_page_shows_the_extremes() {
    let chosen: Vec<(&str, usize)> = page_choices(&rows()).iter().map(|c| (c.heading, c.picture)).collect();
    let regret = "Largest regret: gain of best_in_hand minus gain of the model";
    let expected = [
        ("Largest gains in score", 0),
        // Two pictures gain 2 dB less than the oracle: the first of them comes first.
        (regret, 0),
        (regret, 3),
        (regret, 4),
        (regret, 1),
        (regret, 2),
        ("Most harmed, in dB", 4),
        ("Most harmed, in dB", 1),
    ];
    assert_eq!(chosen, expected);
}

#[test]
fn harm_is_a_loss_of_more_than_five_hundredths() {
    let rows = rows();
    let harmed: Vec<bool> = rows.iter().map(|row| row.is_harmed(Way::Model)).collect();
    assert_eq!(harmed, [false, true, false, false, true]);
}
