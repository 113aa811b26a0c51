//! Summarises a table: the figures of pandas' `describe`, and counts of the parameters of the optima.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::table::{FEATURE_NAMES, Table, TableRow};

/// Summary of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Number of rows.
    pub n_rows: usize,
    /// Every numeric column in the order of the table.
    pub columns: Vec<ColumnSummary>,
    /// Counts of the values in each of the four parameter columns.
    pub choices: Vec<ChoiceCounts>,
}

/// Figures of the finite values of one column; `None` where there are too few.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Name of the column.
    pub name: &'static str,
    /// Number of values, infinite ones included.
    pub count: usize,
    /// Names of the pictures whose value is infinite.
    pub infinite: Vec<String>,
    /// Mean.
    pub mean: Option<f64>,
    /// Sample standard deviation (divisor n − 1).
    pub std: Option<f64>,
    /// Least value.
    pub min: Option<f64>,
    /// First quartile, interpolated linearly.
    pub p25: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// Third quartile.
    pub p75: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
}

/// Counts of the values of one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChoiceCounts {
    /// Name of the column.
    pub name: &'static str,
    /// Values with their counts, by falling count, then by value.
    pub counts: Vec<(String, usize)>,
}

/// Summarises `table`.
pub fn describe(table: &Table) -> Description {
    let rows = table.rows();
    let summary = |name, values: &dyn Fn(&TableRow) -> f64| summarise(name, rows, values);
    let mut columns = vec![
        summary("similarity_score", &|row| row.similarity_score),
        summary("psnr", &|row| row.psnr),
        summary("ssim", &|row| row.ssim),
    ];
    columns.extend(FEATURE_NAMES.iter().enumerate().map(|(at, name)| summary(name, &|row| row.features[at])));
    columns.push(summary("apply_color_correction", &TableRow::color_target));
    columns.push(summary("sharpen_sigma", &|row| row.sharpen_sigma));
    columns.push(summary("sharpen_strength", &|row| row.sharpen_strength));
    let methods = rows.iter().map(|row| row.color_method.clone());
    let choices = vec![
        number_counts("apply_color_correction", rows.iter().map(TableRow::color_target)),
        ChoiceCounts { name: "color_method", counts: by_falling_count(count(methods)) },
        number_counts("sharpen_sigma", rows.iter().map(|row| row.sharpen_sigma)),
        number_counts("sharpen_strength", rows.iter().map(|row| row.sharpen_strength)),
    ];
    Description { n_rows: rows.len(), columns, choices }
}

fn summarise(name: &'static str, rows: &[TableRow], value: &dyn Fn(&TableRow) -> f64) -> ColumnSummary {
    let infinite =
        rows.iter().filter(|row| !value(row).is_finite()).map(|row| row.filename.clone()).collect();
    let mut finite: Vec<f64> = rows.iter().map(value).filter(|value| value.is_finite()).collect();
    finite.sort_unstable_by(f64::total_cmp);
    let n = finite.len() as f64;
    let mean = (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / n);
    let squares = |mean: f64| finite.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    ColumnSummary {
        name,
        count: rows.len(),
        infinite,
        mean,
        std: mean.filter(|_| finite.len() > 1).map(|mean| (squares(mean) / (n - 1.0)).sqrt()),
        min: finite.first().copied(),
        p25: quantile(&finite, 0.25),
        p50: quantile(&finite, 0.5),
        p75: quantile(&finite, 0.75),
        max: finite.last().copied(),
    }
}

/// Returns a quantile of sorted values, interpolated linearly (type 7 of Hyndman and Fan, as in pandas and NumPy).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = share * (sorted.len().checked_sub(1)? as f64);
    let below = position.floor();
    let (low, high) = (sorted[below as usize], sorted[position.ceil() as usize]);
    Some(low + (high - low) * (position - below))
}

fn count<T: Ord>(values: impl Iterator<Item = T>) -> Vec<(T, usize)> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// Sorts by falling count. The sort is stable, so values with equal counts keep their order.
fn by_falling_count<T>(mut counts: Vec<(T, usize)>) -> Vec<(T, usize)> {
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts
}

fn number_counts(name: &'static str, values: impl Iterator<Item = f64>) -> ChoiceCounts {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // Adding zero turns -0 into 0, which equals it.
    let counts =
        sorted.chunk_by(|a, b| a == b).map(|equal| ((equal[0] + 0.0).to_string(), equal.len())).collect();
    ChoiceCounts { name, counts: by_falling_count(counts) }
}

impl fmt::Display for Description {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        writeln!(out, "{} rows\n", self.n_rows)?;
        let heads = ["count", "mean", "std", "min", "25%", "50%", "75%", "max"];
        write!(out, "{:<22}", "column")?;
        heads.iter().try_for_each(|head| write!(out, " {head:>12}"))?;
        writeln!(out)?;
        for column in &self.columns {
            write!(out, "{:<22} {:>12}", column.name, column.count)?;
            for figure in
                [column.mean, column.std, column.min, column.p25, column.p50, column.p75, column.max]
            {
                write!(out, " {:>12}", figure.map_or_else(|| "-".to_owned(), short))?;
            }
            writeln!(out)?;
        }
        for column in self.columns.iter().filter(|column| !column.infinite.is_empty()) {
            let (name, n) = (column.name, column.infinite.len());
            let named = column.infinite.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if n > 5 { ", …" } else { "" };
            writeln!(out, "\n{name}: {n} infinite, left out of the figures: {named}{more}")?;
        }
        for choice in &self.choices {
            writeln!(out, "\n{}", choice.name)?;
            choice.counts.iter().try_for_each(|(value, count)| writeln!(out, "  {value:<20} {count:>6}"))?;
        }
        Ok(())
    }
}

/// Writes about six significant digits in at most twelve characters.
fn short(figure: f64) -> String {
    let magnitude = figure.abs();
    if figure == 0.0 || (1e-3..1e7).contains(&magnitude) {
        format!("{figure:.4}")
    } else {
        format!("{figure:.4e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::synthetic;

    /// Seven rows with the given scores; sigma, strength and colour vary as the tests below expect.
    fn table() -> Table {
        let scores = [31.5, f64::INFINITY, 28.25, 40.0, 19.125, f64::INFINITY, 33.0];
        let means = [0.1, 2.5, -3.75, 1e6, 4.0, 4.0, 7.125];
        let mut rows = synthetic::table(7, 1).rows().to_vec();
        for (at, row) in rows.iter_mut().enumerate() {
            (row.psnr, row.features[0]) = (scores[at], means[at]);
            row.apply_color_correction = at % 3 == 0;
            row.color_method = if at % 3 == 0 { "white_balance" } else { "none" }.to_owned();
            row.sharpen_sigma = [10.0, 2.0, 10.0, 2.0, 0.5, -0.0, 0.0][at];
            row.sharpen_strength = 1.0;
        }
        Table::from_rows(rows).unwrap()
    }

    fn column(description: &Description, name: &str) -> ColumnSummary {
        description.columns.iter().find(|column| column.name == name).unwrap().clone()
    }

    fn assert_figures(column: &ColumnSummary, expected: [f64; 7]) {
        let figures = [column.mean, column.std, column.min, column.p25, column.p50, column.p75, column.max];
        for (got, expected) in figures.into_iter().zip(expected) {
            let got = got.unwrap();
            assert!(
                (got - expected).abs() <= 1e-14 * expected.abs(),
                "{}: {got} for {expected}",
                column.name
            );
        }
    }

    #[test]
    fn figures_are_those_of_pandas() {
        let description = describe(&table());
        let mean = column(&description, "mean");
        assert_eq!((mean.count, mean.infinite.len()), (7, 0));
        assert_figures(&mean, [142859.13928571428, 377963.5926825277, -3.75, 1.3, 4.0, 5.5625, 1000000.0]);
        // pandas on the five finite values.
        let psnr = column(&description, "psnr");
        assert_eq!(psnr.count, 7);
        assert_eq!(psnr.infinite, ["picture0001.png", "picture0005.png"]);
        assert_figures(&psnr, [30.375, 7.613721166420531, 19.125, 28.25, 31.5, 33.0, 40.0]);
        assert_figures(
            &column(&description, "apply_color_correction"),
            [0.42857142857142855, 0.5345224838248487, 0.0, 0.0, 0.0, 1.0, 1.0],
        );
    }

    #[test]
    fn counts_fall_and_ties_stand_by_value() {
        let description = describe(&table());
        let counts = |at: usize| -> Vec<(&str, usize)> {
            description.choices[at].counts.iter().map(|(value, count)| (value.as_str(), *count)).collect()
        };
        assert_eq!(counts(0), [("0", 4), ("1", 3)]);
        assert_eq!(counts(1), [("none", 4), ("white_balance", 3)]);
        // Minus zero is zero, and 10 comes after 2 as a number.
        assert_eq!(counts(2), [("0", 2), ("2", 2), ("10", 2), ("0.5", 1)]);
        assert_eq!(counts(3), [("1", 7)]);
    }

    #[test]
    fn an_empty_table_and_a_single_row_have_no_deviation() {
        let empty = describe(&Table::default());
        assert!(empty.columns.iter().all(|column| column.mean.is_none() && column.p50.is_none()));
        assert_eq!(empty.columns.len(), 20);
        let one = describe(&Table::from_rows(synthetic::table(1, 1).rows().to_vec()).unwrap());
        assert!(one.columns.iter().all(|column| column.std.is_none() && column.p25 == column.max));
        assert!(empty.to_string().starts_with("0 rows\n"));
    }

    #[test]
    fn the_text_is_aligned_and_names_what_is_infinite() {
        let text = describe(&table()).to_string();
        let widths: Vec<usize> = text.lines().skip(2).take(21).map(|line| line.chars().count()).collect();
        assert_eq!(widths, [22 + 8 * 13; 21], "{text}");
        let named = "psnr: 2 infinite, left out of the figures: picture0001.png, picture0005.png";
        assert!(text.lines().any(|line| line == named), "{text}");
    }
}
