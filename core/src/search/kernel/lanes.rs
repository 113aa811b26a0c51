//! Strips in lanes: how a row of a tile lies in memory, and in which order a level keeps its lanes.

use crate::imaging::Level;

/// Number of strips of a tile, which is the number of lanes of every row.
// Sixteen 16-bit numbers fill a register of AVX2, sixteen 32-bit numbers one of AVX-512.
pub(in crate::search) const LANES: usize = 16;

/// One sample of every strip: 8 bits in each lane.
pub(in crate::search) type LaneSamples = [u8; LANES];

/// Cuts a padded row into strips: `out[j][lane] = padded[lane · strip + j]`.
///
/// `padded` holds the `LANES · strip` columns of all strips and the columns after them that the last strip reaches.
/// The elements from `strip` on overlap with the next strip: they are its first elements, one lane further left.
/// Only the last lane reads the columns after all strips.
#[inline(always)]
pub(in crate::search) fn cut_into_strips(padded: &[u8], strip: usize, out: &mut [LaneSamples]) {
    for lane in 0..LANES {
        let own = &padded[lane * strip..][..strip];
        for (samples, &v) in out.iter_mut().zip(own) {
            samples[lane] = v;
        }
    }
    // The overlap is a copy of whole elements, which needs no second gathering of single samples.
    let beyond = &padded[LANES * strip..];
    for j in strip..out.len() {
        // In a strip of fewer than six columns this element is itself an overlap. The loop runs upwards, so the element
        // is complete.
        let following = out[j - strip];
        out[j][..LANES - 1].copy_from_slice(&following[1..]);
        out[j][LANES - 1] = beyond[j - strip];
    }
}

/// Order in which a level keeps the lanes of 32-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LaneOrder {
    /// Lane 0 to lane 15.
    Plain,
    /// The second and third quarter swapped: 0–3, 8–11, 4–7, 12–15. AVX2 widens sixteen 16-bit lanes in this order.
    Swapped,
}

impl LaneOrder {
    /// Returns the order that `level` uses.
    pub(super) fn of(level: Level) -> Self {
        if level == Level::Avx2 { LaneOrder::Swapped } else { LaneOrder::Plain }
    }

    /// Brings lanes from the plain order into this one. The same swap brings them back.
    #[inline(always)]
    pub(super) fn apply<T: Copy>(self, lanes: [T; LANES]) -> [T; LANES] {
        match self {
            LaneOrder::Plain => lanes,
            LaneOrder::Swapped => {
                let mut swapped = lanes;
                swapped[4..8].copy_from_slice(&lanes[8..12]);
                swapped[8..12].copy_from_slice(&lanes[4..8]);
                swapped
            }
        }
    }
}
