//! Compares the forest with scikit-learn's `ExtraTreesRegressor`, on samples and predictions written by
//! `tests/fixtures/learning/make_extra_trees.py`.
//!
//! Two random forests agree in the mean over seeds, not tree by tree. So means over seeds are compared.

use super::*;
use crate::models::classic::r2;

const TRAIN: &str = include_str!("../../../../tests/fixtures/learning/extra-trees-train.csv");
const TEST: &str = include_str!("../../../../tests/fixtures/learning/extra-trees-test.csv");
const N_FEATURES: usize = 8;
const N_OUTPUTS: usize = 3;
const SEEDS: u64 = 12;

/// Returns columns `from..to` of a file, without its header and notes.
fn columns(text: &str, from: usize, to: usize) -> NumberRows {
    let lines = text.lines().skip(1).filter(|line| !line.starts_with('#'));
    let cells = lines.flat_map(|line| line.split(',').skip(from).take(to - from));
    NumberRows::rounded(cells.map(|cell| cell.parse().unwrap()), to - from).unwrap()
}

fn column(rows: &NumberRows, column: usize) -> Vec<f64> {
    rows.iter().map(|row| f64::from(row[column])).collect()
}

/// scikit-learn's mean R² over its seeds, of each output.
fn their_r2(forest: &str) -> Vec<f64> {
    let line = TEST.lines().find_map(|line| line.strip_prefix(&format!("# r2 {forest} mean "))).unwrap();
    line.split(' ').map(|number| number.parse().unwrap()).collect()
}

fn correlation(xs: &[f64], ys: &[f64]) -> f64 {
    let n = xs.len() as f64;
    let (mean_x, mean_y) = (xs.iter().sum::<f64>() / n, ys.iter().sum::<f64>() / n);
    let product = |one: &[f64], mean: f64, other: &[f64], other_mean: f64| -> f64 {
        one.iter().zip(other).map(|(x, y)| (x - mean) * (y - other_mean)).sum()
    };
    product(xs, mean_x, ys, mean_y)
        / (product(xs, mean_x, xs, mean_x) * product(ys, mean_y, ys, mean_y)).sqrt()
}

/// Compares forests of several seeds with the predictions in the test file from column `theirs_at` on.
fn compare(
    name: &str,
    sample_weights: Option<&[f32]>,
    theirs_at: usize,
    hyperparameters: &WeightForestHyperparameters,
) {
    let (features, targets) =
        (columns(TRAIN, 0, N_FEATURES), columns(TRAIN, N_FEATURES, N_FEATURES + N_OUTPUTS));
    let (unseen, truth) = (columns(TEST, 0, N_FEATURES), columns(TEST, N_FEATURES, N_FEATURES + N_OUTPUTS));
    let theirs = columns(TEST, theirs_at, theirs_at + N_OUTPUTS);
    let mut means = vec![vec![0.0; unseen.n_rows()]; N_OUTPUTS];
    let mut scores = [0.0; N_OUTPUTS];
    for seed in 0..SEEDS {
        let hyperparameters = WeightForestHyperparameters { seed, ..hyperparameters.clone() };
        let forest =
            WeightForest::fit(&features, &targets, sample_weights, &hyperparameters.check().unwrap())
                .unwrap();
        let predicted: Vec<Vec<f64>> =
            unseen.iter().map(|row| forest.weights(row).unwrap().mean(&targets)).collect();
        for output in 0..N_OUTPUTS {
            let predicted: Vec<f64> = predicted.iter().map(|outputs| outputs[output]).collect();
            scores[output] += r2(&column(&truth, output), &predicted).value().unwrap() / SEEDS as f64;
            means[output].iter_mut().zip(predicted).for_each(|(mean, one)| *mean += one / SEEDS as f64);
        }
    }
    let their_scores = their_r2(name);
    for output in 0..N_OUTPUTS {
        let theirs = column(&theirs, output);
        let difference = scores[output] - their_scores[output];
        let correlation = correlation(&means[output], &theirs);
        let squares: f64 =
            means[output].iter().zip(&theirs).map(|(mean, other)| (mean - other).powi(2)).sum();
        let rms = (squares / theirs.len() as f64).sqrt();
        println!(
            "{name}{output}: R² {:.5} {difference:+.5}, correlation {correlation:.6}, rms {rms:.5}",
            scores[output]
        );
        assert!(
            difference.abs() < 0.01,
            "{name}{output}: R² {}, theirs {}",
            scores[output],
            their_scores[output]
        );
        assert!(correlation > 0.999, "{name}{output}: {correlation}");
        assert!(rms < 0.03, "{name}{output}: {rms}");
    }
}

#[test]
fn held_out_predictions_are_those_of_scikit_learn() {
    let hyperparameters =
        WeightForestHyperparameters { leaf_samples_min: 3, split_features: 0.4, ..Default::default() };
    compare("a", None, N_FEATURES + N_OUTPUTS, &hyperparameters);
}

#[test]
fn so_they_are_with_sample_weights_and_a_depth() {
    let hyperparameters = WeightForestHyperparameters {
        leaf_samples_min: 1,
        split_features: 1.0,
        depth_max: Some(5),
        ..Default::default()
    };
    let weights = columns(TRAIN, N_FEATURES + N_OUTPUTS, N_FEATURES + N_OUTPUTS + 1);
    let weights: Vec<f32> = weights.iter().map(|row| row[0]).collect();
    compare("b", Some(&weights), N_FEATURES + 2 * N_OUTPUTS, &hyperparameters);
}
