//! The rows about the one that is being sharpened, each reflected beyond its ends.

use super::{Shape, blur::BLOCK};
use crate::imaging::operators::gaussian_blur::pad_row;

/// `2·radius + 1` rows, row `y` in slot `y mod (2·radius + 1)`, with room for whole blocks behind each.
pub(super) struct Ring {
    shape: Shape,
    radius: usize,
    /// Samples from one slot to the next.
    pitch: usize,
    samples: Vec<u8>,
}

impl Ring {
    pub fn new(shape: Shape, radius: usize) -> Self {
        let padded = (shape.width + 2 * radius) * shape.step;
        let pitch = padded.next_multiple_of(BLOCK) + 2 * BLOCK;
        Self { shape, radius, pitch, samples: vec![0; (2 * radius + 1) * pitch] }
    }

    /// Where row `y` begins, its padding included.
    #[inline(always)]
    pub fn start_of(&self, y: usize) -> usize {
        y % (2 * self.radius + 1) * self.pitch
    }

    /// Copies `row` into the slot of row `y`, reflected by `radius` pixels on both sides, and returns it to be changed.
    #[inline(always)]
    pub fn push(&mut self, y: usize, row: &[u8]) -> &mut [u8] {
        let n = (self.shape.width + 2 * self.radius) * self.shape.step;
        let start = self.start_of(y);
        let slot = &mut self.samples[start..start + n];
        pad_row(row, self.shape.step, -(self.radius as isize), slot);
        slot
    }

    pub fn samples(&self) -> &[u8] {
        &self.samples
    }
}
