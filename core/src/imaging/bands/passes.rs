//! Selects the form of the two passes of the blur by the instruction set.

use super::planes::{Planes, WeightedRows};
#[cfg(target_arch = "x86_64")]
use super::{planes_avx2, planes_avx512};
use crate::imaging::Instructions;
#[cfg(target_arch = "x86_64")]
use crate::imaging::Level;

/// Runs [`Planes::down`] with these instructions.
#[inline(always)]
pub(super) fn down(with: Instructions, planes: &mut Planes, rows: WeightedRows, n: usize) {
    match with.level() {
        // SAFETY: `Instructions` of a level only come from `Instructions::supported`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { planes_avx512::down(planes, rows, n) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { planes_avx2::down(planes, rows, n) },
        _ => planes.down(rows, n),
    }
}

/// Runs [`Planes::across`] with these instructions.
#[inline(always)]
pub(super) fn across(with: Instructions, planes: &Planes, step: usize, taps: &[u16], blurred: &mut [u8]) {
    match with.level() {
        // SAFETY: `Instructions` of a level only come from `Instructions::supported`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { planes_avx512::across(planes, step, taps, blurred) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { planes_avx2::across(planes, step, taps, blurred) },
        _ => planes.across(step, taps, blurred),
    }
}
