//! The table that a search writes and a learner reads: one row per damaged picture.
//!
//! A [`Table`] holds only rows that a learner can use: names exist and are unique, and every number is allowed in its
//! column. `table_csv.rs` reads and writes tables as CSV.

use std::collections::HashMap;

use thiserror::Error;

pub use crate::features::{FEATURE_NAMES, FEATURE_SCHEMA, N_FEATURES};

/// One damaged picture: its features and its optimum.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// `NAME`, or `SET/NAME` in a dataset of sets. Unique in the table.
    pub filename: String,
    /// Score at the optimum; higher is better; may be +∞ for identical pictures.
    pub similarity_score: f64,
    /// PSNR at the optimum in dB; +∞ for identical pictures.
    pub psnr: f64,
    /// SSIM at the optimum.
    pub ssim: f64,
    /// The features of the damaged picture in the order of [`FEATURE_NAMES`]; all finite.
    pub features: [f64; N_FEATURES],
    /// The colour method of the optimum (`none` when colour is off).
    pub color_method: String,
    /// Whether the optimum corrects colour; `1` or `0` in the file.
    pub apply_color_correction: bool,
    /// Sigma of the optimum in pixels.
    pub sharpen_sigma: f64,
    /// Strength of the optimum; negative smooths.
    pub sharpen_strength: f64,
}

/// Rows with unique names, in the order given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    rows: Vec<TableRow>,
}

/// The bytes or rows are not a table. Lines count from 1, the header. An error about a row in memory names the line that
/// the row would have in a file.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TableError {
    /// The header is not that of a table.
    #[error("column {position} of the header must be {expected:?}, found {found:?}")]
    Header {
        /// Position from 1.
        position: usize,
        /// The name expected there.
        expected: &'static str,
        /// The name found, or `None` at the end of the header.
        found: Option<String>,
    },
    /// A line cannot be split into cells.
    #[error("line {line}: {reason}")]
    Line {
        /// Line from 1.
        line: u64,
        /// Description of the fault.
        reason: String,
    },
    /// A cell holds what its column does not allow.
    #[error("line {line}, column {column}: {found:?} is not {expected}")]
    Cell {
        /// Line from 1.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// The text or number found.
        found: String,
        /// Values that the column allows.
        expected: &'static str,
    },
    /// Two rows have the same name.
    #[error("line {line}: {filename:?} was already named in line {first_line}")]
    Duplicate {
        /// Line of the second row.
        line: u64,
        /// Line of the first row.
        first_line: u64,
        /// The name.
        filename: String,
    },
}

impl Table {
    /// Makes a table of `rows`.
    ///
    /// # Errors
    /// When a name is empty or repeated, a number is NaN, or a number other than score and PSNR is infinite.
    pub fn from_rows(rows: Vec<TableRow>) -> Result<Self, TableError> {
        Self::from_numbered((2..).zip(rows).collect())
    }

    /// Makes a table of rows with their lines in a file.
    pub(super) fn from_numbered(rows: Vec<(u64, TableRow)>) -> Result<Self, TableError> {
        let mut lines: HashMap<&str, u64> = HashMap::with_capacity(rows.len());
        for (line, row) in &rows {
            row.check(*line)?;
            if let Some(first_line) = lines.insert(&row.filename, *line) {
                return Err(TableError::Duplicate {
                    line: *line,
                    first_line,
                    filename: row.filename.clone(),
                });
            }
        }
        Ok(Self { rows: rows.into_iter().map(|(_, row)| row).collect() })
    }

    /// Joins tables: all rows, one table after the other.
    ///
    /// # Errors
    /// When two tables name the same picture.
    pub fn concat(tables: Vec<Table>) -> Result<Self, TableError> {
        Self::from_rows(tables.into_iter().flat_map(|table| table.rows).collect())
    }

    /// Returns the rows in their order.
    pub fn rows(&self) -> &[TableRow] {
        &self.rows
    }

    /// Returns the names of the rows, in their order.
    pub fn filenames(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.filename.clone()).collect()
    }

    /// Returns the rows at `indices`, for instance one side of a [`Split`](super::Split).
    ///
    /// # Panics
    /// When an index is not below the number of rows.
    pub fn select(&self, indices: &[usize]) -> Vec<&TableRow> {
        indices.iter().map(|&index| &self.rows[index]).collect()
    }
}

impl TableRow {
    /// Returns the colour correction of the optimum as a number to learn: 1 on, 0 off.
    pub(crate) fn color_target(&self) -> f64 {
        f64::from(u8::from(self.apply_color_correction))
    }

    /// Checks a row; `line` is for the error.
    fn check(&self, line: u64) -> Result<(), TableError> {
        let refuse = |column, found, expected| Err(TableError::Cell { line, column, found, expected });
        if self.filename.is_empty() {
            return refuse("filename", String::new(), "a name");
        }
        for (column, score) in [("similarity_score", self.similarity_score), ("psnr", self.psnr)] {
            if score.is_nan() || score == f64::NEG_INFINITY {
                return refuse(column, score.to_string(), "a number or inf");
            }
        }
        let features = FEATURE_NAMES.into_iter().zip(self.features);
        let targets = [("sharpen_sigma", self.sharpen_sigma), ("sharpen_strength", self.sharpen_strength)];
        for (column, number) in [("ssim", self.ssim)].into_iter().chain(features).chain(targets) {
            if !number.is_finite() {
                return refuse(column, number.to_string(), "a finite number");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::synthetic;

    #[test]
    fn concat_keeps_the_order_and_refuses_a_name_twice() {
        let rows = synthetic::table(5, 1).rows().to_vec();
        let (first, second) = (rows[..2].to_vec(), rows[2..].to_vec());
        let tables = vec![Table::from_rows(first.clone()).unwrap(), Table::from_rows(second).unwrap()];
        assert_eq!(Table::concat(tables).unwrap().rows(), rows);
        let table = Table::from_rows(first).unwrap();
        let error = Table::concat(vec![table.clone(), table]).unwrap_err();
        assert!(matches!(error, TableError::Duplicate { line: 4, first_line: 2, .. }), "{error}");
    }

    #[test]
    fn rows_with_unusable_numbers_are_refused() {
        let good = synthetic::table(1, 1).rows()[0].clone();
        let refused = |change: &dyn Fn(&mut TableRow)| {
            let mut row = good.clone();
            change(&mut row);
            match Table::from_rows(vec![row]) {
                Err(TableError::Cell { column, line: 2, .. }) => column,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(&|row| row.psnr = f64::NAN), "psnr");
        assert_eq!(refused(&|row| row.similarity_score = f64::NEG_INFINITY), "similarity_score");
        assert_eq!(refused(&|row| row.ssim = f64::INFINITY), "ssim");
        assert_eq!(refused(&|row| row.features[13] = f64::INFINITY), "sharpening_need");
        assert_eq!(refused(&|row| row.sharpen_sigma = f64::NAN), "sharpen_sigma");
        assert_eq!(refused(&|row| row.filename.clear()), "filename");
        let mut identical = good.clone();
        identical.psnr = f64::INFINITY;
        assert!(Table::from_rows(vec![identical]).is_ok());
    }
}
