//! Haze and the veil of water: the darkest and the brightest channel within a window.

use super::{analysis::AnalysisPicture, counts::ValueCounts};

pub(super) const N: usize = 4;

pub(super) const NAMES: [&str; N] =
    ["dark_channel_mean", "dark_channel_p50", "dark_channel_p95", "bright_channel_mean"];

/// Reach of a window to each side, in pixels: windows are 7×7.
const REACH: usize = 3;

/// Returns statistics of the dark and of the bright channel, 0–255. Border: windows are cut.
///
/// - `dark_channel_mean`, `dark_channel_p50`, `dark_channel_p95`: mean and percentiles of the minimum of all channels
///   within 7×7 (He, Sun, Tang 2009).
/// - `bright_channel_mean`: mean of the maximum of all channels within 7×7.
pub(super) fn measure(analysis: &AnalysisPicture) -> [f64; N] {
    let least: Vec<u8> = analysis.pixels().map(|[r, g, b]| r.min(g).min(b)).collect();
    // The maximum is 255 minus the minimum of the complement.
    let most: Vec<u8> = analysis.pixels().map(|[r, g, b]| 255 - r.max(g).max(b)).collect();
    let weights = analysis.weights.as_deref();
    let dark = ValueCounts::weighed(&eroded(&least, analysis.width), weights);
    let bright = ValueCounts::weighed(&eroded(&most, analysis.width), weights);
    [dark.mean(), dark.percentile(50), dark.percentile(95), 255.0 - bright.mean()]
}

/// Returns the minimum of every 7×7 window: first across, then down.
fn eroded(plane: &[u8], width: usize) -> Vec<u8> {
    let mut padded = vec![255; width + 2 * REACH];
    let mut across = vec![255; plane.len()];
    for (out, row) in across.chunks_exact_mut(width).zip(plane.chunks_exact(width)) {
        padded[REACH..][..width].copy_from_slice(row);
        for shift in 0..=2 * REACH {
            lower(out, &padded[shift..]);
        }
    }
    let height = plane.len() / width;
    let mut down = across.clone();
    for (y, out) in down.chunks_exact_mut(width).enumerate() {
        for near in y.saturating_sub(REACH)..height.min(y + REACH + 1) {
            lower(out, &across[near * width..]);
        }
    }
    down
}

/// Lowers each of `least` to the value at its place, if that is smaller.
fn lower(least: &mut [u8], values: &[u8]) {
    least.iter_mut().zip(values).for_each(|(least, &v)| *least = (*least).min(v));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dark_dot_spreads_over_its_window() {
        let mut plane = vec![200; 20 * 15];
        plane[5 * 20 + 8] = 10;
        let eroded = eroded(&plane, 20);
        for (i, &v) in eroded.iter().enumerate() {
            let near = (i / 20).abs_diff(5) <= 3 && (i % 20).abs_diff(8) <= 3;
            assert_eq!(v, if near { 10 } else { 200 });
        }
    }
}
