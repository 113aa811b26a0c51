//! The rows around the one that is being sharpened, each reflected beyond its ends.

use super::{planes::BLOCK, shape::Shape};
use crate::imaging::operators::gaussian_blur::pad_row;

/// A ring of `2·radius + 1` rows: row `y` lies in slot `y mod (2·radius + 1)`.
///
/// ```text
/// radius 2, when row 7 is sharpened:     slot   0   1   2   3   4
///                                        row    5   6   7   8   9     the window of row 7
/// one slot, `pitch` samples:             | reflected | row | reflected | room: 2 to 3 blocks |
/// ```
///
/// The next row, 10, overwrites row 5, which no later window reads. The room lets the passes work in whole blocks.
pub(super) struct Ring<S> {
    shape: Shape,
    radius: usize,
    /// Number of slots: those of a window, or all rows of a picture that is lower than a window.
    n_slots: usize,
    /// Samples from one slot to the next.
    pitch: usize,
    samples: Vec<S>,
}

impl<S: Copy + Default> Ring<S> {
    /// An empty ring for a blur that reaches `radius` rows and pixels.
    pub fn new(shape: Shape, radius: usize) -> Self {
        Self::of_rows(shape, radius, 1)
    }

    /// Same as [`Ring::new`], with room for the windows of `n_rows` successive rows at the same time.
    pub fn of_rows(shape: Shape, radius: usize, n_rows: usize) -> Self {
        let padded = (shape.width + 2 * radius) * shape.step;
        // The pass down reads whole blocks, also past the end of a row. In the last slot these bytes must exist too.
        let pitch = padded.next_multiple_of(BLOCK) + 2 * BLOCK;
        let n_slots = (2 * radius + n_rows).min(shape.height);
        Self { shape, radius, n_slots, pitch, samples: vec![S::default(); n_slots * pitch] }
    }

    /// Returns where row `y` begins, its reflected pixels included.
    #[inline(always)]
    pub fn start_of(&self, y: usize) -> usize {
        // As many successive rows as there are slots have different remainders. So no row of a window overwrites another.
        y % self.n_slots * self.pitch
    }

    /// Copies `row` into the slot of row `y`, reflected by `radius` pixels on both sides (reflect-101). Returns the copy, so
    /// that the caller can change it.
    #[inline(always)]
    pub fn push(&mut self, y: usize, row: &[S]) -> &mut [S] {
        let (step, first) = (self.shape.step, -(self.radius as isize));
        let slot = self.slot(y);
        pad_row(row, step, first, slot);
        slot
    }

    /// Returns the slot of row `y`, with the room for its reflected pixels.
    #[inline(always)]
    pub fn slot(&mut self, y: usize) -> &mut [S] {
        let n = (self.shape.width + 2 * self.radius) * self.shape.step;
        let start = self.start_of(y);
        &mut self.samples[start..start + n]
    }

    /// All slots, one after the other.
    pub fn samples(&self) -> &[S] {
        &self.samples
    }
}
