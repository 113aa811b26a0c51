//! One pass over a picture, in place: a point operator on every pixel, then an unsharp mask on the result.
//!
//! The picture is cut into bands of rows, one rayon task each. Within a band every row goes this way:
//!
//! ```text
//! picture, row y + radius ──copy──► ring ──point operator, in the ring──► ring
//!
//! ring, rows y − radius … y + radius ──blur──► blurred row y ──┐
//! ring, row y ─────────────────────────────────────────────────┴──combine──► picture, row y
//! ```
//!
//! - The ring keeps the rows after the point operator, so the picture needs no second buffer. The ring stays in the L2
//!   cache as long as the blur is narrow.
//! - A band's blur reaches rows of the neighbouring bands, which other tasks change. These rows are copied before the
//!   tasks start (`band::Beyond`).
//! - All steps are whole numbers or exact roundings. So bands, threads and instruction sets change no sample.
//!
//! Border: reflect-101. The plain forms are `operators::gaussian_blur` and `operators::unsharp_mask`;
//! `core/tests/reference/bands.rs` compares both.

mod band;
mod passes;
mod planes;
#[cfg(target_arch = "x86_64")]
mod planes_avx2;
#[cfg(target_arch = "x86_64")]
mod planes_avx512;
mod ring;
mod shape;
mod sharpener;
mod translated;

use rayon::prelude::*;

use crate::cancel::{Cancel, Cancelled};

use super::{
    Image, Instructions,
    operators::{point::PointOperator, unsharp_mask::UnsharpMask},
};
use band::{Band, Beyond};
use shape::Shape;

/// Bands per thread. With more bands than threads, a slow thread restores fewer bands than the others.
const BANDS_PER_THREAD: usize = 4;
/// Fewest rows of a band.
const ROWS_MIN: usize = 64;
/// Fewest rows of a band as a multiple of the blur's radius: the copied rows are at most a quarter of the picture.
const ROWS_PER_RADIUS: usize = 8;

/// Applies `point` to every pixel of `image` and then `mask` to the result, with the fastest instructions of this CPU.
///
/// Stored values, no colour management; border reflect-101. Size, channels and alpha are kept. Memory: the ring,
/// `2·radius + 1` rows per thread, and with several threads twice the radius in rows per band. Runs on the rayon pool
/// that the caller installed; the same bytes for any number of threads.
pub fn restore<P: PointOperator>(image: &mut Image, point: &P, mask: Option<&UnsharpMask>) {
    restore_with(Instructions::fastest(), image, point, mask);
}

/// Same as [`restore`], with these instructions. All sets give the same samples.
///
/// # Panics
/// When this CPU does not run the instructions.
pub fn restore_with<P: PointOperator>(
    instructions: Instructions,
    image: &mut Image,
    point: &P,
    mask: Option<&UnsharpMask>,
) {
    Cancel::uncancelled(|cancel| restore_until(instructions, image, point, mask, cancel));
}

/// Same as [`restore_with`], and stops once `cancel` is set.
///
/// # Errors
/// When `cancel` is set. The picture is then half restored.
///
/// # Panics
/// Same as [`restore_with`].
pub fn restore_until<P: PointOperator>(
    instructions: Instructions,
    image: &mut Image,
    point: &P,
    mask: Option<&UnsharpMask>,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    assert!(Instructions::supported().contains(&instructions), "this CPU does not run {instructions:?}");
    let shape = Shape { width: image.width(), height: image.height(), step: image.channels().count() };
    let radius = mask.map_or(0, UnsharpMask::radius);
    let n_rows = match rayon::current_num_threads() {
        // One band has no neighbours, so no rows are copied.
        1 => shape.height,
        n => shape.height.div_ceil(BANDS_PER_THREAD * n).max(ROWS_MIN).max(ROWS_PER_RADIUS * radius),
    };
    // All copies are made before the first task starts, because each task overwrites rows that its neighbours read.
    let beyond = Beyond::copied(image.samples(), shape, n_rows, radius);
    let bands = image.samples_mut().par_chunks_mut(n_rows * shape.stride());
    bands.zip(beyond).enumerate().for_each(|(i, (rows, beyond))| {
        let band = Band { rows, top: i * n_rows, beyond, shape, cancel };
        translated::restore(instructions, band, point, mask);
    });
    cancel.check()
}
