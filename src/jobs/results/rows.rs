//! Rows as typed cells, for formats with types: JSON lines and Parquet.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use anyhow::Result;

use super::view::ResultView;
use crate::batch::find_optima::{MORE_COLUMNS, combination_columns, combinations};
use pentimento_core::{
    evaluation::PairOptimum,
    features::{FEATURE_NAMES, N_FEATURES},
    search::SearchSpace,
};

/// Returns the next results of a job by the names of their pairs, or an empty list after the last one.
pub(super) type NextChunk<'a> = &'a mut dyn FnMut() -> Result<Vec<(String, PairOptimum)>>;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Number(f64),
    Flag(bool),
}

/// Returns the names of the columns. They are those of the CSV.
pub(super) fn columns(view: ResultView, space: &SearchSpace) -> Vec<&'static str> {
    if view == ResultView::Combinations {
        return combination_columns(space);
    }
    let mut columns = vec!["filename", "similarity_score", "psnr", "ssim"];
    columns.extend(FEATURE_NAMES);
    columns.extend(["color_method", "apply_color_correction", "sharpen_sigma", "sharpen_strength"]);
    if space.name() != "seed" {
        columns.extend(MORE_COLUMNS);
    }
    columns
}

/// Returns a sample value of each column. Its variant is the type of the column.
pub(super) fn kinds(view: ResultView, space: &SearchSpace) -> Vec<Cell> {
    let found = PairOptimum {
        features: [0.0; N_FEATURES],
        untouched: pentimento_core::metrics::Quality { psnr: 0.0, ssim: 0.0 },
        candidates: vec![
            pentimento_core::metrics::Quality { psnr: 0.0, ssim: 0.0 };
            space.candidates().len()
        ],
        best: 0,
    };
    rows(&[(String::new(), found)], space, view).swap_remove(0)
}

/// Returns the rows of some pairs: one per pair, or one per candidate of each pair.
pub(super) fn rows(found: &[(String, PairOptimum)], space: &SearchSpace, view: ResultView) -> Vec<Vec<Cell>> {
    match view {
        ResultView::Combinations => {
            found.iter().flat_map(|(name, found)| combination_rows(name, found, space)).collect()
        }
        _ => found.iter().map(|(name, found)| table_cells(name, found, space)).collect(),
    }
}

fn table_cells(name: &str, found: &PairOptimum, space: &SearchSpace) -> Vec<Cell> {
    let row = found.table_row(name, space);
    let mut cells = vec![Cell::Text(row.filename)];
    cells.extend([row.similarity_score, row.psnr, row.ssim].map(Cell::Number));
    cells.extend(row.features.map(Cell::Number));
    cells.extend([Cell::Text(row.color_method), Cell::Flag(row.apply_color_correction)]);
    cells.extend([row.sharpen_sigma, row.sharpen_strength].map(Cell::Number));
    if space.name() != "seed" {
        let (best, before) = (found.candidates[found.best], found.untouched);
        cells.push(Cell::Text(space.candidates()[found.best].name.clone()));
        cells.extend(
            [before.psnr, before.ssim, best.capped_score() - before.capped_score()].map(Cell::Number),
        );
    }
    cells
}

fn combination_rows<'a>(
    name: &'a str,
    found: &'a PairOptimum,
    space: &'a SearchSpace,
) -> impl Iterator<Item = Vec<Cell>> {
    combinations(found, space).map(move |(candidate, parameters, quality)| {
        let method = parameters.color_method();
        let mut cells = vec![Cell::Text(name.to_owned()), Cell::Text(candidate.to_owned())];
        cells.extend([Cell::Text(method.to_string()), Cell::Flag(method.is_on())]);
        let numbers =
            [parameters.sigma(), parameters.strength(), quality.psnr, quality.ssim, quality.score()];
        cells.extend(numbers.map(Cell::Number));
        if space.blends_or_denoises() {
            cells.extend([parameters.color_blend(), parameters.denoise()].map(Cell::Number));
        }
        cells
    })
}

/// A row as a JSON object. JSON has no infinity: an infinite PSNR becomes `null`, and the member `identical` says that
/// the pictures are the same.
pub(super) struct JsonRow<'a> {
    pub(super) columns: &'a [&'static str],
    pub(super) cells: &'a [Cell],
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut identical = false;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            match cell {
                Cell::Text(text) => map.serialize_entry(column, text)?,
                Cell::Flag(flag) => map.serialize_entry(column, flag)?,
                Cell::Number(number) => {
                    identical |= number.is_infinite();
                    map.serialize_entry(column, &Some(*number).filter(|n| n.is_finite()))?;
                }
            }
        }
        if identical {
            map.serialize_entry("identical", &true)?;
        }
        map.end()
    }
}
