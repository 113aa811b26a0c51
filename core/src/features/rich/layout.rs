//! Layout: where the picture is bright and coloured, on a grid of 3×3 cells.

use super::analysis::AnalysisPicture;
use crate::imaging::operators::area_resize::area_averages;

pub(super) const N: usize = 5;

pub(super) const NAMES: [&str; N] =
    ["grid_std_dev", "top_minus_bottom", "centre_minus_rest", "grid_red_green", "grid_blue_green"];

/// One value per cell, row by row.
type GridCells = [f64; 9];

/// Returns relations between the exact means of 3×3 cells. Cells are areas: neighbouring cells share the pixels on
/// their border. Where alpha hides the picture, cells have the colours that are seen around it.
///
/// - `grid_std_dev`: population standard deviation of the cells' brightness, the mean of the three channels; 0 to 127.
/// - `top_minus_bottom`: mean brightness of the top row of cells minus that of the bottom row; −255 to 255.
/// - `centre_minus_rest`: brightness of the centre cell minus the mean of the other eight; −255 to 255.
/// - `grid_red_green`, `grid_blue_green`: population standard deviations of the cells' red − green and blue − green.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let sides = (analysis.width, analysis.height);
    let [red, green, blue] = analysis.planes.each_ref().map(|plane| -> GridCells {
        let cells = area_averages::<f64, 1>(plane, sides, (3, 3), |sum, n| sum as f64 / n as f64);
        cells.try_into().expect("nine cells")
    });
    let cells: GridCells = std::array::from_fn(|i| (red[i] + green[i] + blue[i]) / 3.0);
    let rest = (cells.iter().sum::<f64>() - cells[4]) / 8.0;
    let difference = |a: &GridCells, b: &GridCells| std::array::from_fn(|i| a[i] - b[i]);
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

fn std_dev(cells: &GridCells) -> f64 {
    let mean = mean(cells);
    (cells.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 9.0).sqrt()
}
