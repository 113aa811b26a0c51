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
mod deep;
mod part;
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
    Image, Instructions, Sample,
    operators::{point::PointOperator, unsharp_mask::UnsharpMask},
};
use band::{Band, Beyond};
use shape::Shape;
use translated::BandWork;

pub use deep::{restore_deep, restore_deep_until, restore_deep_with};
pub(super) use part::{Part, restore_deep_part, restore_part, working_bytes};

/// Bands per thread. With more bands than threads, a slow thread restores fewer bands than the others.
const BANDS_PER_THREAD: usize = 4;
/// Fewest rows of a band.
const ROWS_MIN: usize = 64;
/// Pictures with fewer columns, and more rows than columns, are turned before they are sharpened.
pub(crate) const NARROW_PX: usize = 32;
/// Pixels that are transposed between two looks at the flag: less than a millisecond.
const PIXELS_PER_CHECK: usize = 1 << 15;
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
    assert_runs(instructions);
    restore_by(image, mask, cancel, |band| {
        translated::restore(instructions, PointAndMask { band, point, mask })
    })
}

/// Checks that this CPU runs the instructions.
fn assert_runs(instructions: Instructions) {
    assert!(Instructions::supported().contains(&instructions), "this CPU does not run {instructions:?}");
}

/// The work on a band of 8-bit rows.
struct PointAndMask<'a, P> {
    band: Band<'a>,
    point: &'a P,
    mask: Option<&'a UnsharpMask>,
}

impl<P: PointOperator> BandWork for PointAndMask<'_, P> {
    #[inline(always)]
    fn restore(self, with: Instructions) {
        self.band.restore(with, self.point, self.mask);
    }
}

/// Cuts the picture into bands for `work`, which restores a band whose blur reaches as far as `mask` does.
fn restore_by<S: Sample>(
    image: &mut Image<S>,
    mask: Option<&UnsharpMask>,
    cancel: &Cancel,
    work: impl Fn(Band<'_, S>) + Sync,
) -> Result<(), Cancelled> {
    let shape = Shape { width: image.width(), height: image.height(), step: image.channels().count() };
    let radius = mask.map_or(0, UnsharpMask::radius);
    if mask.is_some() && shape.width < NARROW_PX && shape.width < shape.height {
        // A row costs the same buffers and calls whether it has one pixel or a thousand. Turned, the picture has long rows.
        // The blur is the same down and across, so the samples are the same.
        let mut turned = transposed(image.samples(), shape, cancel)?;
        restore_rows((&mut turned, shape.transposed()), radius, cancel, work)?;
        let restored = transposed(&turned, shape.transposed(), cancel)?;
        image.samples_mut().copy_from_slice(&restored);
        return Ok(());
    }
    restore_rows((image.samples_mut(), shape), radius, cancel, work)
}

/// Restores the rows of a picture of this shape, in bands.
fn restore_rows<S: Sample>(
    (samples, shape): (&mut [S], Shape),
    radius: usize,
    cancel: &Cancel,
    work: impl Fn(Band<'_, S>) + Sync,
) -> Result<(), Cancelled> {
    let n_rows = match rayon::current_num_threads() {
        // One band has no neighbours, so no rows are copied.
        1 => shape.height,
        n => shape.height.div_ceil(BANDS_PER_THREAD * n).max(ROWS_MIN).max(ROWS_PER_RADIUS * radius),
    };
    // All copies are made before the first task starts, because each task overwrites rows that its neighbours read.
    let beyond = Beyond::copied(samples, shape, n_rows, radius);
    let bands = samples.par_chunks_mut(n_rows * shape.stride());
    bands.zip(beyond).enumerate().for_each(|(i, (rows, beyond))| {
        work(Band { rows, top: i * n_rows, beyond, shape, cancel });
    });
    cancel.check()
}

/// Returns the picture with rows and columns exchanged. Fast if either side is short.
fn transposed<S: Sample>(samples: &[S], shape: Shape, cancel: &Cancel) -> Result<Vec<S>, Cancelled> {
    match shape.step {
        1 => transposed_pixels::<1, S>(samples, shape, cancel),
        _ => transposed_pixels::<3, S>(samples, shape, cancel),
    }
}

fn transposed_pixels<const N: usize, S: Sample>(
    samples: &[S],
    shape: Shape,
    cancel: &Cancel,
) -> Result<Vec<S>, Cancelled> {
    let Shape { width, height, .. } = shape;
    let mut out = vec![S::default(); samples.len()];
    let (source, target) = (samples.as_chunks::<N>().0, out.as_chunks_mut::<N>().0);
    // The short side is the inner loop, so it walks along as few rows at a time as there are.
    let long = width.max(height);
    for from in (0..long).step_by(PIXELS_PER_CHECK) {
        cancel.check()?;
        for i in from..long.min(from + PIXELS_PER_CHECK) {
            if height >= width {
                (0..width).for_each(|x| target[x * height + i] = source[i * width + x]);
            } else {
                (0..height).for_each(|y| target[i * height + y] = source[y * width + i]);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Channels;

    #[test]
    fn turned_pictures_have_the_same_samples() {
        for (channels, sigma) in [(Channels::Rgb, 1.3), (Channels::Grey, 6.0), (Channels::Rgb, 20.0)] {
            for (width, height) in [(1, 300), (2, 97), (7, 700), (31, 40), (31, 32)] {
                let step = channels.count();
                let samples: Vec<u8> = (0..width * height * step).map(|i| (i * i / 7 % 251) as u8).collect();
                let mask = UnsharpMask::new(sigma, 1.7);
                let shape = Shape { width, height, step };
                for instructions in Instructions::supported() {
                    let mut expected = samples.clone();
                    let never = Cancel::never();
                    restore_rows((&mut expected[..], shape), mask.radius(), &never, |band| {
                        let point = &super::super::operators::point::Unchanged;
                        translated::restore(instructions, PointAndMask { band, point, mask: Some(&mask) });
                    })
                    .unwrap();
                    let mut image = Image::new(width, height, channels, samples.clone(), None).unwrap();
                    restore_with(
                        instructions,
                        &mut image,
                        &super::super::operators::point::Unchanged,
                        Some(&mask),
                    );
                    assert!(
                        image.samples() == expected,
                        "{width} × {height}, sigma {sigma}, {instructions:?}"
                    );
                }
            }
        }
    }
}
