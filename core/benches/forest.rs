//! Benchmarks of the weight forest at the size of a training: 1500 rows of 100 features with 120 targets.
//!
//! The rayon pool has one thread, so figures are CPU times.

use std::hint::black_box;

use divan::Bencher;
use pentimento_core::models::gains::weight_forest::{NumberRows, WeightForest, WeightForestHyperparameters};

const N_ROWS: usize = 1500;
const N_FEATURES: usize = 100;
const N_OUTPUTS: usize = 120;

fn main() {
    divan::main();
}

/// Returns numbers that are uniform in [0, 1), by a linear congruence.
fn noise(n_columns: usize, seed: u64) -> NumberRows {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    NumberRows::rounded((0..N_ROWS * n_columns).map(|_| draw()), n_columns).unwrap()
}

/// Returns features and targets. Each target mixes two features with noise.
fn samples() -> (NumberRows, NumberRows) {
    let (features, noise) = (noise(N_FEATURES, 1), noise(N_OUTPUTS, 2));
    let target = |row: usize, output: usize| {
        let feature = |at: usize| f64::from(features.number(row, at % N_FEATURES));
        feature(output / 6) + feature(output * 7).powi(2) + 0.3 * f64::from(noise.number(row, output))
    };
    let targets = (0..N_ROWS).flat_map(|row| (0..N_OUTPUTS).map(move |output| (row, output)));
    let targets = NumberRows::rounded(targets.map(|(row, output)| target(row, output)), N_OUTPUTS).unwrap();
    (features, targets)
}

fn fitted() -> (WeightForest, NumberRows, NumberRows) {
    let (features, targets) = samples();
    let hyperparameters = WeightForestHyperparameters::default().check().unwrap();
    let forest = WeightForest::fit(&features, &targets, None, &hyperparameters).unwrap();
    (forest, features, targets)
}

#[divan::bench(sample_count = 3)]
fn fit_150_trees(bencher: Bencher) {
    let (features, targets) = samples();
    let hyperparameters = WeightForestHyperparameters::default().check().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let fit = || WeightForest::fit(black_box(&features), black_box(&targets), None, &hyperparameters);
    bencher.bench_local(|| pool.install(fit));
}

#[divan::bench]
fn weights_of_a_vector(bencher: Bencher) {
    let (forest, ..) = fitted();
    let unseen = noise(N_FEATURES, 3);
    bencher.bench_local(|| forest.weights(black_box(unseen.row(7))));
}

#[divan::bench]
fn means_of_all_targets(bencher: Bencher) {
    let (forest, _, targets) = fitted();
    let weights = forest.weights(noise(N_FEATURES, 3).row(7)).unwrap();
    bencher.bench_local(|| black_box(&weights).mean(&targets));
}

#[divan::bench]
fn quantile_of_one_target(bencher: Bencher) {
    let (forest, _, targets) = fitted();
    let weights = forest.weights(noise(N_FEATURES, 3).row(7)).unwrap();
    bencher.bench_local(|| black_box(&weights).quantile(&targets, 5, 0.1));
}
