//! The same pass over some rows of a picture that is never held whole.
//!
//! The caller holds the rows to restore and those that their blur reaches. The rows are cut into bands as those of a whole
//! picture are, so samples are the same. A picture that is turned in memory ([`super::NARROW_PX`]) is not turned here.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    PointAndMask,
    band::{Band, Beyond},
    deep::DeepWork,
    planes::BLOCK,
    shape::Shape,
    translated,
};
use crate::{
    cancel::{Cancel, Cancelled},
    imaging::{
        Instructions, Sample,
        operators::{deep_point::DeepPointOperator, point::PointOperator, unsharp_mask::UnsharpMask},
    },
};

/// Most bytes of the rings of all threads. Wide rows and wide blurs are restored by fewer threads.
const RING_BYTES_MAX: u64 = 192 << 20;

/// Rows of a picture, with those around them.
pub(in super::super) struct Part<'a, S> {
    /// Samples of the rows `held`.
    pub samples: &'a mut [S],
    /// Numbers of these rows, from the top of the picture.
    pub held: Range<usize>,
    /// The rows to restore. All rows of the picture that their blur reaches are held.
    pub wanted: Range<usize>,
    /// Width and height of the picture.
    pub size: (usize, usize),
    /// Interleaved channels.
    pub step: usize,
}

/// Restores rows of 8 bits in place.
pub(in super::super) fn restore_part<P: PointOperator>(
    part: Part<'_, u8>,
    point: &P,
    mask: Option<&UnsharpMask>,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    let instructions = Instructions::fastest();
    restore_rows(part, mask, cancel, |band| {
        translated::restore(instructions, PointAndMask { band, point, mask });
    })
}

/// Restores rows of 16 bits in place.
pub(in super::super) fn restore_deep_part<P: DeepPointOperator>(
    part: Part<'_, u16>,
    point: &P,
    mask: Option<&UnsharpMask>,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    let instructions = Instructions::fastest();
    restore_rows(part, mask, cancel, |band| {
        translated::restore(instructions, DeepWork { band, point, mask });
    })
}

/// Returns the most bytes that restoring rows of `stride` samples takes besides the part, for any number of threads.
pub(in super::super) fn working_bytes<S: Sample>(width: u64, step: u64, mask: Option<&UnsharpMask>) -> u64 {
    let Some(mask) = mask else { return 0 };
    let ring = ring_bytes::<S>(width, step, mask);
    ring.max(RING_BYTES_MAX)
}

/// Bytes of the ring of a band and of the rows around the band.
fn ring_bytes<S: Sample>(width: u64, step: u64, mask: &UnsharpMask) -> u64 {
    let radius = mask.radius() as u64;
    // Rows of a ring are f32 where samples have 16 bits.
    let size = if size_of::<S>() == 1 { 1 } else { 4 };
    let pitch = width.saturating_add(2 * radius).saturating_mul(step).saturating_add(3 * BLOCK as u64);
    let ring = pitch.saturating_mul((2 * radius + 4) * size);
    let around = width.saturating_mul(step).saturating_mul(2 * radius * size_of::<S>() as u64);
    ring.saturating_add(around)
}

/// Cuts the rows into bands for `work`.
fn restore_rows<S: Sample>(
    part: Part<'_, S>,
    mask: Option<&UnsharpMask>,
    cancel: &Cancel,
    work: impl Fn(Band<'_, S>) + Sync,
) -> Result<(), Cancelled> {
    let Part { samples, held, wanted, size: (width, height), step } = part;
    let (shape, radius) = (Shape { width, height, step }, mask.map_or(0, UnsharpMask::radius));
    let stride = shape.stride();
    let n_bands = match mask {
        Some(mask) => (RING_BYTES_MAX / ring_bytes::<S>(width as u64, step as u64, mask).max(1)) as usize,
        None => usize::MAX,
    };
    let n_bands = n_bands.min(rayon::current_num_threads()).max(1);
    let n_rows = wanted.len().div_ceil(n_bands).max(1);
    let rows = |from: usize, to: usize| {
        samples[(from - held.start) * stride..(to.min(height) - held.start) * stride].to_vec()
    };
    let around = |top: usize| {
        let bottom = wanted.end.min(top + n_rows);
        Beyond { above: rows(top.saturating_sub(radius), top), below: rows(bottom, bottom + radius) }
    };
    let beyond: Vec<_> = wanted.clone().step_by(n_rows).map(around).collect();
    let own = &mut samples[(wanted.start - held.start) * stride..(wanted.end - held.start) * stride];
    own.par_chunks_mut(n_rows * stride).zip(beyond).enumerate().for_each(|(i, (rows, beyond))| {
        work(Band { rows, top: wanted.start + i * n_rows, beyond, shape, cancel });
    });
    cancel.check()
}
