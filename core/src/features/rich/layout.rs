//! Where it is bright and coloured: a grid of 3×3 cells.

use super::analysis::Analysis;
use crate::imaging::operators::area_resize::area_averages;

pub(super) const N: usize = 5;

pub(super) const NAMES: [&str; N] =
    ["grid_std_dev", "top_minus_bottom", "centre_minus_rest", "grid_red_green", "grid_blue_green"];

type Cells = [f64; 9];

/// Of the exact means of 3×3 cells, three channels averaged: population standard deviation, top row less bottom row,
/// centre less the other eight; then the standard deviations of red − green and blue − green.
pub(super) fn measure(analysis: &Analysis) -> [f64; N] {
    let sides = (analysis.width, analysis.height);
    let [red, green, blue] = analysis.planes.each_ref().map(|plane| -> Cells {
        let cells = area_averages::<f64, 1>(plane, sides, (3, 3), |sum, n| sum as f64 / n as f64);
        cells.try_into().expect("nine cells")
    });
    let cells: Cells = std::array::from_fn(|i| (red[i] + green[i] + blue[i]) / 3.0);
    let rest = (cells.iter().sum::<f64>() - cells[4]) / 8.0;
    let difference = |a: &Cells, b: &Cells| std::array::from_fn(|i| a[i] - b[i]);
    [
        std_dev(&cells),
        mean(&cells[..3]) - mean(&cells[6..]),
        cells[4] - rest,
        std_dev(&difference(&red, &green)),
        std_dev(&difference(&blue, &green)),
    ]
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn std_dev(cells: &Cells) -> f64 {
    let mean = mean(cells);
    (cells.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 9.0).sqrt()
}
