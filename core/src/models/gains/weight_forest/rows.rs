//! A table of numbers: the features of a fit, or the targets that a fitted forest averages.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Finite numbers, shape `(n_rows, n_columns)`, row after row, at least one column. Numbers are `f32`, so
/// tables take half the space of `f64`. The relative rounding error of 6·10⁻⁸ is far below the error of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(u32, Vec<f32>)", into = "(u32, Vec<f32>)")]
pub struct NumberRows {
    n_columns: u32,
    numbers: Vec<f32>,
}

/// The numbers are not a table.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum NumberRowsError {
    /// The numbers do not fill whole rows, or rows have no or more than 2³² − 1 columns.
    #[error("{n_numbers} numbers are not rows of {n_columns} columns")]
    Shape {
        /// Count of the numbers given.
        n_numbers: usize,
        /// Columns asked for.
        n_columns: usize,
    },
    /// A number is NaN, or infinite, or rounds to an infinite `f32`.
    #[error("column {column} of row {row} is {found}: a finite number within ±3.4e38 is needed")]
    Number {
        /// Index of the row.
        row: usize,
        /// Index of the column.
        column: usize,
        /// The number found, as `f32`.
        found: f32,
    },
}

impl NumberRows {
    /// Makes a table of `numbers`, given row after row.
    ///
    /// # Errors
    /// When the numbers do not fill rows of `n_columns`, or one is not finite.
    pub fn new(numbers: Vec<f32>, n_columns: usize) -> Result<Self, NumberRowsError> {
        let shape = NumberRowsError::Shape { n_numbers: numbers.len(), n_columns };
        // Other methods divide by the number of columns, so 0 is refused here.
        if n_columns == 0 || !numbers.len().is_multiple_of(n_columns) {
            return Err(shape);
        }
        if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
            let (row, column) = (at / n_columns, at % n_columns);
            return Err(NumberRowsError::Number { row, column, found: numbers[at] });
        }
        let n_columns = u32::try_from(n_columns).map_err(|_| shape)?;
        Ok(Self { n_columns, numbers })
    }

    /// Makes a table of `f64` numbers, each rounded to the nearest `f32`.
    ///
    /// # Errors
    /// Same as [`NumberRows::new`].
    pub fn rounded(
        numbers: impl IntoIterator<Item = f64>,
        n_columns: usize,
    ) -> Result<Self, NumberRowsError> {
        // A number beyond the range of f32 rounds to infinity, which `new` refuses.
        Self::new(numbers.into_iter().map(|number| number as f32).collect(), n_columns)
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.numbers.len() / self.n_columns()
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns as usize
    }

    /// Returns one row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.n_columns()..][..self.n_columns()]
    }

    /// Returns one number.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn number(&self, row: usize, column: usize) -> f32 {
        self.row(row)[column]
    }

    /// Iterates over all rows, first to last.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.numbers.chunks_exact(self.n_columns())
    }

    /// Returns a table of the rows with the given indices, in the order of the indices.
    ///
    /// # Panics
    /// When an index is not below the number of rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let numbers = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        Self { n_columns: self.n_columns, numbers }
    }
}

impl TryFrom<(u32, Vec<f32>)> for NumberRows {
    type Error = NumberRowsError;

    fn try_from((n_columns, numbers): (u32, Vec<f32>)) -> Result<Self, NumberRowsError> {
        // A file is no safer than other input, so reading runs the same checks.
        Self::new(numbers, n_columns as usize)
    }
}

impl From<NumberRows> for (u32, Vec<f32>) {
    fn from(rows: NumberRows) -> Self {
        (rows.n_columns, rows.numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_rows_of_finite_numbers_are_a_table() {
        let rows = NumberRows::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3).unwrap();
        assert_eq!((rows.n_rows(), rows.n_columns()), (2, 3));
        assert_eq!((rows.row(1), rows.number(0, 2)), (&[4.0, 5.0, 6.0][..], 3.0));
        assert_eq!(rows.select(&[1, 0, 1]).iter().map(|row| row[0]).collect::<Vec<_>>(), [4.0, 1.0, 4.0]);
        for (n_numbers, n_columns) in [(5, 3), (3, 0), (0, 0)] {
            let refused = NumberRows::new(vec![0.0; n_numbers], n_columns).unwrap_err();
            assert_eq!(refused, NumberRowsError::Shape { n_numbers, n_columns });
        }
        let refused = NumberRows::rounded([0.0, 0.0, 0.0, 1e39], 2).unwrap_err();
        assert_eq!(refused, NumberRowsError::Number { row: 1, column: 1, found: f32::INFINITY });
        assert!(matches!(
            NumberRows::new(vec![f32::NAN], 1),
            Err(NumberRowsError::Number { row: 0, column: 0, .. })
        ));
    }

    #[test]
    fn rows_read_back_and_forged_ones_are_refused() {
        let rows = NumberRows::new(vec![1.5, -2.0], 2).unwrap();
        let bytes = postcard::to_stdvec(&rows).unwrap();
        assert_eq!(postcard::from_bytes::<NumberRows>(&bytes).unwrap(), rows);
        for forged in [(0_u32, vec![1.0_f32]), (2, vec![1.0]), (1, vec![f32::INFINITY])] {
            assert!(postcard::from_bytes::<NumberRows>(&postcard::to_stdvec(&forged).unwrap()).is_err());
        }
    }
}
