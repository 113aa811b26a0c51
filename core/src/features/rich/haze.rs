//! Haze and water veil: how dark the darkest and how bright the brightest channel gets nearby.

use super::{analysis::Analysis, counts::Counts};

pub(super) const N: usize = 4;

pub(super) const NAMES: [&str; N] =
    ["dark_channel_mean", "dark_channel_p50", "dark_channel_p95", "bright_channel_mean"];

/// Windows reach this far to each side: 7×7.
const REACH: usize = 3;

/// The dark channel (He, Sun, Tang 2009): the least of all channels within 7×7, its mean, median and 95th percentile;
/// and the mean of the bright channel, the same with the most. Windows are cut at the border.
pub(super) fn measure(analysis: &Analysis) -> [f64; N] {
    let least: Vec<u8> = analysis.pixels().map(|[r, g, b]| r.min(g).min(b)).collect();
    // The most is the least of the complement.
    let most: Vec<u8> = analysis.pixels().map(|[r, g, b]| 255 - r.max(g).max(b)).collect();
    let dark = Counts::of(&eroded(&least, analysis.width));
    let bright = Counts::of(&eroded(&most, analysis.width));
    [dark.mean(), dark.percentile(50), dark.percentile(95), 255.0 - bright.mean()]
}

/// The least value of every 7×7 window.
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
