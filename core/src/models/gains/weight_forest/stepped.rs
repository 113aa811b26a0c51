//! A table of numbers that are multiples of a step: a file holds them in 16 bits.
//!
//! Gains and coefficients are measured less exactly than any step used here. The numbers are rounded when a table is made and
//! not when it is written, so a model from a file predicts what the fitted model predicted.

use serde::{Deserialize, Serialize};

use super::rows::{NumberRows, NumberRowsError};

/// A table whose numbers are multiples of a step, each of magnitude at most 32767 steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SteppedForm", into = "SteppedForm")]
pub struct SteppedRows {
    rows: NumberRows,
    step: f32,
}

impl SteppedRows {
    /// Makes a table of `numbers`, given row after row. Each is rounded to the nearest multiple of `step`, and clamped to
    /// ±32767 steps.
    ///
    /// # Errors
    /// When the numbers do not fill rows of `n_columns`, or one is not finite.
    pub fn new(
        numbers: impl IntoIterator<Item = f64>,
        n_columns: usize,
        step: f32,
    ) -> Result<Self, NumberRowsError> {
        let rows = NumberRows::rounded(numbers, n_columns)?;
        let rounded = rows.iter().flatten().map(|&number| f32::from(steps(number, step)) * step).collect();
        Ok(Self { rows: NumberRows::new(rounded, n_columns)?, step })
    }

    /// Returns the numbers.
    pub fn rows(&self) -> &NumberRows {
        &self.rows
    }
}

/// Returns the nearest number of steps within ±32767.
fn steps(number: f32, step: f32) -> i16 {
    let most = f32::from(i16::MAX);
    // The clamp comes first, so that the cast loses nothing.
    (number / step).round_ties_even().clamp(-most, most) as i16
}

/// The serialised form.
#[derive(Clone, Serialize, Deserialize)]
struct SteppedForm {
    n_columns: u32,
    step: f32,
    steps: Vec<i16>,
}

impl From<SteppedRows> for SteppedForm {
    fn from(SteppedRows { rows, step }: SteppedRows) -> Self {
        let steps = rows.iter().flatten().map(|&number| steps(number, step)).collect();
        Self { n_columns: rows.n_columns() as u32, step, steps }
    }
}

impl TryFrom<SteppedForm> for SteppedRows {
    type Error = NumberRowsError;

    fn try_from(SteppedForm { n_columns, step, steps }: SteppedForm) -> Result<Self, NumberRowsError> {
        // A step that is not finite, or too large, makes numbers that `NumberRows` refuses.
        let numbers = steps.into_iter().map(|n| f32::from(n) * step).collect();
        Ok(Self { rows: NumberRows::new(numbers, n_columns as usize)?, step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_multiples_of_the_step_and_read_back_the_same() {
        let numbers = [0.0, 0.26, -0.24, 0.37, 1e6, -1e6];
        let table = SteppedRows::new(numbers, 2, 0.25).unwrap();
        let found: Vec<f32> = table.rows().iter().flatten().copied().collect();
        assert_eq!(found, [0.0, 0.25, -0.25, 0.25, 32767.0 * 0.25, -32767.0 * 0.25]);
        let bytes = postcard::to_stdvec(&table).unwrap();
        assert_eq!(postcard::from_bytes::<SteppedRows>(&bytes).unwrap(), table);
        // One byte for each small number, three for the large ones, and a few for the shape and the step.
        assert!(bytes.len() < 20, "{}", bytes.len());
    }

    #[test]
    fn steps_that_are_no_numbers_are_refused() {
        let forged = SteppedForm { n_columns: 1, step: f32::NAN, steps: vec![1] };
        assert!(postcard::from_bytes::<SteppedRows>(&postcard::to_stdvec(&forged).unwrap()).is_err());
        assert!(SteppedRows::new([f64::INFINITY], 1, 0.5).is_err());
    }
}
