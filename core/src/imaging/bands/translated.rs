//! The work on a band, compiled once for each instruction set.
//!
//! A function with `target_feature` is compiled for the named instructions, together with all that is inlined into it.
//! The whole work on a band is inlined (`#[inline(always)]`) into three such functions and into the portable form.

use crate::imaging::Instructions;
#[cfg(target_arch = "x86_64")]
use crate::imaging::Level;

/// The work on a band.
pub(super) trait BandWork {
    /// Restores the band. Implementations are inlined (`#[inline(always)]`) into functions that are compiled for `with`.
    fn restore(self, with: Instructions);
}

/// Does the work with these instructions.
pub(super) fn restore(with: Instructions, work: impl BandWork) {
    match (with.level(), with.has_byte_tables()) {
        // SAFETY: `restore_with`, the only caller, asserts that this CPU runs these instructions. The bench `stages`
        // shows what they gain: docs/performance.md.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, true) => unsafe { restore_avx512_vbmi(with, work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, false) => unsafe { restore_avx512(with, work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, _) => unsafe { restore_avx2(with, work) },
        _ => work.restore(Instructions::PORTABLE),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
fn restore_avx512_vbmi(with: Instructions, work: impl BandWork) {
    work.restore(with);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn restore_avx512(with: Instructions, work: impl BandWork) {
    work.restore(with);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn restore_avx2(with: Instructions, work: impl BandWork) {
    work.restore(with);
}
