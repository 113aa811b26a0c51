//! The range of each feature in the training. It shows which vectors lie outside the training.
//!
//! A tree puts a vector outside the training into a leaf at the edge without any sign. So ranges are checked
//! separately.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rows::NumberRows;

/// The range of one feature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureRange {
    /// Least number of the training.
    pub min: f32,
    /// Quantile at the tail share.
    pub low: f32,
    /// Quantile at 1 minus the tail share.
    pub high: f32,
    /// Largest number of the training.
    pub max: f32,
}

/// The ranges of all features, in their order; at least one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<FeatureRange>", into = "Vec<FeatureRange>")]
pub struct FeatureRanges {
    ranges: Vec<FeatureRange>,
}

/// Ranges cannot be made or compared.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum RangesError {
    /// There are no rows, or no features.
    #[error("ranges need at least one row of one feature")]
    Empty,
    /// The tail is not from 0 to a half.
    #[error("the tail share must be 0–0.5, not {tail}")]
    Tail {
        /// The share given.
        tail: f64,
    },
    /// The four numbers of a range are not finite and ascending.
    #[error("the range of feature {feature} is not four finite numbers in ascending order")]
    Order {
        /// Index of the feature.
        feature: usize,
    },
    /// A vector has another number of features.
    #[error("{found} features do not match the ranges of {n_features}")]
    Length {
        /// Length of the vector.
        found: usize,
        /// Number of ranges.
        n_features: usize,
    },
}

/// Position of a vector relative to the ranges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeCheck {
    /// Features below `min`, above `max`, or NaN.
    pub n_outside: usize,
    /// Features below `low`, above `high`, or NaN; includes those outside.
    pub n_in_tails: usize,
    /// Largest distance beyond `min` or `max` in units of `max − min`; 0 when no feature is outside. Infinite when a
    /// feature that was constant in the training has another number, or a feature is not finite.
    pub excess_max: f64,
    /// Index of the feature with the largest distance, the first among equals; `None` when no feature is outside.
    pub farthest: Option<usize>,
}

impl FeatureRanges {
    /// Takes the ranges of `features`, shape `(n_rows, n_features)`. `low` is the least number that at least the share
    /// `tail` of the rows does not exceed, `high` the same for the share `1 − tail`.
    ///
    /// # Errors
    /// Without rows, or with a tail outside 0–0.5.
    pub fn of(features: &NumberRows, tail: f64) -> Result<Self, RangesError> {
        if !(0.0..=0.5).contains(&tail) {
            return Err(RangesError::Tail { tail });
        }
        let n_rows = features.n_rows();
        if n_rows == 0 {
            return Err(RangesError::Empty);
        }
        // `high` is counted from the upper end by the same product: rounding `(1 − tail)·n` could be one row off.
        let tail_rows = tail * n_rows as f64;
        // A tail of 0 rows begins at the first row, so the index must not fall below 0.
        let low_at = (tail_rows.ceil() as usize).saturating_sub(1);
        let high_at = n_rows - 1 - (tail_rows as usize).min(n_rows - 1);
        let range = |column: usize| {
            let mut numbers: Vec<f32> = features.iter().map(|row| row[column]).collect();
            numbers.sort_by(f32::total_cmp);
            let (low, high) = (numbers[low_at], numbers[high_at.max(low_at)]);
            FeatureRange { min: numbers[0], low, high, max: numbers[n_rows - 1] }
        };
        Ok(Self { ranges: (0..features.n_columns()).map(range).collect() })
    }

    /// Returns the range of each feature.
    pub fn ranges(&self) -> &[FeatureRange] {
        &self.ranges
    }

    /// Compares a vector with the ranges.
    ///
    /// # Errors
    /// When the vector has another number of features.
    pub fn check(&self, features: &[f32]) -> Result<RangeCheck, RangesError> {
        if features.len() != self.ranges.len() {
            return Err(RangesError::Length { found: features.len(), n_features: self.ranges.len() });
        }
        let mut check = RangeCheck { n_outside: 0, n_in_tails: 0, excess_max: 0.0, farthest: None };
        for (feature, (&number, range)) in features.iter().zip(&self.ranges).enumerate() {
            // No range contains NaN, so NaN counts as outside without a test of its own.
            check.n_in_tails += usize::from(!(range.low..=range.high).contains(&number));
            if (range.min..=range.max).contains(&number) {
                continue;
            }
            check.n_outside += 1;
            let excess = excess(number, range);
            if check.farthest.is_none() || excess > check.excess_max {
                check.excess_max = excess;
                check.farthest = Some(feature);
            }
        }
        Ok(check)
    }
}

/// Returns the distance of a number from its range in units of the range.
fn excess(number: f32, range: &FeatureRange) -> f64 {
    let (number, min, max) = (f64::from(number), f64::from(range.min), f64::from(range.max));
    // A constant feature has no width to divide by. Any other number is then infinitely far.
    if number.is_nan() || min == max {
        return f64::INFINITY;
    }
    // Only one of the differences is positive: the one on the side where the number lies.
    (min - number).max(number - max) / (max - min)
}

impl TryFrom<Vec<FeatureRange>> for FeatureRanges {
    type Error = RangesError;

    fn try_from(ranges: Vec<FeatureRange>) -> Result<Self, RangesError> {
        let sound = |range: &FeatureRange| {
            let numbers = [range.min, range.low, range.high, range.max];
            // With an infinite end, every distance in units of the range would be 0.
            numbers.iter().all(|number| number.is_finite()) && numbers.is_sorted()
        };
        match ranges.iter().position(|range| !sound(range)) {
            Some(feature) => Err(RangesError::Order { feature }),
            None if ranges.is_empty() => Err(RangesError::Empty),
            None => Ok(Self { ranges }),
        }
    }
}

impl From<FeatureRanges> for Vec<FeatureRange> {
    fn from(ranges: FeatureRanges) -> Self {
        ranges.ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the ranges of two features: 1 to 10 in mixed order, and a feature that never varies.
    fn ranges(tail: f64) -> FeatureRanges {
        let numbers = (0..10_u8).flat_map(|row| [f32::from(row * 7 % 10 + 1), 5.0]).collect();
        FeatureRanges::of(&NumberRows::new(numbers, 2).unwrap(), tail).unwrap()
    }

    #[test]
    fn quantiles_are_counted_from_both_ends() {
        let range = |tail| {
            let FeatureRange { min, low, high, max } = ranges(tail).ranges()[0];
            [min, low, high, max]
        };
        assert_eq!(range(0.0), [1.0, 1.0, 10.0, 10.0]);
        assert_eq!(range(0.1), [1.0, 1.0, 9.0, 10.0]);
        assert_eq!(range(0.15), [1.0, 2.0, 9.0, 10.0]);
        assert_eq!(range(0.5), [1.0, 5.0, 5.0, 10.0]);
    }

    #[test]
    fn what_lies_outside_is_counted_and_measured() {
        let ranges = ranges(0.2);
        let check = |first, second| {
            let RangeCheck { n_outside, n_in_tails, excess_max, farthest } =
                ranges.check(&[first, second]).unwrap();
            (n_outside, n_in_tails, excess_max, farthest)
        };
        assert_eq!(check(5.0, 5.0), (0, 0, 0.0, None));
        assert_eq!(check(10.0, 5.0), (0, 1, 0.0, None));
        assert_eq!(check(19.0, 5.0), (1, 1, 1.0, Some(0)));
        assert_eq!(check(-3.5, 5.0), (1, 1, 0.5, Some(0)));
        assert_eq!(check(19.0, 5.5), (2, 2, f64::INFINITY, Some(1)));
        assert_eq!(check(f32::NAN, 5.0), (1, 1, f64::INFINITY, Some(0)));
        assert_eq!(ranges.check(&[1.0]), Err(RangesError::Length { found: 1, n_features: 2 }));
    }

    #[test]
    fn ranges_read_back_and_forged_ones_are_refused() {
        let ranges = ranges(0.1);
        let bytes = postcard::to_stdvec(&ranges).unwrap();
        assert_eq!(postcard::from_bytes::<FeatureRanges>(&bytes).unwrap(), ranges);
        let forged = |change: &dyn Fn(&mut Vec<FeatureRange>)| {
            let mut forged = ranges.ranges().to_vec();
            change(&mut forged);
            let bytes = postcard::to_stdvec(&forged).unwrap();
            assert!(postcard::from_bytes::<FeatureRanges>(&bytes).is_err(), "serde must check as well");
            FeatureRanges::try_from(forged).unwrap_err()
        };
        assert_eq!(forged(&|ranges| ranges[1].low = 6.0), RangesError::Order { feature: 1 });
        assert_eq!(forged(&|ranges| ranges[0].max = f32::INFINITY), RangesError::Order { feature: 0 });
        assert_eq!(forged(&Vec::clear), RangesError::Empty);
    }

    #[test]
    fn ranges_of_nothing_are_refused() {
        let rows = NumberRows::new(vec![1.0], 1).unwrap();
        assert_eq!(FeatureRanges::of(&NumberRows::new(vec![], 1).unwrap(), 0.1), Err(RangesError::Empty));
        assert_eq!(FeatureRanges::of(&rows, 0.6), Err(RangesError::Tail { tail: 0.6 }));
        assert!(FeatureRanges::of(&rows, 0.5).is_ok());
    }
}
