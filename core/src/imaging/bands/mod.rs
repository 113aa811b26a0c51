//! One pass over a picture, in place: each row goes through a point operator into a ring of rows, is blurred out of the
//! ring and combined, and comes back to where it stood. What a pass holds stays in the L2 cache.
//!
//! Pictures are cut into bands of rows for rayon, as many as there are threads to use; the rows that a band's blur
//! reaches beyond its own are copied first, since their owners change them. Whole numbers or exact roundings
//! throughout, so neither bands nor instruction sets change a sample. The plain forms are `operators::gaussian_blur`
//! and `operators::unsharp_mask`.

mod blur;
#[cfg(target_arch = "x86_64")]
mod blur_avx2;
#[cfg(target_arch = "x86_64")]
mod blur_avx512;
mod instructions;
mod ring;
#[cfg(target_arch = "x86_64")]
mod tables_vbmi;

use rayon::prelude::*;

use super::{
    Image,
    operators::{gaussian_blur::reflect_101, point::PointOperator, unsharp_mask::UnsharpMask},
};
use blur::Blur;
pub use instructions::Instructions;
use ring::Ring;

/// Bands per thread, so that threads that are late have less to do.
const BANDS_PER_THREAD: usize = 4;
/// Rows of a band at least, and as a multiple of the blur's radius: the copied rows beyond bands are at most a quarter
/// of the picture.
const ROWS_MIN: usize = 64;
const ROWS_PER_RADIUS: usize = 8;

/// Applies `point` to every pixel of `image` and then `mask` to the result, with the fastest instructions of this CPU.
///
/// Size, channels and alpha are kept. Memory: the ring, `2·radius + 1` rows per thread, and with several threads twice
/// the radius in rows per band. Runs on the rayon pool the caller installed.
pub fn restore<P: PointOperator>(image: &mut Image, point: &P, mask: Option<&UnsharpMask>) {
    restore_with(Instructions::fastest(), image, point, mask);
}

/// [`restore`] with stated instructions; all sets give the same samples.
///
/// # Panics
/// When this CPU does not run them.
pub fn restore_with<P: PointOperator>(
    instructions: Instructions,
    image: &mut Image,
    point: &P,
    mask: Option<&UnsharpMask>,
) {
    assert!(Instructions::supported().contains(&instructions), "this CPU does not run {instructions:?}");
    let shape = Shape { width: image.width(), height: image.height(), step: image.channels().count() };
    let radius = mask.map_or(0, UnsharpMask::radius);
    let n_rows = match rayon::current_num_threads() {
        1 => shape.height,
        n => shape.height.div_ceil(BANDS_PER_THREAD * n).max(ROWS_MIN).max(ROWS_PER_RADIUS * radius),
    };
    let beyond = Beyond::copied(image.samples(), shape, n_rows, radius);
    let bands = image.samples_mut().par_chunks_mut(n_rows * shape.stride());
    bands.zip(beyond).enumerate().for_each(|(i, (rows, beyond))| {
        let band = Band { rows, top: i * n_rows, beyond, shape };
        instructions.run(band, point, mask);
    });
}

/// What rows are made of.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    height: usize,
    /// Interleaved channels.
    step: usize,
}

impl Shape {
    /// Samples in a row.
    fn stride(self) -> usize {
        self.width * self.step
    }
}

/// The rows of a picture that a band changes.
struct Band<'a> {
    rows: &'a mut [u8],
    /// The first of them, counted from the picture's top.
    top: usize,
    beyond: Beyond,
    shape: Shape,
}

/// Copies of the rows that a band's blur reaches above and below it, as far as there are any.
struct Beyond {
    above: Vec<u8>,
    below: Vec<u8>,
}

impl Beyond {
    /// For all bands of `n_rows` rows, from the top.
    fn copied(samples: &[u8], shape: Shape, n_rows: usize, radius: usize) -> Vec<Self> {
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

impl Band<'_> {
    /// Row `y` of the picture as it came; those of the band itself only before they are changed.
    fn original(&self, y: usize) -> &[u8] {
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

    /// The whole work on a band, compiled for each set of instructions.
    #[inline(always)]
    fn restore<P: PointOperator>(self, with: Instructions, point: &P, mask: Option<&UnsharpMask>) {
        let Some(mask) = mask else {
            // A loop, since what a closure calls is not compiled for the instructions.
            for row in self.rows.chunks_exact_mut(self.shape.stride()) {
                point.apply(with, row);
            }
            return;
        };
        let radius = mask.radius();
        let bottom = self.top + self.rows.len() / self.shape.stride();
        let mut ring = Ring::new(self.shape, radius);
        let mut blur = Blur::new(mask, self.shape.step);
        let mut next = self.top.saturating_sub(radius);
        for y in self.top..bottom {
            while next < self.shape.height.min(y + radius + 1) {
                point.apply(with, ring.push(next, self.original(next)));
                next += 1;
            }
            let at = |distance: isize| ring.start_of(reflect_101(y as isize + distance, self.shape.height));
            blur.aim(at);
            let stride = self.shape.stride();
            let row = &mut self.rows[(y - self.top) * stride..][..stride];
            blur.sharpen(with, ring.samples(), row);
        }
    }
}
