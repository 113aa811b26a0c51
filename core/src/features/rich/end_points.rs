//! End points: the darkest and the brightest colours of a picture, which its levels are set by.

use super::analysis::AnalysisPicture;
use crate::imaging::{
    THUMBNAIL_SIDE, alpha,
    operators::{area_resize::area_averages, end_points::EndPoints},
};

pub(super) const N: usize = 8;

pub(super) const NAMES: [&str; N] =
    ["red_low", "red_high", "green_low", "green_high", "blue_low", "blue_high", "all_low", "all_high"];

/// Returns the [`EndPoints`] of 64×64 cells, 0 to 255: low and high of red, green and blue, then of all channels together.
/// Cells that alpha hides repeat the others.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let sides = (analysis.width, analysis.height);
    let cells = (THUMBNAIL_SIDE, THUMBNAIL_SIDE);
    let mut planes = analysis
        .planes
        .each_ref()
        .map(|plane| area_averages::<f64, 1>(plane, sides, cells, |sum, n| sum as f64 / n as f64));
    if let Some(weights) = &analysis.weights {
        let weights = area_averages::<u64, 1>(weights, sides, cells, |sum, _| sum);
        planes.iter_mut().for_each(|cells| alpha::repeat_seen_cells(cells, &weights));
    }
    let ends = EndPoints::of_cells(planes);
    let EndPoints { low, high, all_low, all_high } = ends;
    [low[0], high[0], low[1], high[1], low[2], high[2], all_low, all_high]
}
