//! Traces of JPEG: steps between columns at the borders of blocks against those elsewhere.

use super::windows::Window;

pub(super) const N: usize = 1;

pub(super) const NAMES: [&str; N] = ["log_blockiness"];

/// Pixels of a block's side.
const BLOCK_PX: usize = 8;

/// The least side of a picture with blockiness, in pixels; three blocks.
const SIDE_MIN_PX: usize = 24;

/// ln((on + 0.5) / (off + 0.5)) of the mean |luma step| from a column to the next over the borders of 8-px blocks,
/// counted from the picture's left, and elsewhere; 0 for windows below 24 px, which hold too few.
pub(super) fn measure(windows: &[Window]) -> [f64; N] {
    if windows.iter().any(|w| w.width < SIDE_MIN_PX || w.luma.len() / w.width < SIDE_MIN_PX) {
        return [0.0];
    }
    let mut on = Mean::default();
    let mut off = Mean::default();
    for window in windows {
        let mut steps = vec![0u32; window.width - 1];
        for row in window.luma.chunks_exact(window.width) {
            steps
                .iter_mut()
                .zip(row.windows(2))
                .for_each(|(sum, two)| *sum += u32::from(two[0].abs_diff(two[1])));
        }
        let n_rows = (window.luma.len() / window.width) as u64;
        for (&sum, column) in steps.iter().zip(window.left..) {
            let side = if column % BLOCK_PX == BLOCK_PX - 1 { &mut on } else { &mut off };
            side.n += n_rows;
            side.sum += u64::from(sum);
        }
    }
    [libm::log((on.value() + 0.5) / (off.value() + 0.5))]
}

#[derive(Default)]
struct Mean {
    n: u64,
    sum: u64,
}

impl Mean {
    fn value(&self) -> f64 {
        self.sum as f64 / self.n as f64
    }
}
