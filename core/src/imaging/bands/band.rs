//! A band: the rows of a picture that one task restores.

use super::{ring::Ring, shape::Shape, sharpener::RowSharpener};
use crate::{
    cancel::Cancel,
    imaging::{
        Instructions,
        operators::{gaussian_blur::reflect_101, point::PointOperator, unsharp_mask::UnsharpMask},
    },
};

/// Pixels that are restored between two looks at the flag: less than a millisecond.
pub(super) const PIXELS_PER_CHECK: usize = 1 << 15;

/// Rows to restore in place, with copies of the rows around them.
pub(super) struct Band<'a, S = u8> {
    pub rows: &'a mut [S],
    /// Number of the first row, counted from the top of the picture.
    pub top: usize,
    pub beyond: Beyond<S>,
    pub shape: Shape,
    /// Ends the work early once it is set.
    pub cancel: &'a Cancel,
}

/// Copies of the rows that a band's blur reaches above and below the band, as far as the picture has such rows.
pub(super) struct Beyond<S> {
    pub above: Vec<S>,
    pub below: Vec<S>,
}

impl<S: Copy> Beyond<S> {
    /// Copies the rows within `radius` around each band of `n_rows` rows. The bands come from the top.
    pub fn copied(samples: &[S], shape: Shape, n_rows: usize, radius: usize) -> Vec<Self> {
        // Rows outside the picture are not copied: the blur reads the rows inside that they reflect.
        let rows = |from: usize, to: usize| {
            samples[from * shape.stride()..to.min(shape.height) * shape.stride()].to_vec()
        };
        let band = |top: usize| {
            let bottom = shape.height.min(top + n_rows);
            Self { above: rows(top.saturating_sub(radius), top), below: rows(bottom, bottom + radius) }
        };
        (0..shape.height).step_by(n_rows).map(band).collect()
    }
}

impl<S> Band<'_, S> {
    /// Returns row `y` of the picture before restoration. A row of the band itself must not have been restored yet.
    pub fn original(&self, y: usize) -> &[S] {
        let stride = self.shape.stride();
        let n_above = self.beyond.above.len() / stride;
        match y.checked_sub(self.top) {
            None => &self.beyond.above[(y + n_above - self.top) * stride..][..stride],
            Some(i) => {
                let i = i * stride;
                self.rows
                    .get(i..i + stride)
                    .unwrap_or_else(|| &self.beyond.below[i - self.rows.len()..][..stride])
            }
        }
    }
}

impl Band<'_> {
    /// Restores the rows of the band: the point operator, then the mask.
    ///
    /// Before row `y` is sharpened, the ring holds the rows `y − radius` to `y + radius`, each after the point
    /// operator. So row `y` in the picture can be overwritten: the ring has its copy.
    #[inline(always)]
    pub fn restore<P: PointOperator>(self, with: Instructions, point: &P, mask: Option<&UnsharpMask>) {
        let Some(mask) = mask else {
            // A plain loop: a closure passed to `for_each` would not be compiled for these instructions.
            // Runs of pixels, not rows: a row may be one pixel, or the whole picture.
            for pixels in self.rows.chunks_mut(PIXELS_PER_CHECK * self.shape.step) {
                if self.cancel.is_cancelled() {
                    return;
                }
                point.apply(with, pixels);
            }
            return;
        };
        let radius = mask.radius();
        let bottom = self.top + self.rows.len() / self.shape.stride();
        let mut ring = Ring::new(self.shape, radius);
        let mut sharpener = RowSharpener::new(mask, self.shape.step);
        let mut next = self.top.saturating_sub(radius);
        for y in self.top..bottom {
            if self.cancel.is_cancelled() {
                return;
            }
            // From the second row on, this loop pushes row `y + radius` only. So it never reads a row that is restored.
            while next < self.shape.height.min(y + radius + 1) {
                // The operator changes each pixel separately. So reflected copies get the value of their pixel.
                let row = ring.push(next, self.original(next));
                for pixels in row.chunks_mut(PIXELS_PER_CHECK * self.shape.step) {
                    if self.cancel.is_cancelled() {
                        return;
                    }
                    point.apply(with, pixels);
                }
                next += 1;
            }
            // Reflection never increases the distance from `y`. So the ring holds the reflected row.
            let at = |distance: isize| ring.start_of(reflect_101(y as isize + distance, self.shape.height));
            sharpener.aim(at);
            let stride = self.shape.stride();
            let row = &mut self.rows[(y - self.top) * stride..][..stride];
            sharpener.sharpen(with, ring.samples(), row, self.cancel);
        }
    }
}
