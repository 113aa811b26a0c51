//! Tests of the forest on cases with a known result, and on forged bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::numeric::random::RandomStream;

fn rows(numbers: Vec<f32>, n_columns: usize) -> NumberRows {
    NumberRows::new(numbers, n_columns).unwrap()
}

/// Returns features that are uniform in [0, 1).
fn noise(n_rows: usize, n_columns: usize, seed: u64) -> NumberRows {
    let mut stream = RandomStream::new(seed);
    NumberRows::rounded((0..n_rows * n_columns).map(|_| stream.uniform()), n_columns).unwrap()
}

/// Returns two targets that depend on the first two features.
fn targets_of(features: &NumberRows) -> NumberRows {
    let targets = |row: &[f32]| [2.0 * row[0] + row[1] * row[1], (row[0] - 0.5).abs() - row[1]];
    rows(features.iter().flat_map(targets).collect(), 2)
}

fn checked(change: impl Fn(&mut WeightForestHyperparameters)) -> CheckedWeightForestHyperparameters {
    let mut hyperparameters = WeightForestHyperparameters { n_trees: 20, ..Default::default() };
    change(&mut hyperparameters);
    hyperparameters.check().unwrap()
}

fn small(seed: u64) -> WeightForest {
    let features = noise(60, 5, 1);
    WeightForest::fit(&features, &targets_of(&features), None, &checked(|h| h.seed = seed)).unwrap()
}

#[test]
fn a_step_is_learnt_exactly() {
    // Every threshold between 0 and 1 separates the two kinds. Then there is nothing left to split.
    let features = rows((0..40_u8).flat_map(|row| [f32::from(row % 2); 3]).collect(), 3);
    let targets = rows((0..40).flat_map(|row| [[0.5, -8.0], [2.0, 16.0]][row % 2]).collect(), 2);
    let forest = WeightForest::fit(&features, &targets, None, &checked(|_| ())).unwrap();
    for (feature, expected) in
        [(-3.0, [0.5, -8.0]), (0.0, [0.5, -8.0]), (1.0, [2.0, 16.0]), (9.0, [2.0, 16.0])]
    {
        let weights = forest.weights(&[feature; 3]).unwrap();
        assert_eq!(weights.entries().len(), 20);
        for (mean, expected) in weights.mean(&targets).into_iter().zip(expected) {
            assert!((mean - expected).abs() < 1e-12, "{mean}, not {expected}");
        }
        assert!(weights.spread(&targets).into_iter().all(|spread| spread < 1e-6));
        assert!((weights.effective_rows() - 20.0).abs() < 1e-9);
    }
}

#[test]
fn of_all_features_the_one_that_tells_most_is_split() {
    // Feature 1 decides both targets; the others are noise. Every tree of depth 1 must split by feature 1.
    let mut numbers: Vec<f32> = noise(100, 4, 2).iter().flatten().copied().collect();
    (0..100).for_each(|row| numbers[row * 4 + 1] = [0.0, 1.0][row % 2]);
    let targets = rows((0..100).flat_map(|row| [[1.0, 5.0], [2.0, 3.0]][row % 2]).collect(), 2);
    let hyperparameters = checked(|h| {
        h.split_features = 1.0;
        h.depth_max = Some(1);
    });
    let forest = WeightForest::fit(&rows(numbers, 4), &targets, None, &hyperparameters).unwrap();
    for tree in &forest.trees {
        assert_eq!(tree.feature_max(), Some(1));
        assert_eq!(tree.leaves().map(<[u32]>::len).collect::<Vec<_>>(), [50, 50]);
    }
}

#[test]
fn every_target_has_its_say_by_its_scale() {
    // Feature f decides target f; the target of the larger steps wins the first split.
    let features = rows((0..64).flat_map(|row| [(row % 2) as f32, (row / 2 % 2) as f32]).collect(), 2);
    for (scales, expected) in [([1.0, 3.0], 1), ([3.0, 1.0], 0), ([0.0, 1e-3], 1)] {
        let targets = features.iter().flat_map(|row| [row[0] * scales[0] + 100.0, row[1] * scales[1]]);
        let targets = rows(targets.collect(), 2);
        let hyperparameters = checked(|h| {
            h.split_features = 1.0;
            h.depth_max = Some(1);
        });
        let forest = WeightForest::fit(&features, &targets, None, &hyperparameters).unwrap();
        for tree in &forest.trees {
            let sides: Vec<&[u32]> = tree.leaves().collect();
            let feature = |row: u32| features.number(row as usize, expected);
            assert!(sides[0].iter().all(|&row| feature(row) == 0.0), "{scales:?}");
            assert!(sides[1].iter().all(|&row| feature(row) == 1.0), "{scales:?}");
        }
    }
}

#[test]
fn thresholds_are_even_between_least_and_largest() {
    // One feature has the numbers 0–999, and a tree of depth 1 has one threshold. The thresholds of 1000 trees have the
    // mean and deviation of a uniform distribution, 500 and 1000/√12, up to some five standard errors.
    let features = rows((0..1000_u16).map(f32::from).collect(), 1);
    let hyperparameters = checked(|h| {
        h.n_trees = 1000;
        h.depth_max = Some(1);
        h.leaf_samples_min = 1;
    });
    let forest = WeightForest::fit(&features, &features, None, &hyperparameters).unwrap();
    let below: Vec<f64> =
        forest.trees.iter().map(|tree| tree.leaves().next().unwrap().len() as f64).collect();
    let mean = below.iter().sum::<f64>() / 1000.0;
    let deviation = (below.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / 1000.0).sqrt();
    assert!((mean - 500.0).abs() < 46.0, "{mean}");
    assert!((deviation - 288.7).abs() < 20.0, "{deviation}");
}

#[test]
fn nothing_to_tell_apart_is_one_leaf() {
    let features = noise(30, 3, 4);
    let constant = rows(vec![7.0; 30], 1);
    let same = rows(vec![0.25; 90], 3);
    for (features, targets) in [(&features, &constant), (&same, &targets_of(&features))] {
        let forest = WeightForest::fit(features, targets, None, &checked(|_| ())).unwrap();
        assert!(forest.trees.iter().all(|tree| tree.leaves().count() == 1));
        let weights = forest.weights(&[0.5; 3]).unwrap();
        let mean: f64 = targets.iter().map(|row| f64::from(row[0])).sum::<f64>() / 30.0;
        assert!((weights.mean(targets)[0] - mean).abs() < 1e-12);
        assert!((weights.effective_rows() - 30.0).abs() < 1e-9);
    }
    let one = WeightForest::fit(&rows(vec![1.0], 1), &rows(vec![3.0], 1), None, &checked(|_| ())).unwrap();
    assert_eq!(one.weights(&[9.0]).unwrap().mean(&rows(vec![3.0], 1)), [3.0]);
}

#[test]
fn constant_features_do_not_stop_a_tree() {
    // One of 50 features varies, and each split tries one feature: drawing goes on until the varying one is found.
    let numbers =
        (0..40).flat_map(|row| (0..50).map(move |column| if column == 33 { row as f32 } else { 1.0 }));
    let features = rows(numbers.collect(), 50);
    let targets = rows((0..40_u8).map(f32::from).collect(), 1);
    let hyperparameters = checked(|h| {
        h.split_features = 0.02;
        h.leaf_samples_min = 1;
    });
    let forest = WeightForest::fit(&features, &targets, None, &hyperparameters).unwrap();
    for row in 0..40 {
        assert_eq!(forest.weights(features.row(row)).unwrap().largest(), 1.0);
    }
}

#[test]
fn duplicates_share_their_leaves() {
    // Rows 0–19 again as rows 20–39, with other targets.
    let once = noise(20, 4, 6);
    let features = once.select(&(0..40).map(|row| row % 20).collect::<Vec<_>>());
    let targets = targets_of(&noise(40, 2, 7));
    let forest = WeightForest::fit(&features, &targets, None, &checked(|h| h.leaf_samples_min = 1)).unwrap();
    for row in 0..20 {
        let weights = forest.weights(features.row(row)).unwrap();
        assert_eq!(weights.entries(), [(row, 0.5), (row + 20, 0.5)]);
    }
}

#[test]
fn weights_sum_to_one_and_leaves_are_as_large_as_asked() {
    let features = noise(300, 6, 8);
    let targets = targets_of(&features);
    for (leaf_samples_min, depth_max) in [(1, None), (7, None), (3, Some(4)), (200, None)] {
        let hyperparameters = checked(|h| {
            h.leaf_samples_min = leaf_samples_min;
            h.depth_max = depth_max;
        });
        let forest = WeightForest::fit(&features, &targets, None, &hyperparameters).unwrap();
        for tree in &forest.trees {
            let sizes: Vec<usize> = tree.leaves().map(<[u32]>::len).collect();
            assert_eq!(sizes.iter().sum::<usize>(), 300);
            assert!(sizes.iter().all(|&size| size >= leaf_samples_min), "{sizes:?}");
            assert!(sizes.len() <= depth_max.map_or(300, |depth| 1 << depth));
            assert_eq!(sizes.len() == 1, leaf_samples_min == 200, "{} leaves", sizes.len());
        }
        for unseen in noise(50, 6, 9).iter() {
            let weights = forest.weights(unseen).unwrap();
            let sum: f64 = weights.entries().iter().map(|(_, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        }
    }
}

#[test]
fn a_row_of_weight_zero_is_as_if_absent() {
    let features = noise(80, 4, 10);
    let targets = targets_of(&features);
    let kept: Vec<usize> = (0..80).filter(|row| row % 5 != 2).collect();
    // The numbers of the absent rows must not matter either.
    let weights: Vec<f32> = (0..80).map(|row| if row % 5 == 2 { 0.0 } else { 1.0 }).collect();
    let with = WeightForest::fit(&features, &targets, Some(&weights), &checked(|_| ())).unwrap();
    let without =
        WeightForest::fit(&features.select(&kept), &targets.select(&kept), None, &checked(|_| ())).unwrap();
    for unseen in noise(30, 4, 11).iter() {
        let renamed: Vec<(usize, f64)> =
            without.weights(unseen).unwrap().entries().iter().map(|&(row, w)| (kept[row], w)).collect();
        assert_eq!(with.weights(unseen).unwrap().entries(), renamed);
    }
}

#[test]
fn a_weight_of_two_counts_as_two_rows() {
    // Rows 0–19 have weight 2, or are given twice. Only the first split is compared. Further down, few rows are left and
    // different features split them equally. Then rounding of the sums decides which split is kept.
    let features = noise(50, 3, 12);
    let targets = targets_of(&features);
    let weights: Vec<f32> = (0..50).map(|row| if row < 20 { 2.0 } else { 1.0 }).collect();
    let twice: Vec<usize> = (0..50).chain(0..20).collect();
    let hyperparameters = checked(|h| {
        h.n_trees = 100;
        h.leaf_samples_min = 1;
        h.depth_max = Some(1);
        h.split_features = 1.0;
    });
    let weighted = WeightForest::fit(&features, &targets, Some(&weights), &hyperparameters).unwrap();
    let doubled =
        WeightForest::fit(&features.select(&twice), &targets.select(&twice), None, &hyperparameters).unwrap();
    for unseen in noise(40, 3, 13).iter() {
        let one = weighted.weights(unseen).unwrap().mean(&targets);
        let other = doubled.weights(unseen).unwrap().mean(&targets.select(&twice));
        for (one, other) in one.into_iter().zip(other) {
            assert!((one - other).abs() < 1e-12, "{one}, {other}");
        }
    }
}

#[test]
fn seeds_decide_and_threads_do_not() {
    let with_threads = |n_threads| {
        rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(|| small(1))
    };
    assert_eq!(with_threads(1), with_threads(4));
    assert_ne!(small(1), small(2));
    // More trees begin with the same trees.
    let features = noise(60, 5, 1);
    let more = checked(|h| {
        h.n_trees = 25;
        h.seed = 1;
    });
    let more = WeightForest::fit(&features, &targets_of(&features), None, &more).unwrap();
    assert_eq!(more.trees[..20], small(1).trees);
}

#[test]
fn a_forest_is_the_same_for_ever() {
    // Recorded from the first version: other digits mean that published models can no longer be repeated.
    let digest = crate::digest::digest(&postcard::to_stdvec(&small(42)).unwrap());
    assert_eq!(digest, "374044c4ea64f1a7d55d67f52b08264cfeeeb839cb2e04efbb45402595e7a004");
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let (features, targets) = (noise(4, 2, 1), noise(4, 1, 2));
    let fit = |targets: &NumberRows, weights: Option<&[f32]>| {
        WeightForest::fit(&features, targets, weights, &checked(|_| ())).unwrap_err()
    };
    let lengths = |n_targets, n_weights| WeightForestError::Lengths { n_features: 4, n_targets, n_weights };
    assert_eq!(fit(&noise(3, 1, 2), None), lengths(3, 4));
    assert_eq!(fit(&targets, Some(&[1.0; 5])), lengths(4, 5));
    assert_eq!(fit(&targets, Some(&[0.0; 4])), WeightForestError::NoRows);
    for found in [-1.0, 1e-7, 1e7, f32::INFINITY] {
        let refused = fit(&targets, Some(&[1.0, 0.0, found, 1.0]));
        assert_eq!(refused, WeightForestError::SampleWeight { row: 2, found });
    }
    assert!(matches!(fit(&targets, Some(&[f32::NAN; 4])), WeightForestError::SampleWeight { row: 0, .. }));
    let none = WeightForest::fit(&rows(vec![], 2), &rows(vec![], 1), None, &checked(|_| ()));
    assert_eq!(none, Err(WeightForestError::NoRows));
    let wide = rows(vec![0.0; 65_536], 65_536);
    let wide = WeightForest::fit(&wide, &rows(vec![0.0], 1), None, &checked(|_| ()));
    assert_eq!(wide, Err(WeightForestError::TooLarge { n_rows: 1, n_features: 65_536 }));
}

#[test]
fn vectors_that_do_not_fit_are_refused() {
    let forest = small(1);
    assert_eq!(forest.weights(&[0.5; 4]), Err(WeightsError::Length { found: 4, n_features: 5 }));
    let infinite = [0.5, 0.5, f32::INFINITY, 0.5, 0.5];
    assert_eq!(forest.weights(&infinite), Err(WeightsError::Feature { feature: 2, found: f32::INFINITY }));
    assert!(forest.weights(&[f32::NAN; 5]).is_err());
}

#[test]
fn huge_and_close_numbers_split_without_an_empty_side() {
    let close = f32::from_bits(1.0_f32.to_bits() + 1);
    for numbers in [vec![f32::MIN, f32::MAX, 0.0], vec![1.0, close, 1.0], vec![-f32::from_bits(1), 0.0, 0.0]]
    {
        let targets = rows(vec![1.0, 2.0, f32::MAX], 1);
        let hyperparameters = checked(|h| h.leaf_samples_min = 1);
        let forest = WeightForest::fit(&rows(numbers.clone(), 1), &targets, None, &hyperparameters).unwrap();
        let first = forest.weights(&numbers[..1]).unwrap();
        let second = forest.weights(&numbers[1..2]).unwrap();
        assert!(first.entries().iter().all(|first| second.entries().iter().all(|other| first.0 != other.0)));
    }
}

fn form(forest: &WeightForest) -> ForestForm {
    forest.clone().into()
}

#[test]
fn a_forest_reads_back_as_what_was_written() {
    let features = noise(60, 5, 1);
    let weights: Vec<f32> = (0..60_u8).map(|row| f32::from(row % 4)).collect();
    let weighted =
        WeightForest::fit(&features, &targets_of(&features), Some(&weights), &checked(|_| ())).unwrap();
    for forest in [small(3), weighted] {
        let bytes = postcard::to_stdvec(&forest).unwrap();
        let read: WeightForest = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read, forest);
        assert_eq!(postcard::to_stdvec(&read).unwrap(), bytes);
        let json = serde_json::to_vec(&forest).unwrap();
        assert_eq!(serde_json::from_slice::<WeightForest>(&json).unwrap(), forest);
    }
}

#[test]
fn forests_that_contradict_themselves_are_refused() {
    let forest = small(1);
    let refused = |change: &dyn Fn(&mut ForestForm)| {
        let mut form = form(&forest);
        change(&mut form);
        let bytes = postcard::to_stdvec(&form).unwrap();
        assert!(postcard::from_bytes::<WeightForest>(&bytes).is_err(), "serde must check as well");
        WeightForest::try_from(form).unwrap_err()
    };
    let count = |what, found| ForestFormError::Count { what, found };
    assert_eq!(refused(&|form| form.trees.clear()), count("trees", 0));
    assert_eq!(refused(&|form| form.trees.resize(1001, form.trees[0].clone())), count("trees", 1001));
    assert_eq!(refused(&|form| form.n_features = 0), count("features", 0));
    assert_eq!(refused(&|form| form.n_features = 65_536), count("features", 65_536));
    for n_rows in [0, 59, 61, u32::MAX] {
        assert_eq!(refused(&|form| form.n_rows = n_rows), count("rows", n_rows as usize));
    }
    assert_eq!(refused(&|form| form.n_features = 4), ForestFormError::Feature { tree: 0 });
    let weights = |row: usize, weight: f32| {
        let mut weights = vec![1.0; 60];
        weights[row] = weight;
        Some(weights)
    };
    assert_eq!(refused(&|form| form.sample_weights = weights(9, -1.0)), ForestFormError::SampleWeights);
    assert_eq!(refused(&|form| form.sample_weights = weights(9, f32::NAN)), ForestFormError::SampleWeights);
    assert_eq!(refused(&|form| form.sample_weights = weights(9, 0.0)), ForestFormError::Rows { tree: 0 });
    assert_eq!(refused(&|form| form.sample_weights = Some(vec![1.0; 59])), count("rows", 60));

    let tree = |kinds: &[u16], leaf_sizes: &[u32], rows: Vec<u32>| {
        let thresholds = vec![0.5; leaf_sizes.len() - 1];
        RowTree::try_from(tree::RowTreeForm {
            kinds: kinds.to_vec(),
            thresholds,
            leaf_sizes: leaf_sizes.to_vec(),
            rows,
        })
        .unwrap()
    };
    // Row 7 in both leaves; a row that does not exist; one row too few.
    let twice = (0..59).chain([7]).collect();
    let beyond = (0..59).chain([60]).collect();
    for tree in
        [tree(&[1, 0, 0], &[59, 1], twice), tree(&[0], &[60], beyond), tree(&[0], &[59], (0..59).collect())]
    {
        assert_eq!(refused(&|form| form.trees[5] = tree.clone()), ForestFormError::Rows { tree: 5 });
    }
}

#[test]
fn forged_bytes_never_panic() {
    let forest = small(1);
    let bytes = postcard::to_stdvec(&forest).unwrap();
    for length in 0..bytes.len() {
        assert!(postcard::from_bytes::<WeightForest>(&bytes[..length]).is_err(), "cut to {length}");
    }
    let mut readable = 0;
    for at in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[at] ^= 1 << (at % 8);
        // Changed thresholds make another sound forest. Every forest that is accepted must return weights.
        if let Ok(read) = postcard::from_bytes::<WeightForest>(&forged) {
            readable += 1;
            let weights = read.weights(&vec![0.5; read.n_features()]).unwrap();
            assert!(weights.largest() > 0.0);
        }
    }
    assert!(readable > 0 && readable < bytes.len(), "{readable} of {}", bytes.len());
}

#[test]
fn a_forest_is_small() {
    // 15 trees of 1500 rows and 100 features: a tenth of what an artifact holds, whose aim is 1.5 MB.
    let features = noise(1500, 100, 14);
    let forest =
        WeightForest::fit(&features, &targets_of(&features), None, &checked(|h| h.n_trees = 15)).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&postcard::to_stdvec(&forest).unwrap()).unwrap();
    let size = encoder.finish().unwrap().len();
    assert!(size < 150_000, "{size} bytes");
}
