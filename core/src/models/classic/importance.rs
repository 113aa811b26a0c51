//! Permutation importance of a feature: the loss of R² when the feature is shuffled over the rows. The method is that of
//! Breiman, "Random Forests", Machine Learning 45, 2001, in the form of scikit-learn's `permutation_importance`.

use serde::{Deserialize, Serialize};

use super::model::{ParameterRegressors, Regressor};
use super::r2::{R2, r2};
use super::samples::FeatureRow;
use crate::learning::table::{FEATURE_NAMES, N_FEATURES, TableRow};
use crate::models::error::PredictError;
use crate::numeric::random::{derived_seed, permutation};

/// Importance of each feature, in the order of [`FEATURE_NAMES`], for each parameter; `None` where the parameter
/// does not vary on the rows. Below 0 means that R² was higher with the shuffled feature, by chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importances {
    /// Importances for `apply_color_correction`.
    pub color: Option<[f64; N_FEATURES]>,
    /// Importances for `sharpen_sigma`.
    pub sigma: Option<[f64; N_FEATURES]>,
    /// Importances for `sharpen_strength`.
    pub strength: Option<[f64; N_FEATURES]>,
}

/// Returns the importances on `rows`: the mean loss of R² over `n_repeats` permutations of each feature. A permutation
/// depends only on `seed`, the feature and the repeat, so all parameters use the same ones. Costs
/// 3 · 14 · `n_repeats` · rows predictions.
///
/// # Errors
/// When a feature is not finite; rows of a [`Table`](crate::learning::Table) never are.
///
/// # Panics
/// When `n_repeats` is 0.
pub fn permutation_importance(
    regressors: &ParameterRegressors,
    rows: &[&TableRow],
    n_repeats: usize,
    seed: u64,
) -> Result<Importances, PredictError> {
    assert!(n_repeats > 0, "a mean needs a repeat");
    let features: Vec<FeatureRow> = rows.iter().map(|row| row.features).collect();
    let of = |regressor: &Regressor, target: fn(&TableRow) -> f64| {
        let truth: Vec<f64> = rows.iter().map(|row| target(row)).collect();
        target_importance(regressor, &features, &truth, n_repeats, seed)
    };
    Ok(Importances {
        color: of(&regressors.color, TableRow::color_target)?,
        sigma: of(&regressors.sigma, |row| row.sharpen_sigma)?,
        strength: of(&regressors.strength, |row| row.sharpen_strength)?,
    })
}

/// Returns the importances for one parameter; `None` when it does not vary.
fn target_importance(
    regressor: &Regressor,
    features: &[FeatureRow],
    truth: &[f64],
    n_repeats: usize,
    seed: u64,
) -> Result<Option<[f64; N_FEATURES]>, PredictError> {
    let explained = |rows: &[FeatureRow]| -> Result<R2, PredictError> {
        let predicted = rows.iter().map(|row| regressor.predict(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(r2(truth, &predicted))
    };
    let R2::Value(whole) = explained(features)? else { return Ok(None) };
    let mut importances = [0.0; N_FEATURES];
    for (column, importance) in importances.iter_mut().enumerate() {
        for repeat in 0..n_repeats {
            let label = format!("permute {} {repeat}", FEATURE_NAMES[column]);
            let order = permutation(features.len(), derived_seed(seed, &label));
            let mut shuffled = features.to_vec();
            for (row, from) in shuffled.iter_mut().zip(order) {
                row[column] = features[from][column];
            }
            // R² has a value here, because the truth varies.
            let rest = explained(&shuffled)?.value().unwrap_or(whole);
            *importance += (whole - rest) / n_repeats as f64;
        }
    }
    Ok(Some(importances))
}

/// Returns importances as shares of 1. Negative ones count as 0. Returns `None` when none is above 0.
pub fn normalised(importances: &[f64; N_FEATURES]) -> Option<[f64; N_FEATURES]> {
    let sum: f64 = importances.iter().map(|importance| importance.max(0.0)).sum();
    (sum > 0.0 && sum.is_finite()).then(|| importances.map(|importance| importance.max(0.0) / sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::synthetic;
    use crate::models::family::Family;

    #[test]
    fn the_features_that_make_the_target_are_found() {
        let mut rows = synthetic::table(150, 3).rows().to_vec();
        rows.iter_mut().for_each(|row| row.sharpen_sigma = 1.0);
        let rows: Vec<&TableRow> = rows.iter().collect();
        for family in Family::ALL {
            let regressors = ParameterRegressors::fit(&rows, family, &Default::default()).unwrap();
            let importances = permutation_importance(&regressors, &rows, 5, 1).unwrap();
            assert_eq!(importances, permutation_importance(&regressors, &rows, 5, 1).unwrap());
            assert_eq!(importances.sigma, None, "a constant target has no importances");
            let color = importances.color.unwrap();
            // A shuffled switch has a mean squared error of twice its variance: R² falls from 1 to −1. A constant in
            // place of the switch would cost 1.67 or 2.5, since the switch is on for 60 %.
            assert!((color[12] - 2.0).abs() < 0.2, "{family} {color:?}");
            assert!(color.iter().enumerate().all(|(column, &drop)| column == 12 || drop.abs() < 0.1));
            let strength = normalised(&importances.strength.unwrap()).unwrap();
            assert!(strength[3] + strength[5] > 0.8, "{family} {strength:?}");
            assert!((strength.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_feature_that_nothing_looks_at_has_importance_zero() {
        let mut rows = synthetic::table(60, 3).rows().to_vec();
        rows.iter_mut().for_each(|row| row.features[0] = 1.0);
        let rows: Vec<&TableRow> = rows.iter().collect();
        let regressors = ParameterRegressors::fit(&rows, Family::RandomForest, &Default::default()).unwrap();
        let importances = permutation_importance(&regressors, &rows, 2, 1).unwrap();
        assert_eq!(importances.strength.unwrap()[0], 0.0);
    }

    #[test]
    fn negative_importances_take_no_share() {
        let mut importances = [0.0; N_FEATURES];
        assert_eq!(normalised(&importances), None);
        (importances[0], importances[1], importances[2]) = (3.0, -2.0, 1.0);
        assert_eq!(normalised(&importances).unwrap()[..4], [0.75, 0.0, 0.25, 0.0]);
    }
}
