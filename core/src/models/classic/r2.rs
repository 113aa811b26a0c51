//! The coefficient of determination, R²: how well regressors predict rows that they were not fitted on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::model::{ParameterRegressors, RawPrediction};
use crate::learning::table::{N_FEATURES, TableRow};
use crate::models::error::PredictError;

/// Coefficient of determination.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum R2 {
    /// 1 is exact, 0 is as good as the mean of the truth, below 0 is worse. Finite.
    Value(f64),
    /// The truth does not vary, or has fewer than two samples: there is nothing to explain.
    Constant,
}

impl R2 {
    /// Returns the number, if there is one.
    pub fn value(self) -> Option<f64> {
        match self {
            R2::Value(value) => Some(value),
            R2::Constant => None,
        }
    }
}

impl fmt::Display for R2 {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            R2::Value(value) => write!(formatter, "{value:.3}"),
            R2::Constant => formatter.write_str("constant target"),
        }
    }
}

/// Returns 1 − Σ(truth − predicted)² / Σ(truth − mean)², as scikit-learn's `r2_score`. For a constant truth it returns
/// [`R2::Constant`], where scikit-learn returns 1 or 0.
///
/// # Panics
/// When the slices differ in length.
pub fn r2(truth: &[f64], predicted: &[f64]) -> R2 {
    assert_eq!(truth.len(), predicted.len(), "one prediction belongs to each truth");
    // The values are compared, because the sum of squares of a constant is not exactly 0 when its mean is rounded.
    if truth.iter().all(|&value| value == truth[0]) {
        return R2::Constant;
    }
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let residual: f64 =
        truth.iter().zip(predicted).map(|(truth, predicted)| (truth - predicted).powi(2)).sum();
    let total: f64 = truth.iter().map(|truth| (truth - mean).powi(2)).sum();
    // Squares of subnormal differences are 0, and dividing by 0 would give no number.
    if total > 0.0 { R2::Value((1.0 - residual / total).max(f64::MIN)) } else { R2::Constant }
}

/// R² of each parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetR2 {
    /// R² of `apply_color_correction` as 0 and 1.
    pub color: R2,
    /// R² of `sharpen_sigma`.
    pub sigma: R2,
    /// R² of `sharpen_strength`.
    pub strength: R2,
}

impl TargetR2 {
    /// Returns R² of the predictions for `rows`, before rounding and clamping.
    ///
    /// # Errors
    /// When a feature is not finite; rows of a [`Table`](crate::learning::Table) never are.
    pub fn of(regressors: &ParameterRegressors, rows: &[&TableRow]) -> Result<Self, PredictError> {
        let predict = |row: &&TableRow| regressors.predict(&row.features);
        let predictions: Vec<RawPrediction> = rows.iter().map(predict).collect::<Result<_, _>>()?;
        let explained = |truth: fn(&TableRow) -> f64, predicted: fn(&RawPrediction) -> f64| {
            let truth: Vec<f64> = rows.iter().map(|row| truth(row)).collect();
            let predicted: Vec<f64> = predictions.iter().map(predicted).collect();
            r2(&truth, &predicted)
        };
        Ok(Self {
            color: explained(TableRow::color_target, |predicted| predicted.color),
            sigma: explained(|row| row.sharpen_sigma, |predicted| predicted.sigma),
            strength: explained(|row| row.sharpen_strength, |predicted| predicted.strength),
        })
    }

    /// Returns the mean over the parameters that vary; `None` when none does.
    pub fn mean(&self) -> Option<f64> {
        let values: Vec<f64> =
            [self.color, self.sigma, self.strength].into_iter().filter_map(R2::value).collect();
        if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
    }
}

/// Returns a warning when a model was fitted on fewer than ten rows per feature.
pub fn few_rows_warning(n_fit: usize) -> Option<String> {
    let needed = 10 * N_FEATURES;
    (n_fit < needed).then(|| {
        format!(
            "fitted on {n_fit} pictures, fewer than ten for each of the {N_FEATURES} features ({needed}): \
             expect predictions to vary with the choice of pictures"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::synthetic;
    use crate::models::family::Family;

    #[test]
    fn agrees_with_scikit_learn() {
        // sklearn.metrics.r2_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]) = 0.9486081370449679
        let R2::Value(value) = r2(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0]) else { panic!() };
        assert!((value - 0.948_608_137_044_967_9).abs() < 1e-15);
        assert_eq!(r2(&[1.0, 2.0, 3.0], &[2.0; 3]), R2::Value(0.0));
        assert_eq!(r2(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), R2::Value(-3.0));
    }

    #[test]
    fn a_constant_truth_is_said_to_be_constant() {
        // The mean of three times 0.1 is not 0.1.
        assert_eq!(r2(&[0.1; 3], &[0.1; 3]), R2::Constant);
        assert_eq!(r2(&[0.1; 3], &[0.2; 3]), R2::Constant);
        assert_eq!(r2(&[1.0], &[5.0]), R2::Constant);
        assert_eq!(r2(&[], &[]), R2::Constant);
        assert_eq!(r2(&[0.0, f64::MIN_POSITIVE], &[1.0, 1.0]), R2::Constant);
        assert_eq!(r2(&[0.0, 1e-160], &[1.0, 1.0]), R2::Value(f64::MIN));
    }

    #[test]
    fn the_mean_leaves_constant_targets_out() {
        let of = |color, sigma, strength| TargetR2 { color, sigma, strength }.mean();
        assert_eq!(of(R2::Value(0.5), R2::Constant, R2::Value(-0.25)), Some(0.125));
        assert_eq!(of(R2::Constant, R2::Constant, R2::Constant), None);
    }

    #[test]
    fn learnable_targets_are_explained_on_unseen_rows() {
        let mut rows = synthetic::table(300, 3).rows().to_vec();
        rows.iter_mut().for_each(|row| row.sharpen_sigma = 1.0);
        let (fit, held_out): (Vec<&TableRow>, Vec<&TableRow>) =
            (rows[..200].iter().collect(), rows[200..].iter().collect());
        for family in Family::ALL {
            let regressors = ParameterRegressors::fit(&fit, family, &Default::default()).unwrap();
            let r2 = TargetR2::of(&regressors, &held_out).unwrap();
            assert!(r2.color.value().unwrap() > 0.8, "{family} {r2:?}");
            assert!(r2.strength.value().unwrap() > 0.5, "{family} {r2:?}");
            assert_eq!(r2.sigma, R2::Constant);
        }
    }

    #[test]
    fn few_rows_are_warned_of() {
        assert!(few_rows_warning(139).unwrap().contains("139 pictures"));
        assert_eq!(few_rows_warning(140), None);
    }
}
