//! Sums up the optima of a table: which parameters vary, which never do, and how many optima lie on the edge of the space.

use serde::Serialize;

use crate::{
    learning::{Table, TableRow, describe, describe::ChoiceCounts},
    search::{SearchSpace, is_on_edge},
};

/// A summary of the optima of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptimaSummary {
    /// Number of rows of the table.
    pub n_rows: usize,
    /// Number of rows whose picture is no pair of the dataset.
    pub n_strangers: usize,
    /// Counts of the best values, per parameter.
    pub choices: Vec<ChoiceCounts>,
    /// Parameters that have one value in all rows, so there is nothing to learn.
    pub constant: Vec<&'static str>,
    /// Share of the rows whose optimum lies on the edge of the space, 0–1. A large share calls for a wider space.
    pub on_edge: f64,
    /// Number of rows whose optimum is no candidate of the space. Such rows do not count as on the edge.
    pub n_outside: usize,
}

/// Sums up a table whose optima were searched in `space`. `is_pair` returns whether the dataset has a pair of this name.
pub fn optima(table: &Table, space: &SearchSpace, is_pair: impl Fn(&str) -> bool) -> OptimaSummary {
    let description = describe(table);
    let n_rows = description.n_rows;
    let constant = description.choices.iter().filter(|choice| n_rows > 1 && choice.counts.len() == 1);
    let constant = constant.map(|choice| choice.name).collect();
    let candidate = |row: &TableRow| {
        space.candidates().iter().position(|candidate| {
            let p = &candidate.parameters;
            p.color_method().name() == row.color_method
                && p.strength() == row.sharpen_strength
                && (p.strength() == 0.0 || p.sigma() == row.sharpen_sigma)
        })
    };
    let found: Vec<Option<usize>> = table.rows().iter().map(candidate).collect();
    let n_edge = found.iter().flatten().filter(|&&at| is_on_edge(space, at)).count();
    OptimaSummary {
        n_rows,
        n_strangers: table.rows().iter().filter(|row| !is_pair(&row.filename)).count(),
        choices: description.choices,
        constant,
        on_edge: n_edge as f64 / n_rows.max(1) as f64,
        n_outside: found.iter().filter(|at| at.is_none()).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, sigma: f64, strength: f64) -> TableRow {
        TableRow {
            filename: name.to_owned(),
            similarity_score: 0.5,
            psnr: 20.0,
            ssim: 0.6,
            features: [0.0; 14],
            color_method: "none".to_owned(),
            apply_color_correction: false,
            sharpen_sigma: sigma,
            sharpen_strength: strength,
        }
    }

    #[test]
    fn edges_constants_and_strangers_are_counted() {
        let rows = vec![row("a", 0.5, 0.5), row("b", 1.0, 1.0), row("c", 1.5, 2.0), row("x", 7.0, 1.0)];
        let found = optima(&Table::from_rows(rows).unwrap(), &SearchSpace::seed(), |name| name != "x");
        assert_eq!((found.n_rows, found.n_strangers, found.n_outside), (4, 1, 1));
        assert_eq!(found.on_edge, 0.25);
        assert_eq!(found.constant, ["apply_color_correction", "color_method"]);
        assert_eq!(optima(&Table::default(), &SearchSpace::seed(), |_| true).constant, [""; 0]);
    }
}
