//! The work on a band, compiled once for each instruction set.
//!
//! A function with `target_feature` is compiled for the named instructions, together with all that is inlined into it.
//! The whole work on a band is inlined (`#[inline(always)]`) into three such functions and into the portable form.

use super::band::Band;
#[cfg(target_arch = "x86_64")]
use crate::imaging::Level;
use crate::imaging::{
    Instructions,
    operators::{point::PointOperator, unsharp_mask::UnsharpMask},
};

/// Restores a band with these instructions.
pub(super) fn restore<P: PointOperator>(
    with: Instructions,
    band: Band,
    point: &P,
    mask: Option<&UnsharpMask>,
) {
    match (with.level(), with.has_byte_tables()) {
        // SAFETY: `restore_with`, the only caller, asserts that this CPU runs these instructions. The bench `stages`
        // shows what they gain: docs/performance.md.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, true) => unsafe { restore_avx512_vbmi(with, band, point, mask) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, false) => unsafe { restore_avx512(with, band, point, mask) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, _) => unsafe { restore_avx2(with, band, point, mask) },
        _ => band.restore(Instructions::PORTABLE, point, mask),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
fn restore_avx512_vbmi<P: PointOperator>(
    with: Instructions,
    band: Band,
    point: &P,
    mask: Option<&UnsharpMask>,
) {
    band.restore(with, point, mask);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn restore_avx512<P: PointOperator>(with: Instructions, band: Band, point: &P, mask: Option<&UnsharpMask>) {
    band.restore(with, point, mask);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn restore_avx2<P: PointOperator>(with: Instructions, band: Band, point: &P, mask: Option<&UnsharpMask>) {
    band.restore(with, point, mask);
}
