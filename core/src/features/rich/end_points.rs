//! End points: the darkest and the brightest colours of a picture, which its levels are set by.

use super::analysis::AnalysisPicture;
use crate::imaging::operators::area_resize::area_averages;

pub(super) const N: usize = 8;

pub(super) const NAMES: [&str; N] =
    ["red_low", "red_high", "green_low", "green_high", "blue_low", "blue_high", "all_low", "all_high"];

/// Cells per side. Averages over cells keep single pixels, dust and grain from deciding.
const SIDE: usize = 64;
/// Rank of the end points among the 4096 cells of a channel, from 0: a thousandth lies beyond.
const RANK: usize = 4;
/// Rank of the end points among the 12288 cells of all channels together.
const RANK_OF_ALL: usize = 12;

/// Returns the end points of red, green and blue, then those of all channels together, 0 to 255. They are the fifth smallest
/// and the fifth largest mean of 64×64 cells; of all channels together, the thirteenth.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let sides = (analysis.width, analysis.height);
    let mut values = [0.0; N];
    let mut all = Vec::with_capacity(3 * SIDE * SIDE);
    for (plane, ends) in analysis.planes.iter().zip(values.chunks_exact_mut(2)) {
        let mut cells = area_averages::<f64, 1>(plane, sides, (SIDE, SIDE), |sum, n| sum as f64 / n as f64);
        all.extend_from_slice(&cells);
        ends.copy_from_slice(&end_points(&mut cells, RANK));
    }
    values[N - 2..].copy_from_slice(&end_points(&mut all, RANK_OF_ALL));
    values
}

/// Returns the number of that rank from below and from above.
fn end_points(cells: &mut [f64], rank: usize) -> [f64; 2] {
    cells.sort_unstable_by(f64::total_cmp);
    [cells[rank], cells[cells.len() - 1 - rank]]
}
