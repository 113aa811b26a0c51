//! Fits the three regressors of a classic model to the same rows.

use super::gradient_boosting;
use super::hyperparameters::CheckedHyperparameters;
use super::model::{FittedTrees, ParameterRegressors, Regressor};
use super::random_forest;
use super::samples::{FeatureRow, FitError};
use crate::learning::table::TableRow;
use crate::models::family::Family;
use crate::numeric::random::derived_seed;

impl Regressor {
    /// Fits a regressor of `family` to `features`, shape `(n_samples, 14)`, and one target per sample.
    ///
    /// # Errors
    /// With fewer than two samples, lengths that differ, a number that is not finite or beyond ±1e100, or a family of
    /// another kind.
    pub fn fit(
        features: &[FeatureRow],
        targets: &[f64],
        family: Family,
        hyperparameters: &CheckedHyperparameters,
        seed: u64,
    ) -> Result<Self, FitError> {
        Ok(Self(match family {
            Family::RandomForest => {
                FittedTrees::RandomForest(random_forest::fit(features, targets, hyperparameters, seed)?)
            }
            Family::GradientBoosting => FittedTrees::GradientBoosting(gradient_boosting::fit(
                features,
                targets,
                hyperparameters,
                seed,
            )?),
            Family::Gains => return Err(FitError::NotClassic),
        }))
    }
}

impl ParameterRegressors {
    /// Fits one regressor per parameter to `rows`, each with a seed derived from that of the hyperparameters.
    ///
    /// # Errors
    /// With fewer than two rows, or a number that is not finite or beyond ±1e100.
    pub fn fit(
        rows: &[&TableRow],
        family: Family,
        hyperparameters: &CheckedHyperparameters,
    ) -> Result<Self, FitError> {
        let features: Vec<FeatureRow> = rows.iter().map(|row| row.features).collect();
        let fit = |name: &str, target: fn(&TableRow) -> f64| {
            let targets: Vec<f64> = rows.iter().map(|row| target(row)).collect();
            let seed = derived_seed(hyperparameters.seed, name);
            Regressor::fit(&features, &targets, family, hyperparameters, seed)
        };
        Ok(Self {
            color: fit("apply_color_correction", TableRow::color_target)?,
            sigma: fit("sharpen_sigma", |row| row.sharpen_sigma)?,
            strength: fit("sharpen_strength", |row| row.sharpen_strength)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::synthetic;
    use crate::learning::table::N_FEATURES;
    use crate::models::error::PredictError;

    #[test]
    fn tiny_and_degenerate_tables_never_panic() {
        // Every size from two rows on, with varied and with constant features, and every kind of target.
        for n in 2..24 {
            let varied: Vec<FeatureRow> =
                synthetic::table(n, 1).rows().iter().map(|row| row.features).collect();
            let constant = vec![[0.3; N_FEATURES]; n];
            let one_of_two: Vec<f64> = (0..n).map(|row| if row == 0 { 1e100 } else { -1e100 }).collect();
            let rising: Vec<f64> = (0..n).map(|row| row as f64 * 1e-300).collect();
            for family in Family::ALL {
                for features in [&varied, &constant] {
                    for targets in [&vec![0.7; n], &one_of_two, &rising] {
                        let regressor =
                            Regressor::fit(features, targets, family, &CheckedHyperparameters::default(), 1)
                                .unwrap();
                        assert_eq!(regressor.family(), family);
                        let predicted = regressor.predict(&features[0]).unwrap();
                        let most = targets.iter().copied().fold(f64::MIN, f64::max);
                        let least = targets.iter().copied().fold(f64::MAX, f64::min);
                        let slack = (most - least) * 1e-12;
                        assert!(predicted <= most + slack && predicted >= least - slack, "{family} {n}");
                    }
                }
            }
        }
    }

    #[test]
    fn features_of_any_usable_magnitude_are_split() {
        for scale in [1e100, 1e-300, f64::MIN_POSITIVE] {
            let features: Vec<FeatureRow> =
                (0..40).map(|row| [if row % 2 == 0 { scale } else { -scale }; N_FEATURES]).collect();
            let targets: Vec<f64> = (0..40).map(|row| f64::from(row % 2)).collect();
            for family in Family::ALL {
                let regressor =
                    Regressor::fit(&features, &targets, family, &CheckedHyperparameters::default(), 1)
                        .unwrap();
                assert!(regressor.predict(&features[0]).unwrap() < 0.01, "{family} {scale}");
                assert!(regressor.predict(&features[1]).unwrap() > 0.99, "{family} {scale}");
            }
        }
    }

    #[test]
    fn a_constant_target_is_answered_exactly_and_bad_features_are_refused() {
        for family in Family::ALL {
            let features: Vec<FeatureRow> =
                synthetic::table(30, 2).rows().iter().map(|row| row.features).collect();
            let fit = |features: &[FeatureRow]| {
                Regressor::fit(features, &vec![0.1; features.len()], family, &Default::default(), 1)
            };
            let regressor = fit(&features).unwrap();
            assert_eq!(regressor.predict(&[1e300; N_FEATURES]), Ok(0.1));
            let mut broken = features[0];
            broken[3] = f64::NAN;
            let error = regressor.predict(&broken).unwrap_err();
            assert!(matches!(error, PredictError::Feature { feature: "kurtosis", .. }), "{error}");
            assert_eq!(fit(&features[..1]), Err(FitError::TooFewSamples { n_samples: 1 }));
        }
    }

    #[test]
    fn each_parameter_is_learnt_from_its_own_column() {
        let table = synthetic::table(200, 3);
        let rows: Vec<&TableRow> = table.rows().iter().collect();
        for family in Family::ALL {
            let regressors = ParameterRegressors::fit(&rows, family, &Default::default()).unwrap();
            assert_eq!(regressors.family(), Some(family));
            for row in table.rows() {
                let predicted = regressors.predict(&row.features).unwrap();
                assert_eq!(predicted.color >= 0.5, row.apply_color_correction, "{}", row.filename);
                assert!((predicted.sigma - row.sharpen_sigma).abs() < 0.4, "{}", row.filename);
                assert!((predicted.strength - row.sharpen_strength).abs() < 1.0, "{}", row.filename);
            }
        }
    }

    #[test]
    fn the_same_rows_give_the_same_trees_on_every_machine() {
        // Pinned: another smartcore, compiler or CPU that grows other trees must not go unnoticed.
        let table = synthetic::table(60, 1);
        let rows: Vec<&TableRow> = table.rows().iter().collect();
        let pinned = |family| {
            let regressors = ParameterRegressors::fit(&rows, family, &Default::default()).unwrap();
            crate::digest::digest(&postcard::to_stdvec(&regressors).unwrap())[..16].to_owned()
        };
        assert_eq!(pinned(Family::RandomForest), "7fc0dd8f0527141b");
        assert_eq!(pinned(Family::GradientBoosting), "8ffd55081740b833");
    }
}
