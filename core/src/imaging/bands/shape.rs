//! Width, height and channels of the picture that a pass restores.

/// The shape of a picture of interleaved samples.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Pixels in a row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// Interleaved channels.
    pub step: usize,
}

impl Shape {
    /// The shape with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { width: self.height, height: self.width, ..self }
    }

    /// Samples in a row.
    pub fn stride(self) -> usize {
        self.width * self.step
    }
}
