//! Blockiness, a trace of JPEG: steps between columns at the borders of blocks, compared with steps elsewhere.

use super::windows::Window;

pub(super) const N: usize = 1;

pub(super) const NAMES: [&str; N] = ["log_blockiness"];

/// Side of a JPEG block, in pixels.
const BLOCK_PX: usize = 8;

/// Smallest side of a window with blockiness, in pixels: three blocks.
const SIDE_MIN_PX: usize = 24;

/// Returns `log_blockiness` = ln((on + 0.5) / (off + 0.5)), from −6.3 to 6.3.
///
/// `on` is the mean |luma step| from one column to the next across the borders of 8-px blocks; `off` is the mean
/// elsewhere. Blocks are counted from the picture's left side. Windows below 24 px hold too few borders and give 0. A step weighs by
/// the smaller alpha of its two pixels; without a weight on either side the feature is 0.
pub(super) fn measure(windows: &[Window]) -> [f64; N] {
    if windows.iter().any(|w| w.width < SIDE_MIN_PX || w.luma.len() / w.width < SIDE_MIN_PX) {
        return [0.0];
    }
    let mut on = StepMean::default();
    let mut off = StepMean::default();
    for window in windows {
        if let Some(weights) = &window.weights {
            for (row, weights) in
                window.luma.chunks_exact(window.width).zip(weights.chunks_exact(window.width))
            {
                for ((two, weights), column) in row.windows(2).zip(weights.windows(2)).zip(window.left..) {
                    let side = if column % BLOCK_PX == BLOCK_PX - 1 { &mut on } else { &mut off };
                    let weight = u64::from(weights[0].min(weights[1]));
                    side.n += weight;
                    side.sum += weight * u64::from(two[0].abs_diff(two[1]));
                }
            }
            continue;
        }
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
    if on.n == 0 || off.n == 0 {
        return [0.0];
    }
    [libm::log((on.value() + 0.5) / (off.value() + 0.5))]
}

/// Number and sum of some steps.
#[derive(Default)]
struct StepMean {
    n: u64,
    sum: u64,
}

impl StepMean {
    fn value(&self) -> f64 {
        self.sum as f64 / self.n as f64
    }
}
